"""Articles of MediaWiki, as its skins and its REST interface (Parsoid) serve them.

https://www.mediawiki.org/wiki/Specs/HTML, and the classes that French and English Wikipedia use.
"""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from palabre.retriever.documents.boilerplate import drop
from palabre.retriever.documents.markup import text_of

_NOISE = (
    "style, script, link, meta, noscript, .mw-editsection, .mw-editsection-like, sup.reference,"
    " sup.mw-ref, .reference-cadre, .need_ref_tag, sup.noprint, .Inline-Template,"
    " .mw-cite-backlink, .references, .mw-references-wrap, .reflist, .hatnote, .homonymie,"
    " .dablink, .bandeau-container, .bandeau-section, .bandeau-article, .ambox, .metadata, .navbox,"
    " .navbox-container, .vertical-navbox, .sidebar, .bandeau-portail, .portalbox, .portal,"
    " .sistersitebox, .autres-projets, .authority-control, .catlinks, .printfooter, .mw-indicators,"
    " .toc, #toc, .toclimit, #coordinates, .geo-default, .geo-nondefault, .geo, .coordinates,"
    " .noprint, .mw-jump-link, .mw-empty-elt, .shortdescription, .mw-file-description, .gallery,"
    " .mw-tmh-player, .sortkey, .mwe-math-fallback-image-inline, .mwe-math-fallback-image-display,"
    " #mw-navigation, .vector-body-before-content, .mw-hidden-catlinks, .error,"
    " span[style*='display:none'], span[style*='display: none']"
)
_INFOBOX = ".infobox, .infobox_v2, .infobox_v3"
# Sections that lead away from the article, by heading; French and English.
_AWAY = re.compile(
    r"(?:voir aussi|notes?(?: et références)?|références|annexes?|bibliographie|sources"
    r"|liens? externes?|articles? connexes?|lectures complémentaires|see also|references"
    r"|notes and references|citations|footnotes|external links?|further reading|bibliography)",
    re.IGNORECASE,
)
_LEVELS = ("h1", "h2", "h3", "h4", "h5", "h6")
_MAX_VALUE = 300
_DISPLAY = re.compile(r"^\{\\(?:display|text)style\s*(.*)\}$", re.DOTALL)
_SITE = re.compile(r"\s+[-–—]\s+(?:Wikip\S+|Wik\S+)$")


def article(tree: LexborHTMLParser) -> LexborNode | None:
    """The cleaned text of an article, or None for another page. Changes the tree."""
    root = _content(tree)
    if root is None:
        return None
    _write_formulas(tree, root)
    drop(root, _NOISE)
    for infobox in root.css(_INFOBOX):
        _list_infobox(tree, infobox)
    _drop_sections(root)
    return root


def title(tree: LexborHTMLParser, said: str) -> str:
    """An article's title: its first heading, else the page's own without the site's name."""
    heading = tree.css_first("#firstHeading")
    return text_of(heading) if heading else _SITE.sub("", said)


def licence(tree: LexborHTMLParser, url: str) -> str:
    """A remark for the document's owner; empty when the page names no licence."""
    named = tree.css_first("a[rel=license], link[rel=license]")
    target = (named.attributes.get("href") or "") if named else ""
    if "by-sa" in target or ".wikipedia.org/" in url:
        version = re.search(r"by-sa/(\d\.\d)", target)
        terms = f"CC BY-SA {version[1] if version else '4.0'}"
        return (
            f"The text is under {terms}: whoever quotes it names the source, {url or 'its page'}."
        )
    return ""


def _content(tree: LexborHTMLParser) -> LexborNode | None:
    if found := tree.css_first("#mw-content-text"):
        return found
    return tree.body if tree.css_first("body.mw-parser-output") else None


def _write_formulas(tree: LexborHTMLParser, root: LexborNode) -> None:
    """MathML and its picture become the TeX that they were made from."""
    for node in root.css(".mwe-math-element"):
        math = node.css_first("math")
        tex = (math.attributes.get("alttext") or "") if math else ""
        tex = _DISPLAY.sub(r"\1", tex).strip()
        node.replace_with(f"${tex}$" if tex else "")


def _list_infobox(tree: LexborHTMLParser, infobox: LexborNode) -> None:
    """`key: value` lines; pictures, headings and maps go."""
    lines = tree.create_node("ul")
    for line in _facts(infobox):
        item = tree.create_node("li")
        item.insert_child(line)
        lines.insert_child(item)
    infobox.replace_with(lines)


def _facts(infobox: LexborNode) -> Iterator[str]:
    for row in infobox.css("tr"):
        keys, values = row.css("th"), row.css("td")
        if len(keys) == len(values) == 1 and row.css_first("table") is None:
            key = text_of(keys[0]).rstrip(" :\N{NO-BREAK SPACE}")
            items = [text_of(item) for item in values[0].css("li")]
            value = ", ".join(items) or text_of(values[0])
            if key and value:
                yield f"{key} : {value[:_MAX_VALUE]}"


def _drop_sections(root: LexborNode) -> None:
    for level, tag in enumerate(_LEVELS):
        for heading in root.css(tag):
            if _AWAY.fullmatch(text_of(heading)) and heading.parent is not None:
                _drop_section(heading, _LEVELS[: level + 1])


def _drop_section(heading: LexborNode, ends: tuple[str, ...]) -> None:
    """Parsoid wraps a section; elsewhere it lasts until a heading of its level, or above."""
    parent = heading.parent
    if parent is not None and "data-mw-section-id" in parent.attributes:
        parent.decompose()
        return
    wrapped = parent is not None and "mw-heading" in (parent.attributes.get("class") or "")
    first = parent if wrapped and parent is not None else heading
    gone, following = first, first.next
    gone.decompose()
    while following is not None and not _begins(following, ends):
        gone, following = following, following.next
        gone.decompose()


def _begins(node: LexborNode, tags: tuple[str, ...]) -> bool:
    if node.tag in tags:
        return True
    heads = node.is_element_node and "mw-heading" in (node.attributes.get("class") or "")
    return heads and any(node.css_first(tag) is not None for tag in tags)
