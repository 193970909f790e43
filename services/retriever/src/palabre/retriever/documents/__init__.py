"""Files become sections of blocks; each format has a reader."""

from palabre.retriever.documents.formats import FORMATS, Format, find, read
from palabre.retriever.documents.front import Front
from palabre.retriever.documents.structure import Block, Document, Kind, Reader, Section, Source

__all__ = [
    "FORMATS",
    "Block",
    "Document",
    "Format",
    "Front",
    "Kind",
    "Reader",
    "Section",
    "Source",
    "find",
    "read",
]
