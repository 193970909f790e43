"""Which version of each document is current: the one place that decides what is searched.

Beside the current entries stand earlier versions, and the changes that have begun and not ended:
after a crash they say what has to be put right.
"""

import asyncio
import base64
import datetime as dt
import itertools
import json
from bisect import bisect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple, Protocol

from palabre.chassis.bus import Bus
from palabre.contracts.v1.retriever_pb2 import DocumentEntry, ListVersionsResponse
from palabre.retriever import served
from palabre.retriever.errors import UnknownVersion

BUCKET = "catalogue"
# Versions of a document that are kept, the current one included.
VERSIONS = 5


class Kept(NamedTuple):
    """What a key has held since this revision, made at this time; no value: it was deleted."""

    revision: int
    key: str
    value: bytes | None
    at: dt.datetime


class Bucket(Protocol):
    """Keys are letters, digits, -, _ and =, in parts joined by dots. May raise Unavailable."""

    async def get(self, key: str) -> bytes | None: ...

    async def put(self, key: str, value: bytes) -> None: ...

    async def delete(self, key: str) -> None:
        """Nothing happens when there is none."""
        ...

    async def changed(self, prefix: str, since: int) -> Sequence[Kept]:
        """What keys that begin with these parts hold, if that is newer than this revision; in the
        order of revisions."""
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


class Copy:
    """What a bucket holds under a prefix, by space and document, both ordered.

    It lives as long as the bucket: one that is made anew is not noticed.
    """

    def __init__(self, bucket: Bucket, prefix: str) -> None:
        self._bucket, self._prefix, self._seen = bucket, prefix, 0
        self._kept: dict[str, dict[str, bytes]] = {}
        self._deleted: dict[str, dict[str, dt.datetime]] = {}
        self._looking = asyncio.Lock()

    async def look(self) -> Mapping[str, Mapping[str, bytes]]:
        """As it is now; only what changed since the last look is asked for. Not to be kept."""
        async with self._looking:
            changed = await self._bucket.changed(self._prefix, self._seen)
            for kept in changed:
                self._take(*_named(kept.key), kept)
                self._seen = kept.revision
            if changed:
                self._order()
        return self._kept

    async def deleted(self, space: str) -> Mapping[str, dt.datetime]:
        """What is not there any more, and since when. As it is now; not to be kept."""
        await self.look()
        return self._deleted.get(space, {})

    def _take(self, space: str, document: str, kept: Kept) -> None:
        if kept.value is None:
            self._kept.get(space, {}).pop(document, None)
            self._deleted.setdefault(space, {})[document] = kept.at
        else:
            self._kept.setdefault(space, {})[document] = kept.value
            self._deleted.get(space, {}).pop(document, None)

    def _order(self) -> None:
        """Little work where little was added: what was there is ordered."""
        filled = ((space, found) for space, found in self._kept.items() if found)
        self._kept = {space: dict(sorted(found.items())) for space, found in sorted(filled)}


class Catalogue:
    """Entries, earlier versions and changes by space and document.

    Changes of one document must exclude each other. What is asked of all documents is answered from
    a copy that is brought up to date first.
    """

    def __init__(self, bucket: Bucket, versions: int = VERSIONS) -> None:
        self._bucket, self._versions = bucket, versions
        self._current, self._pending = Copy(bucket, "current"), Copy(bucket, "pending")

    async def entry(self, space: str, document: str) -> DocumentEntry | None:
        value = await self._bucket.get(key_of("current", space, document))
        return None if value is None else DocumentEntry.FromString(value)

    async def entries(self, space: str, only: Collection[str] = ()) -> list[DocumentEntry]:
        """Ordered by document; those of `only` that exist, or all."""
        found = (await self._current.look()).get(space, {})
        return [DocumentEntry.FromString(found[name]) for name in _names(found, only)]

    async def listed(
        self,
        space: str,
        tiers: Collection[str],
        only: Collection[str] = (),
        after: str = "",
        limit: int = 0,
    ) -> list[DocumentEntry]:
        """`entries` of these tiers that come after this document; `limit` 0: all of them."""
        found = (await self._current.look()).get(space, {})
        names = _names(found, only)
        entries = (DocumentEntry.FromString(found[name]) for name in names[bisect(names, after) :])
        return list(itertools.islice((e for e in entries if e.tier in tiers), limit or None))

    async def spaces(self) -> list[str]:
        """Those that have documents or changes, ordered."""
        return sorted({*await self._current.look(), *await self._pending.look()})

    async def versions(self, space: str, document: str) -> list[DocumentEntry]:
        """Newest first, of which the first one is current; none when there is no such document."""
        return list((await self.record(space, document)).versions)

    async def record(self, space: str, document: str) -> ListVersionsResponse:
        """`versions`, and when each was current, as `served` reads it."""
        now, before = key_of("current", space, document), key_of("versions", space, document)
        found = await self._bucket.several([now, before])
        if now not in found:
            return ListVersionsResponse()
        current = DocumentEntry.FromString(found[now])
        record = ListVersionsResponse.FromString(found.get(before, b""))
        earlier = [entry for entry in record.versions if entry.version != current.version]
        return ListVersionsResponse(versions=[current, *earlier], served=record.served)

    async def deleted(self, space: str, since: dt.datetime) -> list[str]:
        """Documents that were deleted since then, ordered. Those that came back are none."""
        gone = await self._current.deleted(space)
        return sorted(name for name, at in gone.items() if at > since)

    async def commit(self, space: str, entry: DocumentEntry) -> None:
        """From now on this is the current version; what was is an earlier one."""
        record = await self.record(space, entry.document)
        gone = {} if record.versions else await self._current.deleted(space)
        if record.versions or entry.document in gone:
            kept = ListVersionsResponse(
                versions=[e for e in record.versions if e.version != entry.version],
                served=served.followed(record, entry, gone.get(entry.document)),
            )
            del kept.versions[self._versions - 1 :]
            value = kept.SerializeToString()
            await self._bucket.put(key_of("versions", space, entry.document), value)
        await self.amend(space, entry)

    async def amend(self, space: str, entry: DocumentEntry) -> None:
        """Says something else of the current version."""
        await self._bucket.put(key_of("current", space, entry.document), entry.SerializeToString())

    async def remove(self, space: str, document: str) -> None:
        """With its earlier versions."""
        await self._bucket.delete(key_of("versions", space, document))
        await self._bucket.delete(key_of("current", space, document))

    async def begin(self, space: str, change: Change) -> Change:
        """Remembers that this change has begun, with what one before it left behind."""
        if left := await self.begun(space, change.document):
            change = replace(change, versions=tuple({*left.versions, *change.versions}))
        value = json.dumps(asdict(change)).encode()
        await self._bucket.put(key_of("pending", space, change.document), value)
        return change

    async def begun(self, space: str, document: str) -> Change | None:
        """The document's change that has begun and not ended."""
        value = await self._bucket.get(key_of("pending", space, document))
        return None if value is None else _change(value)

    async def pending(self) -> list[tuple[str, Change]]:
        """All changes that have begun and not ended, with their spaces."""
        found = await self._pending.look()
        return [(space, _change(c)) for space, changes in found.items() for c in changes.values()]

    async def end(self, space: str, document: str) -> None:
        await self._bucket.delete(key_of("pending", space, document))


