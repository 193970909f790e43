"""A passage as a point's payload, the same in every index."""

import math
from typing import Any

from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.index.port import HIDDEN
from palabre.retriever.passages import Indexed

# Filtered on, so indexed: the tier once the passage is shown, and the document.
ACCESS, DOCUMENT = "access", "document"


def payload_of(indexed: Indexed) -> dict[str, Any]:
    """Hidden, until it is switched."""
    p = indexed.passage
    return {
        ACCESS: HIDDEN,
        DOCUMENT: p.document,
        "title": p.title,
        "heading_path": list(p.heading_path),
        "text": p.text,
        "url": p.url,
        "version": p.version,
        "language": p.language,
        "page": p.page,
        "tier": p.tier,
        "keywords": list(indexed.keywords),
    }


def from_payload(identity: str, payload: dict[str, Any]) -> Indexed:
    said = {k: v for k, v in payload.items() if k not in (ACCESS, "keywords")}
    return Indexed(Passage(id=identity, **said), tuple(payload["keywords"]))


def unseen(passages: int) -> float:
    """Rarity of a term that no passage has: Qdrant's ln((N - n + 0.5) / (n + 0.5) + 1), n = 0."""
    return math.log((passages + 0.5) / 0.5 + 1)
