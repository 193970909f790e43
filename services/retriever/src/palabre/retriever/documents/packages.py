"""Office files and books are zip archives of XML: checked here before anything reads them."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from palabre.retriever.documents.structure import Source
from palabre.retriever.errors import InvalidDocument

MAX_ENTRIES = 20_000
MAX_UNPACKED = 256 << 20
_MAX_XML = 64 << 20
_PIECE = 1 << 20
_ENCRYPTED = 0x1
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, KeyError)
_DECLARATIONS = tuple(
    mark.encode(codec)
    for mark in ("<!DOCTYPE", "<!ENTITY")
    for codec in ("ascii", "utf-16-le", "utf-16-be")
)


class Package:
    """The parts of one file. Sizes are those that zipfile holds itself to when it unpacks."""

    def __init__(self, source: Source) -> None:
        """Raises InvalidDocument."""
        self.document = source.name
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(source.data))
        except _DAMAGED as error:
            raise self._damaged() from error
        parts = self._zip.infolist()
        if any(part.flag_bits & _ENCRYPTED for part in parts):
            raise encrypted(self.document)
        unpacked = sum(part.file_size for part in parts)
        if len(parts) > MAX_ENTRIES or unpacked > MAX_UNPACKED:
            raise InvalidDocument(
                self.document,
                f"unpacks to {len(parts)} parts of {unpacked >> 20} MiB together, above the limit"
                f" of {MAX_ENTRIES} and {MAX_UNPACKED >> 20} MiB",
                "split it, or save it without what makes it so large",
            )
        self.names = frozenset(self._zip.namelist())

    def read(self, part: str) -> bytes:
        """Raises InvalidDocument."""
        try:
            return self._zip.read(part)
        except _DAMAGED as error:
            raise self._damaged() from error

    def xml(self, part: str) -> Any:
        """The root element. Raises InvalidDocument, also for entities."""
        data = self.read(part)
        if len(data) > _MAX_XML:
            raise InvalidDocument(
                self.document, f"holds {len(data) >> 20} MiB of XML in one part", "split it"
            )
        try:
            return fromstring(data)
        except DefusedXmlException as error:
            raise self._hostile() from error
        except ParseError as error:
            raise self._damaged() from error

    def demand_plain_xml(self) -> None:
        """No office program writes document types, and entities in them stand for gigabytes.

        Books have them, in what is read as HTML, which knows no entities of one's own. Raises
        InvalidDocument.
        """
        for part in self.names:
            if part.endswith((".xml", ".rels")) and any(
                mark in piece for piece in self._pieces(part) for mark in _DECLARATIONS
            ):
                raise self._hostile()

    def _pieces(self, part: str) -> Iterator[bytes]:
        """Each with the end of the one before, so that a mark is found across them."""
        tail = b""
        try:
            with self._zip.open(part) as file:
                while piece := file.read(_PIECE):
                    yield tail + piece
                    tail = piece[-32:]
        except _DAMAGED as error:
            raise self._damaged() from error

    def _damaged(self) -> InvalidDocument:
        return InvalidDocument(
            self.document, "is damaged or cut short", "send it again, from an intact copy"
        )

    def _hostile(self) -> InvalidDocument:
        return InvalidDocument(
            self.document,
            "declares XML entities, which no office program does",
            "open it in an office program and save it anew, if you trust it",
        )


def encrypted(document: str) -> InvalidDocument:
    return InvalidDocument(
        document, "is encrypted", "remove its password or protection, then send it again"
    )


def media_type_of(package: Package) -> str:
    """What the package says it holds; empty when it says nothing."""
    if "mimetype" in package.names:
        said = package.read("mimetype")[:200].decode("ascii", "replace").strip()
        return _OPEN_DOCUMENTS.get(said, said)
    if "[Content_Types].xml" not in package.names:
        return ""
    types = package.read("[Content_Types].xml")
    return next((media_type for mark, media_type in _MAIN_PARTS if mark in types), "")


DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
EPUB = "application/epub+zip"
ODT = "application/vnd.oasis.opendocument.text"
_OPEN_DOCUMENTS = {
    f"{ODT}-template": ODT,
    "application/vnd.oasis.opendocument.spreadsheet": XLSX,
    "application/vnd.oasis.opendocument.spreadsheet-template": XLSX,
}
# Documents, templates and those with macros say it in their own ways.
_MAIN_PARTS = (
    (b"wordprocessingml.document.main", DOCX),
    (b"wordprocessingml.template.main", DOCX),
    (b"ms-word.document.macroEnabled", DOCX),
    (b"ms-word.template.macroEnabled", DOCX),
    (b"presentationml.presentation.main", PPTX),
    (b"presentationml.slideshow.main", PPTX),
    (b"presentationml.template.main", PPTX),
    (b"ms-powerpoint.presentation.macroEnabled", PPTX),
    (b"ms-powerpoint.slideshow.macroEnabled", PPTX),
    (b"spreadsheetml.sheet.main", XLSX),
    (b"spreadsheetml.template.main", XLSX),
    (b"ms-excel.sheet", XLSX),
)
