"""A passage as a point's payload, the same in every index."""

import math
from collections.abc import Collection, Mapping
from typing import Any

from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.index.generation import Shape
from palabre.retriever.index.port import DENSE, HIDDEN, Vector
from palabre.retriever.passages import Indexed
from palabre.retriever.vectors import TEXT, TITLE, TWINS, Sparse

# Filtered on, so indexed: the tier once the passage is shown, the document, and its folders.
ACCESS, DOCUMENT, FOLDERS = "access", "document", "folders"
FILTERED = (ACCESS, DOCUMENT, FOLDERS)
_BESIDE = (ACCESS, FOLDERS, "keywords")  # in a payload, and in no passage


def payload_of(indexed: Indexed) -> dict[str, Any]:
    """Hidden, until it is switched. What is empty is left out: each value costs time."""
    said: dict[str, Any] = {
        field.name: list(value) if field.is_repeated else value
        for field, value in indexed.passage.ListFields()
        if field.name != "id"
    }
    if indexed.keywords:
        said["keywords"] = list(indexed.keywords)
    if folders := _folders(indexed.passage.document):
        said[FOLDERS] = folders
    return said | {ACCESS: HIDDEN}


def from_record(identity: str, payload: Mapping[str, Any] | None, vector: Any) -> Indexed:
    """`vector` are the sparse ones that it was read with, by field: cheaper than to make them."""
    kept = payload or {}
    said = {name: value for name, value in kept.items() if name not in _BESIDE}
    terms = {name: sparse.indices for name, sparse in (vector or {}).items()}
    return Indexed(Passage(id=identity, **said), tuple(kept.get("keywords", ())), terms)


def kept_terms(shape: Shape) -> list[str]:
    """The sparse fields that a passage is read with: what it says is judged by their terms."""
    return [name for name in (TEXT, TITLE, TWINS) if name in shape.fields]


def unseen(passages: int) -> float:
    """Rarity of a term that no passage has: Qdrant's ln((N - n + 0.5) / (n + 0.5) + 1), n = 0."""
    return math.log((passages + 0.5) / 0.5 + 1)


def readable(tiers: Collection[str]) -> list[str]:
    """A reader can never name what is hidden."""
    return sorted(set(tiers) - {HIDDEN})


def wanted(tiers: Collection[str], folder: str) -> dict[str, list[str]]:
    """What a search is bound to: for each key the values of which a passage has one."""
    bound = {ACCESS: readable(tiers)}
    return bound | {FOLDERS: [folder]} if folder else bound


def answers(shape: Shape, field: str, vector: Sparse | Vector) -> bool:
    """Whether an index of this shape can rank by such a vector."""
    return len(vector) == shape.size > 0 if field == DENSE else field in shape.fields


def _folders(document: str) -> list[str]:
    """All above it: "a" and "a/b" for "a/b/c"."""
    parts = document.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]