class NatsBucket:
    """A key-value bucket of NATS."""

    def __init__(self, bus: Bus, name: str = BUCKET) -> None:
        self._bus, self._name = bus, name

    async def get(self, key: str) -> bytes | None:
        return (await self.several([key])).get(key)

    async def several(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        found = await self._kept({"multi_last": [f"{self._root}{key}" for key in keys]})
        return {kept.key: kept.value for kept in found if kept.value is not None}

    async def changed(self, prefix: str, since: int) -> Sequence[Kept]:
        return await self._kept({"next_by_subj": f"{self._root}{prefix}.>", "seq": since + 1})

    async def put(self, key: str, value: bytes) -> None:
        await self._bus.put(f"{self._root}{key}", value)

    async def delete(self, key: str) -> None:
        await self._bus.put(f"{self._root}{key}", b"", {"KV-Operation": "DEL"})

    @property
    def _root(self) -> str:
        return f"$KV.{self._name}."

    async def _kept(self, query: dict[str, object]) -> list[Kept]:
        return [
            Kept(
                raw.sequence,
                raw.subject.removeprefix(self._root),
                None if "KV-Operation" in raw.headers else raw.data,
                dt.datetime.fromisoformat(raw.headers["Nats-Time-Stamp"]),
            )
            for raw in await self._bus.raw(f"KV_{self._name}", query)
        ]


class MemoryBucket:
    """For tests without NATS."""

    def __init__(self, now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)) -> None:
        self._now = now
        self._kept: dict[str, Kept] = {}
        self._revisions = itertools.count(1)

    async def get(self, key: str) -> bytes | None:
        return self._kept[key].value if key in self._kept else None

    async def put(self, key: str, value: bytes) -> None:
        self._keep(key, value)

    async def delete(self, key: str) -> None:
        self._keep(key, None)

    async def several(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        found = [(key, await self.get(key)) for key in keys]
        return {key: value for key, value in found if value is not None}

    async def changed(self, prefix: str, since: int) -> Sequence[Kept]:
        newest = itertools.takewhile(lambda k: k.revision > since, reversed(self._kept.values()))
        return [kept for kept in newest if kept.key.startswith(f"{prefix}.")][::-1]

    def _keep(self, key: str, value: bytes | None) -> None:
        """Last: the newest is found from behind."""
        self._kept.pop(key, None)
        self._kept[key] = Kept(next(self._revisions), key, value, self._now())


def of_version(versions: Sequence[DocumentEntry], version: str) -> DocumentEntry:
    """The one that begins so. Raises UnknownVersion."""
    found = [entry for entry in versions if version and entry.version.startswith(version)]
    if len(found) != 1:
        raise UnknownVersion(versions[0].document, version)
    return found[0]


def _names(found: Mapping[str, bytes], only: Collection[str]) -> list[str]:
    return sorted(found.keys() & set(only)) if only else list(found)


def _change(value: bytes) -> Change:
    said = json.loads(value)
    return Change(said["document"], tuple(said["versions"]), said.get("attempt", 0))


def key_of(kind: str, space: str, document: str) -> str:
    """Names of documents hold what keys may not."""
    return f"{kind}.{space}.{base64.urlsafe_b64encode(document.encode()).decode()}"


def _named(key: str) -> tuple[str, str]:
    """The space and the document that `_key` wrote."""
    _, space, document = key.split(".")
    return space, base64.urlsafe_b64decode(document).decode()
