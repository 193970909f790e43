"""Which reader takes which file."""

from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import PurePosixPath

from palabre.retriever.documents import packages
from palabre.retriever.documents.front import parse_front
from palabre.retriever.documents.markdown import read_markdown
from palabre.retriever.documents.properties import believed
from palabre.retriever.documents.sniffing import Content, holds_encrypted_office, sniff
from palabre.retriever.documents.structure import Document, Reader, Source, without_marks
from palabre.retriever.documents.text import read_text
from palabre.retriever.errors import InvalidDocument


@dataclass(frozen=True, slots=True)
class Format:
    """`isolated` formats are read in a child process: a file may take down what reads it.

    `contents` is what such a file may hold; empty for any text.
    """

    media_type: str
    suffixes: tuple[str, ...]
    read: Reader
    isolated: bool = False
    contents: tuple[Content, ...] = ()


_HERE = "palabre.retriever.documents"
_LATER: list[tuple[str, str]] = []


def later(module: str, function: str) -> Reader:
    """A reader that is imported when it first reads: the serving process needs no such library."""
    _LATER.append((module, function))

    def read(source: Source) -> Document:
        return _reader(module, function)(source)

    return read


def preload() -> None:
    """For the process that will read: imports every reader now."""
    for module, function in _LATER:
        _reader(module, function)


def _reader(module: str, function: str) -> Reader:
    reader: Reader = getattr(import_module(f"{_HERE}.{module}"), function)
    return reader


FORMATS = (
    Format("text/markdown", (".md", ".markdown"), read_markdown),
    Format("text/plain", (".txt", ".text"), read_text),
    Format("text/html", (".html", ".htm", ".xhtml"), later("html", "read_html"), True),
    Format("application/pdf", (".pdf",), later("pdf", "read_pdf"), True, ("pdf",)),
    Format(packages.DOCX, (".docx", ".docm"), later("docx", "read_docx"), True, ("zip",)),
    Format(packages.PPTX, (".pptx", ".pptm", ".ppsx"), later("pptx", "read_pptx"), True, ("zip",)),
    Format(packages.ODT, (".odt", ".ott"), later("odt", "read_odt"), True, ("zip",)),
    Format(packages.EPUB, (".epub",), later("epub", "read_epub"), True, ("zip",)),
    Format("message/rfc822", (".eml",), later("eml", "read_eml"), True),
    Format(
        packages.XLSX,
        (".xlsx", ".xlsm", ".xlsb", ".ods", ".xls"),
        later("sheets", "read_workbook"),
        True,
        ("zip", "ole"),
    ),
    Format("text/csv", (".csv", ".tsv"), later("sheets", "read_delimited"), True),
    Format("image/png", (".png",), later("images", "read_image"), True, ("image",)),
    Format("image/jpeg", (".jpg", ".jpeg"), later("images", "read_image"), True, ("image",)),
    Format("image/webp", (".webp",), later("images", "read_image"), True, ("image",)),
    Format("image/tiff", (".tif", ".tiff"), later("images", "read_image"), True, ("image",)),
)
# What clients send when they do not know: then the file's name decides.
_UNSAID = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_PDF_WITHIN = 1_024
_MOST_NAMED = 20


def read(
    name: str,
    data: bytes,
    media_type: str = "",
    max_bytes: int = 20 << 20,
    front_matter: str = "",
) -> Document:
    """In this process, without limits of time and memory. Blocking.

    Raises InvalidDocument, also when nothing readable is in it.
    """
    check_size(name, data, max_bytes)
    return complete(name, convert(name, data, media_type, front_matter))


def check_size(name: str, data: bytes, max_bytes: int) -> None:
    """Raises InvalidDocument."""
    if len(data) > max_bytes:
        raise InvalidDocument(
            name,
            f"has {len(data) >> 20} MiB, above the limit of {max_bytes >> 20} MiB",
            "split it, or raise PALABRE_MAX_DOCUMENT_BYTES",
        )
    if not data.strip():
        raise InvalidDocument(name, "is empty", "send a file with text in it")


def convert(
    name: str, data: bytes, media_type: str = "", front_matter: str = "", language: str = ""
) -> Document:
    """What is in a file, which may be nothing. Raises InvalidDocument. Blocking."""
    kind, charset = _media_type(media_type)
    source = Source(name, data, charset, parse_front(name, front_matter), language)
    chosen, remarks = choose(source, kind)
    document = _told(without_marks(chosen.read(source)), source)
    return replace(
        document,
        media_type=document.media_type or chosen.media_type,
        remarks=(*remarks, *document.remarks),
    )


def render(name: str, data: bytes, page: int) -> bytes:
    """A page of a PDF or a picture, from 1, as PNG or JPEG. Raises InvalidDocument. Blocking."""
    module = "images" if sniff(data) == "image" else "pdf"
    rendered: bytes = import_module(f"{_HERE}.{module}").render(name, data, page)
    return rendered


def complete(name: str, document: Document) -> Document:
    """With a remark on pages that nobody could read. Raises InvalidDocument when that is all."""
    pages = document.unread
    if not document.sections and pages:
        which = "its only page has no" if len(pages) == 1 else f"none of its {len(pages)} pages has"
        raise InvalidDocument(
            name,
            f"is a scan or a picture: {which} text",
            "name a model that reads pages in PALABRE_OCR_MODEL (docs/ocr.md), or send text",
        )
    if not document.sections:
        raise InvalidDocument(name, "has no text besides its title", "write what it should tell")
    if not pages:
        return document
    remark = f"No text on {_spelled(pages)}: scans or pictures, of which nothing can be found."
    return replace(document, remarks=(*document.remarks, remark))


