"""Books: one document each, whose chapters are its headings, so that a citation names the chapter.

Read along the spine with the names of the table of contents. markitdown joins the files without
those names, and ebooklib is under the AGPL.
"""

import posixpath
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from palabre.retriever.documents.markup import collect, text_of
from palabre.retriever.documents.notes import place_notes
from palabre.retriever.documents.packages import Package
from palabre.retriever.documents.properties import sane_language, sane_title
from palabre.retriever.documents.structure import Document, Outline, Source
from palabre.retriever.errors import InvalidDocument

_CONTAINER = "{urn:oasis:names:tc:opendocument:xmlns:container}"
_OPF = "{http://www.idpf.org/2007/opf}"
_NCX = "{http://www.daisy.org/z3986/2005/ncx/}"
_DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
_NOISE = "script, style, svg, iframe, object, audio, video, nav, [hidden]"
_HEADINGS = "h1, h2, h3, h4, h5, h6"
# Above all headings inside a chapter.
_TOP = -100
_MAX_DEPTH = 20
_MAX_CHAPTERS = 10_000
_EMPTY_ELEMENT = re.compile(r"<([A-Za-z][\w:-]*)([^<>]*)/>")
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr")
)
# Fonts may be scrambled without the book being protected.
_FONT_SCRAMBLING = (b"http://www.idpf.org/2008/embedding", b"http://ns.adobe.com/pdf/enc#RC")


def read_epub(source: Source) -> Document:
    """Raises InvalidDocument."""
    package = Package(source)
    _demand_unprotected(package)
    opf = _opf_path(package)
    root = package.xml(opf)
    items = {item.get("id", ""): item for item in root.iter(f"{_OPF}item")}
    spine = [
        items[ref] for node in root.iter(f"{_OPF}itemref") if (ref := node.get("idref")) in items
    ]
    names = _contents(package, opf, root, items)
    outline, listing = Outline(), _listing(opf, root)
    for item in spine[:_MAX_CHAPTERS]:
        path = _resolved(opf, item.get("href", ""))
        is_listing = "nav" in (item.get("properties") or "").split() or path == listing
        if not is_listing and path in package.names:
            _chapter(package.read(path), names.get(path), outline)
    return Document(
        outline.sections(),
        title=sane_title(root.findtext(f".//{_DUBLIN_CORE}title"), ""),
        language=sane_language(root.findtext(f".//{_DUBLIN_CORE}language")),
    )


def _demand_unprotected(package: Package) -> None:
    """Raises InvalidDocument."""
    if "META-INF/encryption.xml" not in package.names:
        return
    methods = [
        node.get("Algorithm", "").encode()
        for node in package.xml("META-INF/encryption.xml").iter()
        if node.tag.endswith("}EncryptionMethod")
    ]
    if not all(method.startswith(_FONT_SCRAMBLING) for method in methods):
        raise InvalidDocument(
            package.document, "is protected against copying", "send an edition without protection"
        )


def _opf_path(package: Package) -> str:
    if "META-INF/container.xml" in package.names:
        root = package.xml("META-INF/container.xml")
        for file in root.iter(f"{_CONTAINER}rootfile"):
            if (path := file.get("full-path", "")) in package.names:
                return str(path)
    raise InvalidDocument(
        package.document, "is damaged: it does not say what is in it", "send an intact copy"
    )


def _contents(
    package: Package, opf: str, root: Any, items: dict[str, Any]
) -> dict[str, tuple[int, str]]:
    """File to (depth, name) of the first entry that leads to it: EPUB 3's, else EPUB 2's."""
    nav = next((i for i in items.values() if "nav" in (i.get("properties") or "").split()), None)
    ncx = next(
        (i for i in items.values() if i.get("media-type") == "application/x-dtbncx+xml"), None
    )
    names: dict[str, tuple[int, str]] = {}
    for item, entries in ((nav, _nav_entries), (ncx, _ncx_entries)):
        path = _resolved(opf, item.get("href", "")) if item is not None else ""
        if not names and path in package.names:
            for depth, name, href in entries(package, path):
                if name:
                    names.setdefault(_resolved(path, href), (depth, name))
    return names


def _listing(opf: str, root: Any) -> str:
    """EPUB 2's page of contents; empty where it is not a page of its own."""
    found = (n.get("href", "") for n in root.iter(f"{_OPF}reference") if n.get("type") == "toc")
    href = next(found, "")
    return _resolved(opf, href) if href and "#" not in href else ""


def _nav_entries(package: Package, path: str) -> Iterator[tuple[int, str, str]]:
    tree = LexborHTMLParser(_html(package.read(path)))
    navs = tree.css("nav")
    toc = next((n for n in navs if n.attributes.get("epub:type") == "toc"), None)
    for link in (toc or navs[0]).css("li > a") if navs else ():
        yield _lists_around(link), text_of(link), link.attributes.get("href") or ""


def _lists_around(node: LexborNode) -> int:
    depth = 0
    while (parent := node.parent) is not None and depth < _MAX_DEPTH:
        depth += parent.tag == "ol"
        node = parent
    return depth


def _ncx_entries(package: Package, path: str) -> Iterator[tuple[int, str, str]]:
    def below(node: Any, depth: int) -> Iterator[tuple[int, str, str]]:
        for point in node.iterfind(f"{_NCX}navPoint"):
            content = point.find(f"{_NCX}content")
            name = " ".join((point.findtext(f"{_NCX}navLabel/{_NCX}text") or "").split())
            yield depth, name, content.get("src", "") if content is not None else ""
            if depth < _MAX_DEPTH:
                yield from below(point, depth + 1)

    for points in package.xml(path).iter(f"{_NCX}navMap"):
        yield from below(points, 1)


def _chapter(data: bytes, name: tuple[int, str] | None, outline: Outline) -> None:
    """A file that the contents do not name goes on with the chapter before it."""
    tree = LexborHTMLParser(_html(data))
    body = tree.body
    if body is None:
        return
    place_notes(tree)
    for node in body.css(_NOISE):
        node.decompose()
    if name:
        depth, title = name
        outline.heading(_TOP + depth, title)
        first = body.css_first(_HEADINGS)
        if first is not None and _same(text_of(first), title):
            first.decompose()
    collect(body, outline)


def _same(heading: str, title: str) -> bool:
    return heading.casefold().split() == title.casefold().split()


def _html(data: bytes) -> str:
    """XHTML closes any element in itself; to an HTML parser `<title/>` swallows the chapter."""
    text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "replace")
    return _EMPTY_ELEMENT.sub(
        lambda m: m[0] if m[1].lower() in _VOID else f"<{m[1]}{m[2]}></{m[1]}>", text
    )


def _resolved(base: str, href: str) -> str:
    path = unquote(urlsplit(href).path)
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), path)) if path else base
