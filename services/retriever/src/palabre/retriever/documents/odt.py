"""OpenDocument texts, from their XML: no maintained reader keeps headings, lists and tables."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from palabre.retriever.documents.packages import Package, encrypted
from palabre.retriever.documents.properties import sane_language, sane_title
from palabre.retriever.documents.structure import Document, Outline, Source, without_title
from palabre.retriever.documents.tables import MAX_COLUMNS, Cell, grid, markdown
from palabre.retriever.errors import InvalidDocument

_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
_MAX_DEPTH = 100
# Deleted text, comments, and what a program made of the rest.
_LEFT_OUT = frozenset(
    {
        *(f"{_TEXT}{name}" for name in ("tracked-changes", "table-of-content", "sequence-decls")),
        *(f"{_TEXT}{name}" for name in ("alphabetical-index", "illustration-index", "note")),
        *(f"{_OFFICE}{name}" for name in ("annotation", "forms", "binary-data")),
    }
)


def read_odt(source: Source) -> Document:
    """Footnotes stand below the paragraph that they belong to. Raises InvalidDocument."""
    package = Package(source)
    _demand_readable(package)
    root = package.xml("content.xml")
    _name_titles(root)
    hid = _drop_hidden(root)
    outline, said = Outline(), _said(package)
    for body in root.iterfind(f"{_OFFICE}body/{_OFFICE}text"):
        _walk(body, outline, 0)
    titled = (_plain(p) for p in root.iter(f"{_TEXT}p") if _is_title(p))
    title = next(titled, "") or sane_title(said.get("title"), source.name)
    return Document(
        without_title(outline.sections(), title),
        title=title,
        language=sane_language(said.get("language")),
        remarks=("Its hidden text was left out.",) if hid else (),
    )


def _demand_readable(package: Package) -> None:
    """An encrypted document says so in its manifest. Raises InvalidDocument."""
    manifest = "META-INF/manifest.xml"
    if manifest in package.names and b"encryption-data" in package.read(manifest):
        raise encrypted(package.document)
    if "content.xml" not in package.names:
        raise InvalidDocument(package.document, "is damaged: it has no content", "save it anew")


def _said(package: Package) -> dict[str, str]:
    if "meta.xml" not in package.names:
        return {}
    root = package.xml("meta.xml")
    return {
        name: (root.findtext(f".//{_DUBLIN_CORE}{name}") or "").strip()
        for name in ("title", "language")
    }


def _walk(node: Any, outline: Outline, depth: int) -> None:
    """Sections, frames and other wrappers are walked through."""
    for child in node:
        if child.tag in _LEFT_OUT:
            continue
        if place := _PLACES.get(child.tag):
            place(child, outline)
        elif depth < _MAX_DEPTH:
            _walk(child, outline, depth + 1)


def _heading(node: Any, outline: Outline) -> None:
    level = node.get(f"{_TEXT}outline-level", "1")
    outline.heading(int(level) if level.isdecimal() and len(level) < 3 else 1, _plain(node))


def _paragraph(node: Any, outline: Outline) -> None:
    if _is_title(node):
        outline.heading(0, _plain(node))
        return
    outline.block(_plain(node))
    _framed(node, outline)
    _notes(node, outline)


def _framed(node: Any, outline: Outline) -> None:
    """Text boxes are anchored inside a paragraph."""
    for box in node.iter(f"{_DRAW}text-box"):
        _walk(box, outline, 1)


def _notes(node: Any, outline: Outline) -> None:
    for note in node.iter(f"{_TEXT}note"):
        number = note.findtext(f"{_TEXT}note-citation") or "*"
        said = " ".join(_plain(p) for p in note.iter(f"{_TEXT}p"))
        outline.block(f"[{number}] {said}")


def _list(node: Any, outline: Outline) -> None:
    """A list that holds headings only numbers them."""
    if next(node.iter(f"{_TEXT}h"), None) is not None:
        _walk(node, outline, 1)
        return
    outline.block("\n".join(_items(node, 0)), "list")
    _notes(node, outline)


def _items(node: Any, depth: int) -> Iterator[str]:
    for item in node:
        own = " ".join(_plain(p) for p in item if p.tag == f"{_TEXT}p").strip()
        if own:
            yield f"{'  ' * depth}- {own}"
        for nested in item:
            if nested.tag == f"{_TEXT}list" and depth < _MAX_DEPTH:
                yield from _items(nested, depth + 1)


def _table(node: Any, outline: Outline) -> None:
    rows = [list(_cells(row)) for row in _rows(node)]
    outline.block(markdown(grid(rows)), "table")
    _notes(node, outline)


def _rows(node: Any) -> Iterator[Any]:
    for child in node:
        if child.tag == f"{_TABLE}table-row":
            yield child
        elif child.tag in _ROW_GROUPS:
            yield from _rows(child)


def _cells(row: Any) -> Iterator[Cell]:
    for cell in row:
        if cell.tag == f"{_TABLE}table-cell":
            text = " ".join(_plain(p) for p in cell.iter() if p.tag in _PARAGRAPHS).strip()
            spans = Cell(text, _number(cell, "columns-spanned"), _number(cell, "rows-spanned"))
            yield from [spans] * min(_number(cell, "columns-repeated"), MAX_COLUMNS)


def _number(cell: Any, name: str) -> int:
    said = cell.get(f"{_TABLE}number-{name}", "1")
    return int(said) if said.isdecimal() and len(said) < 8 else 1


def _name_titles(root: Any) -> None:
    """A style that was changed by hand has a name of its own, and `Title` as its parent."""
    derived = {
        style.get(f"{_STYLE}name")
        for style in root.iter(f"{_STYLE}style")
        if style.get(f"{_STYLE}parent-style-name") == "Title"
    }
    for paragraph in root.iter(f"{_TEXT}p"):
        if paragraph.get(f"{_TEXT}style-name") in derived:
            paragraph.set(f"{_TEXT}style-name", "Title")


def _drop_hidden(root: Any) -> bool:
    """Whether there was text that its style hides."""
    styles = {
        style.get(f"{_STYLE}name")
        for style in root.iter(f"{_STYLE}style")
        for said in style.iterfind(f"{_STYLE}text-properties")
        if said.get(f"{_TEXT}display") == "none"
    }
    hidden = [n for n in root.iter() if n.tag in _STYLED and n.get(f"{_TEXT}style-name") in styles]
    for node in hidden:
        tail = node.tail
        node.clear()
        node.tail = tail
    return bool(hidden)


def _is_title(node: Any) -> bool:
    return bool(node.get(f"{_TEXT}style-name") == "Title")


def _plain(node: Any) -> str:
    return re.sub(r"[ \t\r\n]+", " ", "".join(_pieces(node, 0))).strip()


def _pieces(node: Any, depth: int) -> Iterator[str]:
    """The text of a paragraph, without that of the notes, boxes and comments inside it."""
    yield node.text or ""
    for child in node:
        if child.tag in _WHITE:
            yield " "
        elif child.tag == f"{_TEXT}note":
            yield f" [{child.findtext(f'{_TEXT}note-citation') or '*'}]"
        elif child.tag not in _NOT_INLINE and depth < _MAX_DEPTH:
            yield from _pieces(child, depth + 1)
        yield child.tail or ""


_WHITE = frozenset(f"{_TEXT}{name}" for name in ("s", "tab", "line-break"))
_NOT_INLINE = _LEFT_OUT | {f"{_DRAW}frame"}
_PARAGRAPHS = frozenset((f"{_TEXT}p", f"{_TEXT}h"))
_STYLED = _PARAGRAPHS | {f"{_TEXT}span"}
_ROW_GROUPS = frozenset(f"{_TABLE}{name}" for name in ("table-header-rows", "table-rows"))
_PLACES: dict[str, Callable[[Any, Outline], None]] = {
    f"{_TEXT}h": _heading,
    f"{_TEXT}p": _paragraph,
    f"{_TEXT}list": _list,
    f"{_TABLE}table": _table,
}
