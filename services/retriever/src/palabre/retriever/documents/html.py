"""HTML: what a reader came for, without menus, scripts and forms."""

import re
from collections.abc import Callable, Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from palabre.retriever.documents.decoding import decode_html
from palabre.retriever.documents.structure import Document, Outline, Source, without_title

_NOISE = (
    "script, style, noscript, template, nav, aside, form, button, svg, iframe, dialog, footer,"
    " [hidden], [aria-hidden=true], [role=navigation], [role=banner], [role=contentinfo]"
)
_BODY = ("main", "[role=main]", "article", "body")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_PARAGRAPHS = (
    *("p", "dd", "dt", "blockquote", "address"),
    *("caption", "figcaption", "summary", "label", "legend"),
)
_LISTS = ("ul", "ol")
_MAX_DEPTH = 200


def read_html(source: Source) -> Document:
    """The largest of <main>, <article> and <body> that exists first. Raises InvalidDocument."""
    tree = LexborHTMLParser(decode_html(source.name, source.data, source.charset))
    said = _said(tree)
    tree.strip_tags(["head"], recursive=True)
    for node in tree.css(_NOISE):
        node.decompose()
    outline, heading = Outline(), tree.css_first("h1")
    if root := next((found for query in _BODY if (found := tree.css_first(query))), None):
        _walk(root, outline, 0)
    title = (_text(heading) if heading else "") or said["title"]
    return Document(
        sections=without_title(outline.sections(), title),
        title=title,
        language=said["language"],
        url=said["url"],
        keywords=tuple(w for word in said["keywords"].split(",") if (w := word.strip())),
    )


def _said(tree: LexborHTMLParser) -> dict[str, str]:
    """What the page says of itself in its head."""
    title = tree.css_first("title")
    url = _attribute(tree, "link[rel=canonical]", "href")
    return {
        "title": _text(title) if title else "",
        "language": _attribute(tree, "html", "lang"),
        "keywords": _attribute(tree, "meta[name=keywords]", "content"),
        "url": url if url.startswith(("https://", "http://")) else "",
    }


def _attribute(tree: LexborHTMLParser, query: str, name: str) -> str:
    node = tree.css_first(query)
    return (node.attributes.get(name) or "").strip() if node else ""


def _walk(node: LexborNode, outline: Outline, depth: int) -> None:
    """In reading order. Text that stands loose between elements is a paragraph."""
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
    outline.heading(_HEADINGS[node.tag or "h6"], _text(node))


def _paragraph(node: LexborNode, outline: Outline) -> None:
    outline.block(_text(node))


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
    rows = [[_text(cell) for cell in row.css("td, th")] for row in node.css("tr")]
    lines = [f"| {' | '.join(row)} |" for row in rows if any(row)]
    if len(lines) > 1:
        lines.insert(1, "|" + " --- |" * len(rows[0]))
    outline.block("\n".join(lines), "table")


def _code(node: LexborNode, outline: Outline) -> None:
    outline.block(f"```\n{node.text()}\n```" if node.text().strip() else "", "code")


def _text(node: LexborNode) -> str:
    return _collapse(_raw(node))


def _raw(node: LexborNode) -> str:
    if node.tag == "-text":
        return node.text_content or ""
    if node.tag == "br":
        return "\n"
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
