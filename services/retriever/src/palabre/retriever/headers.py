"""What a document is called and who may read it: from its sender, from itself, or by default."""

import re
from pathlib import PurePosixPath

from palabre.contracts.v1.retriever_pb2 import DocumentEntry, DocumentHeader
from palabre.retriever import access
from palabre.retriever.documents import Document, find
from palabre.retriever.errors import InvalidDocument

MAX_NAME = 400
MAX_TITLE = 300
_MAX_URL = 2_000
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def described(header: DocumentHeader, document: Document, language: str) -> DocumentEntry:
    """The sender's word counts before the document's own. Raises InvalidDocument."""
    name = header.document
    title = header.title or document.title or PurePosixPath(name).stem
    tier = (header.tier or document.tier or access.PUBLIC).lower()
    spoken = (header.language or document.language or language).replace("_", "-")
    url = header.url or document.url
    _demand(bool(access.is_tier(tier)), name, f"tier {tier!r} is no name", "use a-z, 0-9 and -")
    _demand(
        bool(_LANGUAGE.fullmatch(spoken)), name, f"language {spoken!r}", "use a code such as fr"
    )
    _demand(
        not url or (url.startswith(("https://", "http://")) and len(url) <= _MAX_URL),
        name,
        "its address is no web address",
        "begin it with https://",
    )
    return DocumentEntry(
        document=name,
        title=" ".join(title.split())[:MAX_TITLE],
        language=spoken,
        tier=tier,
        url=url,
        media_type=header.media_type or document.media_type or find(name).media_type,
        remarks=document.remarks,
    )


def check_name(name: str) -> None:
    """Raises InvalidDocument."""
    _demand(bool(name.strip()), "a document", "has no name", "give it one, such as guide.md")
    _demand(
        len(name.encode()) <= MAX_NAME and name.isprintable(),
        repr(name[:60]),
        "is no name for a document",
        f"use at most {MAX_NAME} bytes and no control characters",
    )


def _demand(met: bool, name: str, reason: str, remedy: str) -> None:
    if not met:
        raise InvalidDocument(name, reason, remedy)
