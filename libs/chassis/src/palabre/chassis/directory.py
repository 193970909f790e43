"""The bucket `spaces`: a local copy that follows it, and the changes that are made to it."""

import contextlib
import datetime as dt
import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError, NoKeysError
from nats.js.kv import KeyValue

from palabre.chassis import spaces
from palabre.chassis.bus import Bus
from palabre.chassis.spaces import InvalidSpace, Space, UnknownSpace, VoiceRules

log = structlog.get_logger()

# Spaces as the event in hand wants them, instead of those that are live (`recalling.py`).
recalled: ContextVar[Mapping[str, Space]] = ContextVar("recalled", default=MappingProxyType({}))


class Spaces:
    """The spaces that are live, by id. A service refreshes them every second."""

    def __init__(self, known: Mapping[str, Space] | None = None) -> None:
        self._known = dict(known or {})
        self._seen = 0

    def get(self, name: str) -> Space:
        """Raises UnknownSpace."""
        try:
            return recalled.get().get(name) or self._known[name]
        except KeyError:
            raise UnknownSpace(f"no space {name!r}: run `palabre spaces apply`") from None

    def asks(self, name: str) -> VoiceRules:
        """What a space asks of voices; nothing, where there is no such space."""
        known = self._known.get(name)
        return known.voices if known else VoiceRules()

    def zone(self, name: str) -> ZoneInfo:
        """The space's time zone; UTC for a space that is gone."""
        return self._known[name].zone if name in self._known else ZoneInfo("UTC")

    def all(self) -> dict[str, Space]:
        """The first one is meant where none is named."""
        return dict(sorted(self._known.items(), key=lambda item: (item[1].order, item[0])))

    async def refresh(self, bus: Bus) -> None:
        """Takes what changed since the last time. Raises Unavailable."""
        query = {"next_by_subj": "$KV.spaces.>", "seq": self._seen + 1}
        for entry in await bus.raw("KV_spaces", query):
            self._take(entry.subject.removeprefix("$KV.spaces."), entry.data)
            self._seen = entry.sequence

    def _take(self, name: str, value: bytes) -> None:
        if not value:
            self._known.pop(name, None)
            return
        try:
            self._known[name] = Revision.decode(0, value).space
        except (InvalidSpace, ValueError, KeyError):
            log.exception("space ignored", space=name)  # an older or newer one: keep what we had


@dataclass(frozen=True, slots=True)
class Revision:
    """One state of a space. `applied` is what files last made it: the base of the next apply."""

    number: int
    definition: dict[str, Any]
    applied: dict[str, Any]
    message: str
    at: str

    @property
    def space(self) -> Space:
        return spaces.parse(self.definition)

    def encode(self) -> bytes:
        values = {
            "definition": self.definition,
            "applied": self.applied,
            "message": self.message,
            "at": self.at,
        }
        return json.dumps(values, ensure_ascii=False, sort_keys=True).encode()

    @classmethod
    def decode(cls, number: int, data: bytes) -> "Revision":
        values = json.loads(data)
        return cls(number, **{k: values[k] for k in ("definition", "applied", "message", "at")})


class LiveEdit(Exception):
    """The live space was changed where the files changed it too; `keys` says where."""

    def __init__(self, conflicts: list[str]) -> None:
        super().__init__(
            f"changed live and in the files: {', '.join(conflicts)}."
            " Look with `palabre spaces diff`, take it with `palabre spaces pull`,"
            " or overwrite it with `palabre spaces apply --force`"
        )
        self.keys = conflicts


async def current(bucket: KeyValue, name: str) -> Revision | None:
    try:
        entry = await bucket.get(name)
    except KeyNotFoundError:
        return None
    return Revision.decode(entry.revision or 0, entry.value or b"")


async def apply(bucket: KeyValue, name: str, space: Space, *, force: bool = False) -> bool:
    """Merges files into the live space, three ways. True when it changed.

    Raises LiveEdit on a conflict (unless `force`), InvalidSpace when the merge is none.
    """
    files = plain(space)
    live = await current(bucket, name)
    if live is None:
        await _write(bucket, name, Revision(0, files, files, "apply", _now()))
        return True
    conflicts: list[str] = []
    merged = files if force else merge(live.applied, files, live.definition, conflicts)
    if conflicts:
        raise LiveEdit(conflicts)
    if merged == live.definition and files == live.applied:
        return False
    spaces.parse(merged)
    await _write(bucket, name, Revision(live.number, merged, files, "apply", _now()))
    return merged != live.definition


async def edit(bucket: KeyValue, name: str, space: Space, message: str) -> None:
    """A live change: later applies keep it. Raises UnknownSpace."""
    live = await current(bucket, name)
    if live is None:
        raise UnknownSpace(f"no space {name!r}")
    revision = Revision(live.number, plain(space), live.applied, message, _now())
    await _write(bucket, name, revision)


async def history(bucket: KeyValue, name: str) -> list[Revision]:
    """Oldest first, at most 64. Raises UnknownSpace."""
    try:
        entries = await bucket.history(name)
    except KeyNotFoundError:
        raise UnknownSpace(f"no space {name!r}") from None
    return [Revision.decode(e.revision or 0, e.value) for e in entries if e.value]


async def rollback(bucket: KeyValue, name: str, number: int) -> None:
    """Makes an old revision the live one, as a new revision. Raises UnknownSpace, KeyError."""
    old = {r.number: r for r in await history(bucket, name)}[number]
    await edit(bucket, name, old.space, f"rollback to {number}")


async def keys(bucket: KeyValue) -> list[str]:
    """Ids of all spaces."""
    with contextlib.suppress(NoKeysError):
        return sorted(await bucket.keys())
    return []


def merge(base: Any, ours: Any, theirs: Any, conflicts: list[str], path: str = "") -> Any:
    """Three-way merge of plain data; tables key by key, everything else as a whole."""
    if ours in (base, theirs):
        return theirs
    if theirs == base:
        return ours
    if not (isinstance(ours, dict) and isinstance(theirs, dict)):
        conflicts.append(path)
        return theirs
    base = base if isinstance(base, dict) else {}
    merged = {}
    for key in {**theirs, **ours}:
        below = f"{path}.{key}" if path else key
        value = merge(base.get(key), ours.get(key), theirs.get(key), conflicts, below)
        if value is not None:
            merged[key] = value
    return merged


def differences(old: Any, new: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """Where two definitions differ: (key, old, new)."""
    if isinstance(old, dict) and isinstance(new, dict):
        found = []
        for key in sorted({*old, *new}):
            below = f"{path}.{key}" if path else key
            found += differences(old.get(key), new.get(key), below)
        return found
    return [] if old == new else [(path, old, new)]


def plain(space: Space) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(space.model_dump_json(by_alias=True, exclude_none=True))
    return plain


async def _write(bucket: KeyValue, name: str, revision: Revision) -> None:
    try:
        await bucket.update(name, revision.encode(), last=revision.number)
    except KeyWrongLastSequenceError:
        raise LiveEdit(["somebody changed it just now"]) from None


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
