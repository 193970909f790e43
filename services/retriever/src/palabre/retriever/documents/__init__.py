"""Files become sections of blocks; each format has a reader."""

from palabre.retriever.documents.formats import FORMATS, Format, find, read
from palabre.retriever.documents.structure import Block, Document, Kind, Section

__all__ = ["FORMATS", "Block", "Document", "Format", "Kind", "Section", "find", "read"]
