"""Which version of a document was current when: as far as it is known, and never guessed."""

import datetime as dt
from collections.abc import Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from palabre.contracts.v1.retriever_pb2 import DocumentEntry, ListVersionsResponse, Served

# Changes of the current version that are remembered; older ones are no longer known.
_REMEMBERED = 64
_EVER = Timestamp()


class NotKnown(LookupError):
    """The version of then cannot be told: nobody knows which one it was, or it is not kept."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def followed(
    record: ListVersionsResponse, entry: DocumentEntry, deleted_at: dt.datetime | None = None
) -> list[Served]:
    """What is known once this entry is current. The same bytes said otherwise stay one version.

    `deleted_at`: a document of this name was deleted before; what it was then is not known.
    """
    before = [_unknown(_EVER)] if deleted_at and not record.versions else past(record)
    if not before or before[-1].version != entry.version:
        before.append(Served(version=entry.version, since=entry.ingested_at))
    kept = before[-_REMEMBERED:]
    return kept if len(kept) == len(before) else [_unknown(_EVER), *kept[1:]]


def past(record: ListVersionsResponse) -> list[Served]:
    """Oldest first; the last one is the current version's, whatever a crash has left behind."""
    served = list(record.served)
    current = record.versions[0].version if record.versions else ""
    while served and served[-1].version != current:
        served.pop()
    versions = reversed(record.versions)
    return served or [Served(version=e.version, since=e.ingested_at) for e in versions]


def version_at(record: ListVersionsResponse, at: dt.datetime) -> DocumentEntry | None:
    """What was current then; None: the document came later. Raises NotKnown."""
    found = _last(past(record), at)
    if found is None:
        return None
    if not found.version:
        raise NotKnown("unknown")
    for entry in record.versions:
        if entry.version == found.version:
            return entry
    raise NotKnown("dropped")


def _last(served: Sequence[Served], at: dt.datetime) -> Served | None:
    until = (each for each in reversed(served) if _when(each) <= at)
    return next(until, None)


def _when(served: Served) -> dt.datetime:
    return served.since.ToDatetime(dt.UTC)


def _unknown(since: Timestamp) -> Served:
    return Served(version="", since=since)
