"""Blocks of an HTML tree, for every format that comes as HTML or can be turned into it."""

import re
from collections.abc import Callable, Iterator, Sequence

from selectolax.lexbor import LexborNode

from palabre.retriever.documents.structure import Outline
from palabre.retriever.documents.tables import Cell, grid, markdown

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_PARAGRAPHS = (
    *("p", "dd", "dt", "blockquote", "address"),
    *("caption", "figcaption", "summary", "label", "legend"),
)
_LISTS = ("ul", "ol")
_MAX_DEPTH = 200


def collect(root: LexborNode, outline: Outline) -> None:
    """Blocks and headings below `root`, in reading order. Changes the tree."""
    for line_break in root.css("br"):
        line_break.replace_with("\n")
    # A formula says the same once more for other programs.
    for again in root.css("annotation, annotation-xml"):
        again.decompose()
    _walk(root, outline)


def _walk(node: LexborNode, outline: Outline, depth: int = 0) -> None:
    """Text that stands loose between elements is a paragraph."""
    loose: list[str] = []
    for child in node.iter(include_text=True):
        if (place := _PLACES.get(child.tag or "")) or _holds_blocks(child):
            outline.block(_collapse("".join(loose)))
            loose = []
            if place:
                place(child, outline)
            elif depth < _MAX_DEPTH:
                _walk(child, outline, depth + 1)
            else:
                _paragraph(child, outline)
        else:
            loose.append(_raw(child))
    outline.block(_collapse("".join(loose)))


def _holds_blocks(node: LexborNode) -> bool:
    return node.tag != "-text" and node.css_first(_BLOCKS) is not None


def _heading(node: LexborNode, outline: Outline) -> None:
    outline.heading(_HEADINGS[node.tag or "h6"], text_of(node))


def _paragraph(node: LexborNode, outline: Outline) -> None:
    outline.block(text_of(node))


def _list(node: LexborNode, outline: Outline) -> None:
    outline.block("\n".join(_items(node, 0)), "list")


def _items(node: LexborNode, depth: int) -> Iterator[str]:
    """An item's own words, then those of the lists inside it, further in."""
    for item in node.iter():
        parts = [item] if item.tag in _LISTS else list(item.iter(include_text=True))
        own = _collapse(" ".join(_raw(part) for part in parts if part.tag not in _LISTS))
        if own:
            yield f"{'  ' * depth}- {own}"
        for nested in parts:
            if nested.tag in _LISTS and depth < _MAX_DEPTH:
                yield from _items(nested, depth + 1)


def _table(node: LexborNode, outline: Outline) -> None:
    """What is in a table that only lays out a page comes block by block."""
    rows = [
        [cell for cell in row.iter() if cell.tag in ("td", "th")]
        for row in node.css("tr")
        if _is_row_of(row, node)
    ]
    if _is_layout(rows):
        _walk(node, outline)
        return
    if caption := node.css_first("caption"):
        outline.block(text_of(caption))
    outline.block(markdown(grid([_cell(cell) for cell in row] for row in rows)), "table")


def _is_row_of(row: LexborNode, table: LexborNode) -> bool:
    """Not of a table inside one of its cells."""
    above = row.parent
    while above is not None and above.tag != "table":
        above = above.parent
    return above is not None and above.mem_id == table.mem_id


def _is_layout(rows: Sequence[Sequence[LexborNode]]) -> bool:
    """Tables in most of its cells; or one cell; or one row or column with paragraphs in it."""
    cells = [cell for row in rows for cell in row]
    nested = sum(cell.css_first("table") is not None for cell in cells)
    single = len(rows) < 2 or max(map(len, rows)) < 2
    return len(cells) == 1 or (single and any(map(_holds_blocks, cells))) or nested * 2 > len(cells)


def _cell(node: LexborNode) -> Cell:
    return Cell(text_of(node), _span(node, "colspan"), _span(node, "rowspan"))


def _span(node: LexborNode, name: str) -> int:
    said = (node.attributes.get(name) or "").strip()
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 10 else 1


def _code(node: LexborNode, outline: Outline) -> None:
    outline.block(f"```\n{node.text()}\n```" if node.text().strip() else "", "code")


def text_of(node: LexborNode) -> str:
    return _collapse(_raw(node))


def _raw(node: LexborNode) -> str:
    if node.tag == "-text":
        return node.text_content or ""
    parted = any(_holds_blocks(child) for child in node.iter())
    return node.text(separator=" " if parted else "")


def _collapse(text: str) -> str:
    """One line, without the line breaks of the source; no-break spaces stay."""
    return re.sub(r"[ \t\r\n\f]+", " ", text).strip()


_PLACES: dict[str, Callable[[LexborNode, Outline], None]] = {
    **dict.fromkeys(_HEADINGS, _heading),
    **dict.fromkeys(_PARAGRAPHS, _paragraph),
    **dict.fromkeys(_LISTS, _list),
    "table": _table,
    "pre": _code,
}
_BLOCKS = ", ".join(_PLACES)
