"""HTML: what a reader came for, without menus, scripts and forms."""

from selectolax.lexbor import LexborHTMLParser

from palabre.retriever.documents.decoding import decode_html
from palabre.retriever.documents.markup import collect, text_of
from palabre.retriever.documents.structure import Document, Outline, Source, without_title

_NOISE = (
    "script, style, noscript, template, nav, aside, form, button, svg, iframe, dialog, footer,"
    " [hidden], [aria-hidden=true], [role=navigation], [role=banner], [role=contentinfo]"
)
_BODY = ("main", "[role=main]", "article", "body")


def read_html(source: Source) -> Document:
    """The largest of <main>, <article> and <body> that exists first. Raises InvalidDocument."""
    tree = LexborHTMLParser(decode_html(source.name, source.data, source.charset))
    said = _said(tree)
    tree.strip_tags(["head"], recursive=True)
    for node in tree.css(_NOISE):
        node.decompose()
    outline, heading = Outline(), tree.css_first("h1")
    if root := next((found for query in _BODY if (found := tree.css_first(query))), None):
        collect(root, outline)
    title = (text_of(heading) if heading else "") or said["title"]
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
        "title": text_of(title) if title else "",
        "language": _attribute(tree, "html", "lang"),
        "keywords": _attribute(tree, "meta[name=keywords]", "content"),
        "url": url if url.startswith(("https://", "http://")) else "",
    }


def _attribute(tree: LexborHTMLParser, query: str, name: str) -> str:
    node = tree.css_first(query)
    return (node.attributes.get(name) or "").strip() if node else ""
