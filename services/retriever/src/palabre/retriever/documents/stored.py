"""A document's content as JSON: from the child process, and kept beside the original."""

from pydantic import TypeAdapter, ValidationError

from palabre.retriever.documents.structure import Document

_DOCUMENT = TypeAdapter(Document)


def to_json(document: Document) -> bytes:
    return _DOCUMENT.dump_json(document)


def from_json(data: bytes) -> Document:
    """Raises ValueError for anything else."""
    try:
        return _DOCUMENT.validate_json(data)
    except ValidationError as error:
        raise ValueError("this is no stored document") from error
