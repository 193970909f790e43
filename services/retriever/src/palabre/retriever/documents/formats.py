"""Which reader takes which file."""

from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from palabre.retriever.documents.front import parse_front
from palabre.retriever.documents.html import read_html
from palabre.retriever.documents.markdown import read_markdown
from palabre.retriever.documents.structure import Document, Reader, Source
from palabre.retriever.documents.text import read_text
from palabre.retriever.errors import InvalidDocument


@dataclass(frozen=True, slots=True)
class Format:
    """`isolated` formats are read in a child process: a file may take down what reads it."""

    media_type: str
    suffixes: tuple[str, ...]
    read: Reader
    isolated: bool = False


FORMATS = (
    Format("text/markdown", (".md", ".markdown"), read_markdown),
    Format("text/plain", (".txt", ".text"), read_text),
    Format("text/html", (".html", ".htm", ".xhtml"), read_html),
)
# What clients send when they do not know: then the file's name decides.
_UNSAID = frozenset({"", "application/octet-stream", "binary/octet-stream"})


def read(
    name: str,
    data: bytes,
    media_type: str = "",
    max_bytes: int = 20 << 20,
    front_matter: str = "",
) -> Document:
    """Raises InvalidDocument, also when nothing readable is in it. Blocking: milliseconds a MB."""
    if len(data) > max_bytes:
        raise InvalidDocument(
            name,
            f"has {len(data) >> 20} MiB, above the limit of {max_bytes >> 20} MiB",
            "split it, or raise PALABRE_MAX_DOCUMENT_BYTES",
        )
    if not data.strip():
        raise InvalidDocument(name, "is empty", "send a file with text in it")
    kind, charset = _media_type(media_type)
    source = Source(name, data, charset, parse_front(name, front_matter))
    document = _told(find(name, kind).read(source), source)
    if not document.sections:
        raise InvalidDocument(name, "has no text besides its title", "write what it should tell")
    return document


def _told(document: Document, source: Source) -> Document:
    """The front matter counts before what the document says of itself."""
    front = source.front
    return replace(
        document,
        title=front.title or document.title,
        language=front.language or document.language,
        tier=front.tier or document.tier,
        url=front.url or document.url,
        keywords=front.keywords or document.keywords,
    )


def find(name: str, media_type: str = "") -> Format:
    """By media type, else by suffix. A Markdown file sent as text/plain is still Markdown."""
    suffix = PurePosixPath(name.lower()).suffix
    by_suffix = next((f for f in FORMATS if suffix in f.suffixes), None)
    by_type = next((f for f in FORMATS if f.media_type == media_type), None)
    if by_suffix and (media_type in _UNSAID or media_type == "text/plain" or not by_type):
        return by_suffix
    if by_type:
        return by_type
    known = ", ".join(suffix for f in FORMATS for suffix in f.suffixes)
    what = suffix or media_type or "no suffix and no media type"
    raise InvalidDocument(name, f"cannot be read ({what})", f"convert it to one of {known}")


def _media_type(text: str) -> tuple[str, str]:
    """`text/html; charset=utf-8` is a type and a charset."""
    kind, *parameters = (part.strip() for part in text.split(";"))
    found = (p.partition("=")[2] for p in parameters if p.lower().startswith("charset="))
    return kind.lower(), next(found, "").strip("\"'")