def is_isolated(name: str, data: bytes, media_type: str = "") -> bool:
    """Raises InvalidDocument when nobody reads such a file."""
    return bool(sniff(data)) or find(name, _media_type(media_type)[0]).isolated


def choose(source: Source, media_type: str) -> tuple[Format, tuple[str, ...]]:
    """By content before name, with a remark where they differ. Raises InvalidDocument."""
    content = sniff(source.data)
    if content == "pdf":
        return _found("application/pdf"), _misnamed(source.name, "application/pdf")
    if content == "zip":
        return _packaged(source)
    if content == "ole" and holds_encrypted_office(source.data):
        raise packages.encrypted(source.name)
    if content:
        named = _by_suffix(source.name) or _by_type(media_type)
        if named is None or content not in named.contents:
            raise _unreadable(source.name, content)
        return named, ()
    named = find(source.name, media_type)
    if not named.contents or ("pdf" in named.contents and b"%PDF-" in source.data[:_PDF_WITHIN]):
        return named, ()
    raise InvalidDocument(
        source.name,
        f"is damaged, or no {named.suffixes[0]} file",
        "send an intact copy, under a name with the right suffix",
    )


def _packaged(source: Source) -> tuple[Format, tuple[str, ...]]:
    package = packages.Package(source)
    media_type = packages.media_type_of(package)
    if not media_type:
        raise InvalidDocument(
            source.name,
            "is an archive inside another",
            "unpack it, and send its documents by themselves or in one .zip",
        )
    if not any(f.media_type == media_type for f in FORMATS):
        raise InvalidDocument(
            source.name, "is of a kind nobody reads", "save it as .docx, .pptx, .xlsx or .pdf"
        )
    if media_type != packages.EPUB:
        package.demand_plain_xml()
    macros = any(name.endswith("vbaProject.bin") for name in package.names)
    remarks = ("Its macros were neither run nor read.",) if macros else ()
    return _found(media_type), (*_misnamed(source.name, media_type), *remarks)


def _misnamed(name: str, media_type: str) -> tuple[str, ...]:
    suffix, chosen = _suffix(name), _found(media_type)
    if suffix in chosen.suffixes or not suffix:
        return ()
    return (f"Its name says {suffix}; it is a {chosen.suffixes[0]} file and was read as one.",)


def _unreadable(name: str, content: Content) -> InvalidDocument:
    newer = {".doc": ".docx", ".ppt": ".pptx"}.get(_suffix(name), ".docx, .pptx or .pdf")
    reason, remedy = {
        "ole": ("is in an old format of Office", f"save it as {newer}"),
        "image": (
            "is a picture whose kind its name does not say, or nobody reads",
            "save it as .png, .jpg, .webp or .tiff, or send a document with text in it",
        ),
        "rtf": ("is rich text (RTF)", "save it as .docx or .odt"),
    }.get(content, ("is an archive, though no .zip", "pack it as .zip"))
    return InvalidDocument(name, reason, remedy)


def _told(document: Document, source: Source) -> Document:
    """The front matter counts before what the document says of itself."""
    front = source.front
    said = (block.text for section in document.sections for block in section.blocks)
    return replace(
        document,
        title=front.title or document.title,
        language=front.language or believed(document.language, said),
        tier=front.tier or document.tier,
        url=front.url or document.url,
        keywords=front.keywords or document.keywords,
    )


def find(name: str, media_type: str = "") -> Format:
    """By media type, else by suffix. A Markdown file sent as text/plain is still Markdown."""
    by_suffix = _by_suffix(name)
    by_type = _by_type(media_type)
    if by_suffix and (media_type in _UNSAID or media_type == "text/plain" or not by_type):
        return by_suffix
    if by_type:
        return by_type
    known = ", ".join(suffix for f in FORMATS for suffix in f.suffixes)
    what = _suffix(name) or media_type or "no suffix and no media type"
    raise InvalidDocument(name, f"cannot be read ({what})", f"convert it to one of {known}")


def _by_suffix(name: str) -> Format | None:
    return next((f for f in FORMATS if _suffix(name) in f.suffixes), None)


def _by_type(media_type: str) -> Format | None:
    return next((f for f in FORMATS if f.media_type == media_type), None)


def _suffix(name: str) -> str:
    return PurePosixPath(name.lower()).suffix


def _found(media_type: str) -> Format:
    return next(f for f in FORMATS if f.media_type == media_type)


def _spelled(pages: tuple[int, ...]) -> str:
    """`page 3`, or `pages 1, 4-6`."""
    runs: list[list[int]] = []
    for page in pages:
        if runs and page == runs[-1][-1] + 1:
            runs[-1].append(page)
        else:
            runs.append([page])
    spelled = [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
    if len(runs) > _MOST_NAMED:
        return f"{len(pages)} pages, from {pages[0]} to {pages[-1]}"
    return f"{'page' if len(pages) == 1 else 'pages'} {', '.join(spelled)}"


def _media_type(text: str) -> tuple[str, str]:
    """`text/html; charset=utf-8` is a type and a charset."""
    kind, *parameters = (part.strip() for part in text.split(";"))
    found = (p.partition("=")[2] for p in parameters if p.lower().startswith("charset="))
    return kind.lower(), next(found, "").strip("\"'")
