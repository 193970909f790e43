"""Presentations, slide by slide: python-pptx.

Not by markitdown, which uses python-pptx as well: it leaves merged cells empty, makes one block of
all points of a slide, and gives no slide a number that survives the cutting into passages.
"""

import io
from collections.abc import Iterator, Sequence
from typing import Any
from zipfile import BadZipFile

from lxml.etree import LxmlError
from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.exc import PythonPptxError

from palabre.retriever.documents.properties import sane_language, sane_title
from palabre.retriever.documents.structure import Document, Outline, Source
from palabre.retriever.documents.tables import Cell, grid, markdown
from palabre.retriever.errors import InvalidDocument

_MAX_DEPTH = 20
_FURNITURE = (PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER)
_DAMAGED = (PythonPptxError, LxmlError, BadZipFile, KeyError, ValueError, AttributeError)


def read_pptx(source: Source) -> Document:
    """A slide's title is a heading, its notes stand below it. Raises InvalidDocument."""
    outline = Outline()
    try:
        presentation = Presentation(io.BytesIO(source.data))
        said = presentation.core_properties
        for number, slide in enumerate(presentation.slides, 1):
            _slide(slide, number, outline)
        title, language = said.title, said.language
    except _DAMAGED as error:
        raise InvalidDocument(
            source.name, "is damaged: its parts do not fit together", "save it anew as .pptx"
        ) from error
    return Document(
        outline.sections(),
        title=sane_title(title, source.name),
        language=sane_language(language),
    )


def _slide(slide: Any, number: int, outline: Outline) -> None:
    outline.page(number)
    title = slide.shapes.title
    heading = _words(title.text_frame.text) if title is not None else ""
    outline.heading(1, heading)
    shapes = [s for s in _flat(slide.shapes) if title is None or s.shape_id != title.shape_id]
    blocks = [block for shape in shapes for block in _blocks(shape)]
    notes = _paragraphs(slide.notes_slide.notes_text_frame) if slide.has_notes_slide else []
    for text, kind in blocks:
        outline.block(text, "table" if kind == "table" else "list" if kind else "paragraph")
    for text in notes:
        outline.block(text)
    if not blocks and not notes:
        outline.block(heading)


def _flat(shapes: Any, depth: int = 0) -> Iterator[Any]:
    """Those in groups too, in the order in which a screen reader takes them."""
    for shape in shapes:
        if hasattr(shape, "shapes") and depth < _MAX_DEPTH:
            yield from _flat(shape.shapes, depth + 1)
        elif not (shape.is_placeholder and shape.placeholder_format.type in _FURNITURE):
            yield shape


def _blocks(shape: Any) -> Iterator[tuple[str, str]]:
    """(text, kind); a frame with several points is a list."""
    if getattr(shape, "has_table", False):
        yield _table(shape.table), "table"
    elif getattr(shape, "has_chart", False):
        yield from _chart(shape.chart)
    elif shape.has_text_frame:
        paragraphs = [p for p in shape.text_frame.paragraphs if _words(p.text)]
        if shape.is_placeholder and len(paragraphs) > 1:
            lines = (f"{'  ' * min(p.level, 8)}- {_words(p.text)}" for p in paragraphs)
            yield "\n".join(lines), "list"
        else:
            yield from ((_words(p.text), "") for p in paragraphs)


def _table(table: Any) -> str:
    return markdown(
        grid(
            [
                Cell(_words(c.text), c.span_width, c.span_height)
                for c in row.cells
                if not c.is_spanned
            ]
            for row in table.rows
        )
    )


def _chart(chart: Any) -> Iterator[tuple[str, str]]:
    """Its figures, as a table."""
    if chart.has_title and chart.chart_title.has_text_frame:
        yield _words(chart.chart_title.text_frame.text), ""
    for plot in chart.plots:
        rows: list[Sequence[str]] = [["", *(str(series.name) for series in plot.series)]]
        values = [list(series.values) for series in plot.series]
        for place, category in enumerate(plot.categories):
            cells = (column[place] if place < len(column) else None for column in values)
            rows.append([str(category), *("" if cell is None else f"{cell:g}" for cell in cells)])
        yield markdown(rows), "table"


def _paragraphs(frame: Any) -> list[str]:
    return [words for p in frame.paragraphs if (words := _words(p.text))] if frame else []


def _words(text: str) -> str:
    """Line breaks inside a paragraph are vertical tabs."""
    return " ".join(text.replace("\v", " ").replace("\n", " ").split(" ")).strip()
