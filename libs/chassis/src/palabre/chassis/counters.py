"""Counters that all replicas share, and records of what they hold meanwhile.

The stream BUDGETS counts (ADR-49): publishing an increment gives the new total, in one step; an
increment whose id came within half an hour counts once. Records are in the bucket `reservations`.
"""

import contextlib
import itertools
import json
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from nats.errors import Error as NatsError

from palabre.chassis.bus import Bus

_BUCKET = "$KV.reservations."


class Held(NamedTuple):
    """A record that is written down, and where."""

    key: str
    record: bytes
    place: int


class Counters(Protocol):
    """Everything raises Unavailable."""

    async def add(self, counter: str, amount: int, once: str) -> int:
        """The total afterwards; with an id that this counter has had, nothing is added."""

    async def totals(self, counters: Sequence[str]) -> list[int]:
        """In this order; 0 for one that was never added to."""

    async def hold(self, key: str, record: bytes) -> int:
        """Writes it down and returns its place."""

    async def held(self, key: str) -> list[Held]:
        """Those with this key; `*` stands for one of its words, `>` for all that follow."""

    async def release(self, place: int) -> None:
        """Nothing happens when it is gone."""


class NatsCounters:
    """A counter's name is a subject of BUDGETS."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def add(self, counter: str, amount: int, once: str) -> int:
        headers = {"Nats-Incr": str(amount), "Nats-Msg-Id": f"{counter}/{once}"}
        total = (await self._bus.put(counter, b"", headers)).val
        return int(total) if total else (await self.totals([counter]))[0]

    async def totals(self, counters: Sequence[str]) -> list[int]:
        if not counters:
            return []
        found = await self._bus.raw("BUDGETS", {"multi_last": list(counters)})
        known = {raw.subject: int(json.loads(raw.data)["val"]) for raw in found}
        return [known.get(counter, 0) for counter in counters]

    async def hold(self, key: str, record: bytes) -> int:
        return (await self._bus.put(_BUCKET + key, record)).seq

    async def held(self, key: str) -> list[Held]:
        found = await self._bus.raw("KV_reservations", {"next_by_subj": _BUCKET + key})
        return [Held(r.subject.removeprefix(_BUCKET), r.data, r.sequence) for r in found if r.data]

    async def release(self, place: int) -> None:
        request = json.dumps({"seq": place, "no_erase": True}).encode()
        subject = "$JS.API.STREAM.MSG.DELETE.KV_reservations"
        with contextlib.suppress(NatsError):  # whoever finds it settles it again, to no effect
            await self._bus.client.publish(subject, request)


class MemoryCounters:
    """For tests without NATS: the same promises within one process."""

    def __init__(self) -> None:
        self._totals: dict[str, int] = {}
        self._added: set[tuple[str, str]] = set()
        self._held: dict[int, Held] = {}
        self._places = itertools.count(1)

    async def add(self, counter: str, amount: int, once: str) -> int:
        if (counter, once) not in self._added:
            self._added.add((counter, once))
            self._totals[counter] = self._totals.get(counter, 0) + amount
        return self._totals[counter]

    async def totals(self, counters: Sequence[str]) -> list[int]:
        return [self._totals.get(counter, 0) for counter in counters]

    async def hold(self, key: str, record: bytes) -> int:
        place = next(self._places)
        self._held = {p: h for p, h in self._held.items() if h.key != key}
        self._held[place] = Held(key, record, place)
        return place

    async def held(self, key: str) -> list[Held]:
        pattern = key.removesuffix(">") if key.endswith(">") else key.removesuffix("*")
        return [held for held in self._held.values() if held.key.startswith(pattern)]

    async def release(self, place: int) -> None:
        self._held.pop(place, None)
