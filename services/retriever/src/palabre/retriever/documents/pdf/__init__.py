"""PDF: pages of glyphs, from which lines, columns, headings and tables have to be found again."""

from palabre.retriever.documents.pdf.reading import read_pdf, render

__all__ = ["read_pdf", "render"]
