"""Word documents: mammoth makes HTML of them.

Not by markitdown, which uses mammoth as well: on its way to Markdown it shifts the columns of
tables with merged rows, and footnotes stand at the end of the document (bench/reading).
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from zipfile import BadZipFile

import mammoth
from selectolax.lexbor import LexborHTMLParser, LexborNode

from palabre.retriever.documents.markup import collect, text_of
from palabre.retriever.documents.packages import Package
from palabre.retriever.documents.properties import sane_language, sane_title
from palabre.retriever.documents.structure import Document, Outline, Source, without_title
from palabre.retriever.documents.wordml import rewritten
from palabre.retriever.errors import InvalidDocument

_STYLES = """
p[style-name='Title'] => h1.title:fresh
p[style-name='Titre'] => h1.title:fresh
p[style-name='toc heading'] => !
""" + "".join(f"p[style-name='toc {level}'] => !\n" for level in range(1, 10))
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MAX_DERIVED = 20
_DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"


def read_docx(source: Source) -> Document:
    """Headings by their styles; a footnote stands below the paragraph that it belongs to.

    Raises InvalidDocument.
    """
    package = Package(source)
    said = properties(package)
    data, hid = rewritten(source.data, package)
    styles = _STYLES + "\n".join(_headings(package))
    tree = LexborHTMLParser(_html(replace(source, data=data), styles))
    outline, body = Outline(), tree.body
    title = tree.css_first("h1.title")
    if body:
        for node in body.css("img"):
            node.decompose()
        _place_notes(body)
        collect(body, outline)
    name = (text_of(title) if title else "") or sane_title(said.get("title"), source.name)
    return Document(
        without_title(outline.sections(), name),
        title=name,
        language=sane_language(said.get("language")),
        remarks=("Its hidden text was left out.",) if hid else (),
    )


def properties(package: Package) -> dict[str, str]:
    """`title`, `language` and others that Office writes, as they are."""
    if "docProps/core.xml" not in package.names:
        return {}
    root = package.xml("docProps/core.xml")
    return {child.tag.removeprefix(_DUBLIN_CORE): (child.text or "").strip() for child in root}


def _headings(package: Package) -> Iterator[str]:
    """Styles of an organisation's own that are derived from headings, as mammoth's rules."""
    if "word/styles.xml" not in package.names:
        return
    styles = {s.get(f"{_W}styleId"): s for s in package.xml("word/styles.xml").iter(f"{_W}style")}
    for style in styles.values():
        level, name = _level(style, styles), style.find(f"{_W}name")
        if level is not None and name is not None:
            said = name.get(f"{_W}val", "").replace("\\", r"\\").replace("'", r"\'")
            if said.isprintable():
                yield f"p[style-name='{said}'] => h{min(level + 1, 6)}:fresh"


def _level(style: Any, styles: Mapping[Any, Any]) -> int | None:
    """Its place in the outline, from 0; body text has none."""
    for _ in range(_MAX_DERIVED):
        outline = style.find(f"{_W}pPr/{_W}outlineLvl")
        if outline is not None:
            said = outline.get(f"{_W}val", "")
            return int(said) if said in tuple("012345678") else None
        base = style.find(f"{_W}basedOn")
        style = styles.get(base.get(f"{_W}val")) if base is not None else None
        if style is None:
            return None
    return None


def _html(source: Source, styles: str) -> str:
    try:
        converted = mammoth.convert_to_html(
            io.BytesIO(source.data),
            style_map=styles,
            include_embedded_style_map=False,
            convert_image=mammoth.images.img_element(lambda image: {"src": ""}),
        )
    except (BadZipFile, OSError, LookupError, ValueError, AttributeError) as error:
        raise InvalidDocument(
            source.name, "is damaged: its parts do not fit together", "save it anew as .docx"
        ) from error
    return f"<body>{converted.value}</body>"


def _place_notes(body: LexborNode) -> None:
    """mammoth collects notes at the end, where no passage about their subject has them."""
    notes = dict(_notes(body))
    # Backwards, so that of two notes of one paragraph the first comes first.
    for reference in reversed(body.css("sup a[id*=note-ref]")):
        note = notes.get((reference.attributes.get("href") or "").removeprefix("#"), "")
        block = _outermost(reference, body)
        number = text_of(reference)
        tree = LexborHTMLParser("<p></p>").css_first("p")
        if note and block and tree:
            tree.inner_html = ""
            tree.insert_child(f"{number} {note}")
            block.insert_after(tree)


def _notes(body: LexborNode) -> Iterator[tuple[str, str]]:
    """Taken out of the tree: (id, text)."""
    for item in body.css("li[id*=note-]"):
        for back in item.css("a[href*=note-ref]"):
            back.decompose()
        yield item.attributes.get("id") or "", text_of(item)
        item.decompose()


def _outermost(node: LexborNode, body: LexborNode) -> LexborNode | None:
    """The block right below the body."""
    while (parent := node.parent) is not None:
        if parent.tag == "body":
            return node
        node = parent
    return None
