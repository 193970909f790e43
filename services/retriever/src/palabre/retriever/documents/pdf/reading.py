"""PDFs page by page, with PDFium: fast, under a permissive licence, and hardened by Chrome.

Not by markitdown, which knows neither pages nor headings nor tables of a PDF (bench/reading).
"""

import contextlib
import ctypes
import io
import threading
from collections import Counter
from collections.abc import Iterator, Sequence

from PIL.Image import Image
from pypdfium2 import PdfDocument, PdfiumError, PdfPage, raw

from palabre.retriever.documents.packages import encrypted
from palabre.retriever.documents.pdf.blocks import (
    Part,
    headings,
    parts_of,
    rejoined,
    vocabulary_of,
    without_furniture,
)
from palabre.retriever.documents.pdf.bullets import with_bullets
from palabre.retriever.documents.pdf.layout import ordered
from palabre.retriever.documents.pdf.lines import Line, lines_of, words_of
from palabre.retriever.documents.pdf.paper import Paper
from palabre.retriever.documents.pdf.ruled import grids, tabled
from palabre.retriever.documents.pdf.strokes import strokes_of
from palabre.retriever.documents.properties import sane_language, sane_title
from palabre.retriever.documents.structure import Document, Outline, Section, Source, without_title
from palabre.retriever.errors import InvalidDocument

MAX_PAGES = 5_000
_RENDER_DPI = 200
_MAX_PIXELS = 3_500
_LANGUAGE_UNITS = 32
_MAX_OBJECTS = 20_000
# Around a page's head and foot; letters that were turned into shapes are many more.
_RULES = 10
# PDFium may be in one thread at a time, whichever documents they read: two break the heap.
_ALONE = threading.Lock()


def read_pdf(source: Source) -> Document:
    """A section knows its page; pages with pictures and no text are `unread`.

    Raises InvalidDocument.
    """
    with _opened(source.name, source.data) as file:
        return _read(source.name, file)


def render(name: str, data: bytes, page: int) -> bytes:
    """A page, from 1, as PNG. Raises InvalidDocument."""
    with _opened(name, data) as file:
        picture = _rendered(name, file, page)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def _read(name: str, file: PdfDocument) -> Document:
    found = [_page(name, file, number) for number in range(len(file))]
    pages = list(without_furniture([lines for lines, _ in found], [height for _, height in found]))
    unread = tuple(n for n, lines in enumerate(pages, 1) if not lines and _shows(file, n - 1))
    vocabulary = vocabulary_of(pages)
    parts = [parts_of(ordered(lines), vocabulary) for lines in pages]
    _join_over_pages(parts, vocabulary)
    title, sections = _told(parts, sane_title(_said(file, "Title"), name))
    return Document(
        without_title(sections, title),
        title=title,
        language=sane_language(_language(file)),
        unread=unread,
    )


def _rendered(name: str, file: PdfDocument, page: int) -> Image:
    """In memory of Python's, which needs no PDFium any more."""
    if not 1 <= page <= len(file):
        raise InvalidDocument(name, f"has no page {page}", f"choose 1 to {len(file)}")
    try:
        shown = file[page - 1]
        scale = min(_RENDER_DPI / 72, _MAX_PIXELS / max(*shown.get_size(), 1.0))
        with contextlib.closing(shown.render(scale=scale)) as bitmap:
            picture: Image = bitmap.to_pil()
    except PdfiumError as error:
        raise _damaged(name) from error
    return picture


@contextlib.contextmanager
def _opened(name: str, data: bytes) -> Iterator[PdfDocument]:
    """Closed at the end with its pages and their text, and not when their finalizers happen to run.

    That may be in any thread. Nobody else is in PDFium meanwhile.
    """
    with _ALONE, contextlib.closing(_loaded(name, data)) as file:
        if len(file) > MAX_PAGES:
            raise InvalidDocument(
                name, f"has {len(file)} pages, above the limit of {MAX_PAGES}", "split it"
            )
        yield file


def _loaded(name: str, data: bytes) -> PdfDocument:
    try:
        return PdfDocument(data)
    except PdfiumError as error:
        if getattr(error, "err_code", None) in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY):
            raise encrypted(name) from error
        raise _damaged(name) from error


def _damaged(name: str) -> InvalidDocument:
    return InvalidDocument(
        name, "is damaged or cut short", "send it again, or print it to a new PDF"
    )


def _page(name: str, file: PdfDocument, number: int) -> tuple[list[Line], float]:
    """The lines of a page and its height."""
    try:
        page = file[number]
        paper, text = Paper.of(page)
        rows = with_bullets(words_of(text, paper), page, paper)
        found = grids(strokes_of(page, paper))
    except PdfiumError as error:
        raise _damaged(name) from error
    tables, rest = tabled(found, rows)
    page.close()
    return tables + lines_of(rest), paper.seen_height


def _shows(file: PdfDocument, number: int) -> bool:
    """Whether a page shows more than its head and foot, and rules there: that is no scan."""
    page: PdfPage = file[number]
    count = min(raw.FPDFPage_CountObjects(page), _MAX_OBJECTS)
    kinds = Counter(
        raw.FPDFPageObj_GetType(raw.FPDFPage_GetObject(page, place)) for place in range(count)
    )
    page.close()
    rules = _RULES if kinds.pop(raw.FPDF_PAGEOBJ_TEXT, 0) else 0
    return kinds.pop(raw.FPDF_PAGEOBJ_PATH, 0) > rules or bool(kinds)


def _join_over_pages(pages: Sequence[list[Part]], vocabulary: frozenset[str]) -> None:
    """A paragraph that a page break parted is whole, on the page where it begins."""
    before: list[Part] = []
    for after in pages:
        if before and after and _is_parted(before[-1], after[0]):
            rest = after.pop(0)
            before[-1].text = rejoined(before[-1].text, rest.text, vocabulary)
            before[-1].lines += rest.lines
        before = after or before


def _is_parted(end: Part, start: Part) -> bool:
    return (
        end.kind == start.kind == "paragraph"
        and abs(end.size - start.size) < 0.6
        and start.text[:1].islower()
        and not end.text.endswith((".", "!", "?", ":", ";"))
    )


def _told(pages: Sequence[Sequence[Part]], title: str) -> tuple[str, tuple[Section, ...]]:
    levels, outline = headings(pages), Outline()
    first = next(_top_headings(pages[:1], levels), "")
    for number, parts in enumerate(pages, 1):
        outline.page(number)
        for part in parts:
            if level := levels.get(id(part)):
                outline.heading(level, part.text)
            else:
                outline.block(part.text, part.kind)
    return title or first, outline.sections()


def _top_headings(pages: Sequence[Sequence[Part]], levels: dict[int, int]) -> Iterator[str]:
    return (part.text for parts in pages for part in parts if levels.get(id(part)) == 1)


def _said(file: PdfDocument, key: str) -> str:
    return str(file.get_metadata_value(key))


def _language(file: PdfDocument) -> str:
    said = (ctypes.c_ushort * _LANGUAGE_UNITS)()
    raw.FPDFCatalog_GetLanguage(file, said, ctypes.sizeof(said))
    return bytes(said).decode("utf-16-le", "replace").partition("\0")[0]
