"""Which knowledge turns are asked again of: what was found then, or the documents as they were."""

import contextlib
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from palabre.cli.following import followed
from palabre.cli.screen import errors, table
from palabre.cli.server import Trouble, checked, http
from palabre.cli.settings import CliSettings

RECORDED = "recorded"  # the passages that were found then
PATIENCE_S = 600.0  # for the longest document

_LEFT_OUT = {
    "deleted": "deleted since",
    "dropped": "its version of then is no longer kept",
    "unknown": "nobody knows its version of then",
    "unreadable": "its original is gone or cannot be read",
    "restricted": "read by others now than then",
}


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Documents `at` a time, or as they are; some of them in these versions instead."""

    recorded: bool = False
    at: dt.datetime | None = None
    versions: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, wanted: Sequence[str]) -> Self:
        """`recorded`, a time, or documents with their versions. Raises Trouble."""
        if RECORDED in wanted:
            if len(wanted) > 1:
                raise Trouble(f"--knowledge {RECORDED} stands alone: leave the others out")
            return cls(recorded=True)
        pinned = [each for each in wanted if "@" in each]
        times = [_time(each) for each in wanted if "@" not in each]
        if len(times) > 1:
            raise Trouble("--knowledge takes one time: leave the others out")
        versions = {name: version for name, _, version in (p.rpartition("@") for p in pinned)}
        if len(versions) < len(pinned):
            raise Trouble("--knowledge takes one version of a document: leave the others out")
        return cls(at=next(iter(times), None), versions=versions)

    @property
    def is_past(self) -> bool:
        """It has to be built."""
        return bool(self.at or self.versions)

    @property
    def name(self) -> str:
        """Empty: as it is."""
        if self.recorded:
            return RECORDED
        pinned = [f"{name}@{version}" for name, version in sorted(self.versions.items())]
        time = [self.at.isoformat()] if self.at else []
        return " ".join(time + pinned)


@contextlib.contextmanager
def built(wanted: Knowledge, space: str) -> Iterator[str]:
    """The name of what was built of it, until the end; empty: nothing has to be. Raises Trouble."""
    if not wanted.is_past:
        yield ""
        return
    path = f"/api/v1/spaces/{space}/snapshots"
    with http(CliSettings(), PATIENCE_S) as client:
        done = _taken(client, path, wanted)
        _tell(done)
        try:
            yield done["snapshot"]
        finally:
            checked(client.delete(f"{path}/{done['snapshot']}"))


def _taken(client: httpx.Client, path: str, wanted: Knowledge) -> dict[str, Any]:
    """The last word of the build. Raises Trouble."""
    body = {"at": wanted.at and wanted.at.isoformat(), "versions": wanted.versions}
    said = followed(client, path, "Indexing documents as they were", body)
    if not said.get("snapshot"):
        raise Trouble("the server went away while it indexed: try again")
    return said


def _tell(done: dict[str, Any]) -> None:
    """What the knowledge of then is made of; what is missing is named."""
    there = done["documents"] - done["later"]
    errors.print(f"{there} documents, {done['later']} came later", highlight=False)
    if total := done["left_out_total"]:
        errors.print(f"{total} documents are missing though they may have been there:")
        rows = ((e["document"], _LEFT_OUT.get(e["reason"], e["reason"])) for e in done["left_out"])
        table("document", "why", rows=rows, on=errors)


def _time(said: str) -> dt.datetime:
    """UTC, where it names no other. Raises Trouble."""
    try:
        time = dt.datetime.fromisoformat(said)
    except ValueError:
        raise Trouble(
            f"--knowledge {said}: say {RECORDED}, a time (2026-11-20, 2026-11-20T14:30), or"
            " DOCUMENT@VERSION as `palabre knowledge history` shows it"
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=dt.UTC)
