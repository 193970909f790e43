"""Spreadsheets: what their cells say, where their tables are, and how each is best read."""

from palabre.retriever.documents.sheets.reading import read_delimited, read_workbook

__all__ = ["read_delimited", "read_workbook"]
