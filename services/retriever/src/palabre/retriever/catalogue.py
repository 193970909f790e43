"""Which version of each document is current: the one place that decides what is searched.

Beside the current entries stand earlier versions, and the changes that have begun and not ended:
after a crash they say what has to be put right.
"""

import base64
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Protocol

from nats.js.errors import APIError

from palabre.chassis.bus import AWAY, Bus
from palabre.chassis.errors import Unavailable
from palabre.contracts.v1.retriever_pb2 import DocumentEntry, ListVersionsResponse

BUCKET = "catalogue"
# Versions of a document that are kept, the current one included.
VERSIONS = 5


class Bucket(Protocol):
    """Keys are letters, digits, -, _ and =, in parts joined by dots. May raise Unavailable."""

    async def get(self, key: str) -> bytes | None: ...

    async def put(self, key: str, value: bytes) -> None: ...

    async def delete(self, key: str) -> None:
        """Nothing happens when there is none."""
        ...

    async def items(self, prefix: str) -> Mapping[str, bytes]:
        """Keys that begin with these parts, with their values."""
        ...

    async def several(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Those of these keys that exist, with their values."""
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """Of one document; `versions` are those it had and will have. `attempt` only grows."""

    document: str
    versions: tuple[str, ...]
    attempt: int


class Catalogue:
    """Entries, earlier versions and changes by space and document.

    Changes of one document must exclude each other.
    """

    def __init__(self, bucket: Bucket, versions: int = VERSIONS) -> None:
        self._bucket, self._versions = bucket, versions

    async def entry(self, space: str, document: str) -> DocumentEntry | None:
        value = await self._bucket.get(_key("current", space, document))
        return None if value is None else DocumentEntry.FromString(value)

    async def entries(self, space: str, only: Collection[str] = ()) -> list[DocumentEntry]:
        """Ordered by document; those of `only` that exist, or all."""
        if only:
            found = await self._bucket.several([_key("current", space, name) for name in only])
        else:
            found = await self._bucket.items(f"current.{space}")
        entries = (DocumentEntry.FromString(value) for value in found.values())
        return sorted(entries, key=lambda entry: entry.document)

    async def spaces(self) -> list[str]:
        """Those that have documents or changes, ordered."""
        keys = [*await self._bucket.items("current"), *await self._bucket.items("pending")]
        return sorted({key.split(".")[1] for key in keys})

    async def versions(self, space: str, document: str) -> list[DocumentEntry]:
        """Newest first, of which the first one is current; none when there is no such document."""
        now, before = _key("current", space, document), _key("versions", space, document)
        found = await self._bucket.several([now, before])
        if now not in found:
            return []
        current = DocumentEntry.FromString(found[now])
        earlier = ListVersionsResponse.FromString(found.get(before, b"")).versions
        return [current, *(entry for entry in earlier if entry.version != current.version)]

    async def commit(self, space: str, entry: DocumentEntry) -> None:
        """From now on this is the current version; what was is an earlier one."""
        before = await self.versions(space, entry.document)
        earlier = [each for each in before if each.version != entry.version][: self._versions - 1]
        if earlier:
            kept = ListVersionsResponse(versions=earlier).SerializeToString()
            await self._bucket.put(_key("versions", space, entry.document), kept)
        await self.amend(space, entry)

    async def amend(self, space: str, entry: DocumentEntry) -> None:
        """Says something else of the current version."""
        await self._bucket.put(_key("current", space, entry.document), entry.SerializeToString())

    async def remove(self, space: str, document: str) -> None:
        """With its earlier versions."""
        await self._bucket.delete(_key("versions", space, document))
        await self._bucket.delete(_key("current", space, document))

    async def begin(self, space: str, change: Change) -> Change:
        """Remembers that this change has begun, with what one before it left behind."""
        if left := await self.begun(space, change.document):
            change = replace(change, versions=tuple({*left.versions, *change.versions}))
        value = json.dumps(asdict(change)).encode()
        await self._bucket.put(_key("pending", space, change.document), value)
        return change

    async def begun(self, space: str, document: str) -> Change | None:
        """The document's change that has begun and not ended."""
        value = await self._bucket.get(_key("pending", space, document))
        return None if value is None else _change(value)

    async def pending(self) -> list[tuple[str, Change]]:
        """All changes that have begun and not ended, with their spaces."""
        found = await self._bucket.items("pending")
        return [(key.split(".")[1], _change(value)) for key, value in found.items()]

    async def end(self, space: str, document: str) -> None:
        await self._bucket.delete(_key("pending", space, document))


class NatsBucket:
    """A key-value bucket of NATS."""

    def __init__(self, bus: Bus, name: str = BUCKET) -> None:
        self._bus, self._name = bus, name

    async def get(self, key: str) -> bytes | None:
        return (await self._live({"multi_last": [f"{self._root}{key}"]})).get(key)

    async def items(self, prefix: str) -> Mapping[str, bytes]:
        return await self._live({"next_by_subj": f"{self._root}{prefix}.>"})

    async def several(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        return await self._live({"multi_last": [f"{self._root}{key}" for key in keys]})

    async def put(self, key: str, value: bytes) -> None:
        await self._publish(key, value, {})

    async def delete(self, key: str) -> None:
        await self._publish(key, b"", {"KV-Operation": "DEL"})

    @property
    def _root(self) -> str:
        return f"$KV.{self._name}."

    async def _live(self, query: dict[str, object]) -> dict[str, bytes]:
        """Without what was deleted."""
        found = await self._bus.raw(f"KV_{self._name}", query)
        alive = (raw for raw in found if "KV-Operation" not in raw.headers)
        return {raw.subject.removeprefix(self._root): raw.data for raw in alive}

    async def _publish(self, key: str, value: bytes, headers: dict[str, str]) -> None:
        try:
            await self._bus.js.publish(f"{self._root}{key}", value, headers=headers)
        except APIError as error:
            raise Unavailable(f"{self._name}: {error.description}") from error
        except AWAY as error:
            raise Unavailable(f"{self._name}: NATS does not answer") from error


class MemoryBucket:
    """For tests without NATS."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    async def get(self, key: str) -> bytes | None:
        return self._kept.get(key)

    async def put(self, key: str, value: bytes) -> None:
        self._kept[key] = value

    async def delete(self, key: str) -> None:
        self._kept.pop(key, None)

    async def items(self, prefix: str) -> Mapping[str, bytes]:
        return {key: value for key, value in self._kept.items() if key.startswith(f"{prefix}.")}

    async def several(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        return {key: self._kept[key] for key in keys if key in self._kept}


def _change(value: bytes) -> Change:
    said = json.loads(value)
    return Change(said["document"], tuple(said["versions"]), said.get("attempt", 0))


def _key(kind: str, space: str, document: str) -> str:
    """Names of documents hold what keys may not."""
    return f"{kind}.{space}.{base64.urlsafe_b64encode(document.encode()).decode()}"
