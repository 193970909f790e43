"""HTML: what a reader came for, without menus, scripts and forms."""

import re

from selectolax.lexbor import LexborHTMLParser

from palabre.retriever.documents import wiki
from palabre.retriever.documents.boilerplate import prune
from palabre.retriever.documents.decoding import decode_html
from palabre.retriever.documents.folding import unfold
from palabre.retriever.documents.markup import collect, text_of
from palabre.retriever.documents.notes import place_notes
from palabre.retriever.documents.structure import Document, Outline, Source, without_title

_DATES = (
    "meta[property='article:modified_time'], meta[property='article:published_time'],"
    " meta[property='dc:modified'], meta[itemprop=dateModified], meta[name='DC.date']"
)
_MAX_URL = 2_000


def read_html(source: Source) -> Document:
    """The main text of a page, or all of a file that is nothing else. Raises InvalidDocument."""
    tree = LexborHTMLParser(decode_html(source.name, source.data, source.charset))
    said = _said(tree)
    remarks = [said["dated"], wiki.licence(tree, said["url"])]
    title = wiki.title(tree, said["title"])
    tree.strip_tags(["head"], recursive=True)
    text = wiki.article(tree)
    if text is None:
        place_notes(tree)
        unfold(tree)
        prune(tree)
        text, title = tree.body, _title(tree, said["title"])
    outline = Outline()
    if text is not None:
        collect(text, outline)
    return Document(
        sections=without_title(outline.sections(), title),
        title=title,
        language=said["language"],
        url=said["url"],
        keywords=tuple(w for word in said["keywords"].split(",") if (w := word.strip())),
        remarks=tuple(remark for remark in remarks if remark),
    )


def _title(tree: LexborHTMLParser, said: str) -> str:
    """The first heading that the page's own title holds, else the first of level 1."""
    headings = [text for node in tree.css("h1, h2") if (text := text_of(node))]
    shared = (text for text in headings if text.casefold() in said.casefold())
    first = tree.css_first("h1")
    return next(shared, "") or (text_of(first) if first else "") or said


def _said(tree: LexborHTMLParser) -> dict[str, str]:
    """What the page says of itself in its head."""
    title = tree.css_first("title")
    url = _attribute(tree, "link[rel=canonical], link[rel='dc:isVersionOf']", "href")
    url = f"https:{url}" if url.startswith("//") else url
    date = _attribute(tree, _DATES, "content")
    return {
        "title": text_of(title) if title else "",
        "language": _language(_attribute(tree, "html[lang], body[lang]", "lang")),
        "keywords": _attribute(tree, "meta[name=keywords]", "content"),
        "url": url if url.startswith(("https://", "http://")) and len(url) <= _MAX_URL else "",
        "dated": f"The page is dated {date[:10]}." if date[:4].isdecimal() else "",
    }


def _language(said: str) -> str:
    """`FR_fr` is `fr`; a word that is no code says nothing."""
    code = re.split("[-_]", said)[0].lower()
    return code if re.fullmatch("[a-z]{2,3}", code) else ""


def _attribute(tree: LexborHTMLParser, query: str, name: str) -> str:
    node = tree.css_first(query)
    return (node.attributes.get(name) or "").strip() if node else ""
