"""The voice registry: who allowed which voice for what, as every replica must know it.

Records are in the bucket `voices` (voices.proto), written by the gateway alone. No valid record, no
cloned voice: where the registry cannot be read for TRUSTED_S, none is valid.
"""

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

from google.protobuf.timestamp_pb2 import Timestamp

from palabre.chassis.bus import Bus
from palabre.chassis.errors import Unavailable
from palabre.contracts.v1 import voices_pb2 as pb
from palabre.contracts.v1.tts_pb2 import SynthesizeRequest

CLONE = "clone:"
TRUSTED_S = 60.0  # how old what was read may be: a revocation is in force everywhere by then
REFRESH_S = 1.0
WHOLE_S = 20.0  # then all is read again, lest a server that lost its data hides a revocation

Now = Callable[[], dt.datetime]


class Refused(Exception):
    """The voice may not be used. `reason` is one word, for metrics and clients; the message a
    sentence with a remedy.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Use:
    """What a voice is wanted for. Nothing said is the strictest: a file of any text."""

    space: str = ""
    purpose: pb.VoiceUse.ValueType = pb.VOICE_USE_FILES
    channel: str = ""  # empty: none in particular, so that a record with channels forbids it
    language: str = ""  # BCP 47; empty: unknown

    @classmethod
    def of(cls, request: SynthesizeRequest) -> Self:
        """Who does not say what for asks for the strictest."""
        purpose = request.use or pb.VOICE_USE_FILES
        return cls(request.space, purpose, request.channel, request.language)


ANY_FILE = Use()


def answering(space: str, channel: str, language: str) -> Use:
    """The use of a voice that speaks in a turn of this channel."""
    purposes = {"debate": pb.VOICE_USE_DEBATE, "phone": pb.VOICE_USE_PHONE}
    return Use(space, purposes.get(channel, pb.VOICE_USE_ANSWERS), channel, language)


class Registry:
    """A copy of all records that follows the bucket; `known` ones count as read now.

    `clock` is monotonic seconds.
    """

    def __init__(
        self,
        known: Iterable[pb.VoiceRecord] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Now = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._clock, self._now = clock, now
        self._known = {(record.space, record.id): record for record in known or ()}
        self._whole_at = float("-inf") if known is None else clock()
        self._seen = 0

    def of(self, space: str) -> list[pb.VoiceRecord]:
        """The space's records by id, revoked and expired ones too."""
        return [record for (owner, _), record in sorted(self._known.items()) if owner == space]

    def find(self, space: str, record: str) -> pb.VoiceRecord | None:
        return self._known.get((space, record))

    def take(self, record: pb.VoiceRecord) -> None:
        """What this process has just written, so that it need not wait for it."""
        self._known[record.space, record.id] = record

    def usable(self, engine: str, voice: str, use: Use, *, registered: bool = False) -> str:
        """The id of the record that permits this voice now. Raises Refused.

        `voice` is "clone:<id>", or one that the engine brings: that needs no record (and gives "")
        unless it has some or is to be `registered`.
        """
        if voice.startswith(CLONE):
            return self._permitted(self._clone(use.space, voice.removeprefix(CLONE)), use).id
        known = (record for (owner, _), record in self._known.items() if owner == use.space)
        records = [record for record in known if _covers(record, engine, voice)]
        if not records and not registered:
            return ""
        self.check_fresh()
        if not records:
            raise Refused(
                "unknown",
                f"the voice {engine}:{voice} has no record, and this space asks for one"
                " (voices.registered_only): add one with `palabre voices add`",
            )
        return self._first_permitted(records, use).id

    async def refresh(self, bus: Bus) -> None:
        """Takes what changed, and every WHOLE_S everything. Raises Unavailable."""
        begun = self._clock()
        whole = begun - self._whole_at >= WHOLE_S
        query = {"next_by_subj": "$KV.voices.>", "seq": 1 if whole else self._seen + 1}
        entries = await bus.raw("KV_voices", query)
        if whole:
            self._known, self._seen, self._whole_at = {}, 0, begun
        for entry in entries:
            space, _, name = entry.subject.removeprefix("$KV.voices.").partition(".")
            if entry.data:
                self._known[space, name] = pb.VoiceRecord.FromString(entry.data)
            self._seen = entry.sequence

    async def follow(self, bus: Bus, stop: asyncio.Event) -> None:
        """Every second, until `stop`."""
        while not stop.is_set():
            with contextlib.suppress(Unavailable):
                await self.refresh(bus)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), REFRESH_S)

    def state(self, record: pb.VoiceRecord) -> str:
        """valid, or the word for why it is not: revoked, expired, evidence."""
        try:
            self._check_valid(record)
        except Refused as refused:
            return refused.reason
        return "valid"

    def _clone(self, space: str, name: str) -> pb.VoiceRecord:
        self.check_fresh()
        record = self._known.get((space, name))
        if record is None or record.kind != pb.VOICE_KIND_CLONED:
            raise Refused(
                "unknown",
                f"no cloned voice {name[:40]!r} is registered in this space: `palabre voices list`"
                " shows those that are",
            )
        return record

    def _first_permitted(self, records: list[pb.VoiceRecord], use: Use) -> pb.VoiceRecord:
        """Several records may cover a voice, an old and a renewed one. Raises the last refusal."""
        for record in records[:-1]:
            with contextlib.suppress(Refused):
                return self._permitted(record, use)
        return self._permitted(records[-1], use)

    def _permitted(self, record: pb.VoiceRecord, use: Use) -> pb.VoiceRecord:
        self._check_valid(record)
        if use.purpose not in record.uses:
            name = pb.VoiceUse.Name(use.purpose).removeprefix("VOICE_USE_").lower()
            raise Refused("use", f"{_named(record)} is not permitted for {name}: {_AGREE}")
        if record.channels and use.channel not in record.channels:
            where = use.channel or "a channel that is not named"
            raise Refused("channel", f"{_named(record)} is not permitted on {where}: {_AGREE}")
        if record.languages and not _speaks(record, use.language):
            raise Refused(
                "language", f"{_named(record)} is not permitted in {use.language!r}: {_AGREE}"
            )
        return record

    def _check_valid(self, record: pb.VoiceRecord) -> None:
        if record.HasField("revocation"):
            raise Refused("revoked", f"{_named(record)} was revoked: choose another voice")
        if record.HasField("expires_at") and when(record.expires_at) <= self._now():
            raise Refused("expired", f"the consent for {_named(record)} has expired: {_AGREE}")
        if record.kind != pb.VOICE_KIND_SYNTHETIC and not record.consent.sha256:
            raise Refused("evidence", f"{_named(record)} has no proof of consent: {_AGREE}")

    def check_fresh(self) -> None:
        """Raises Refused when the registry could not be read for TRUSTED_S."""
        if self._clock() - self._whole_at > TRUSTED_S:
            raise Refused(
                "stale",
                "the voice registry could not be read for a minute: no voice that needs consent"
                " speaks until it can (is NATS there?)",
            )


_AGREE = "ask its owner, and add a record with the new consent"


def when(stamp: Timestamp) -> dt.datetime:
    """In UTC."""
    return stamp.ToDatetime(dt.UTC)


def key(record: pb.VoiceRecord, sha256: str) -> str:
    """Of a recording in `voice-samples`, of a proof in `voice-consents`: a record's alone."""
    return f"{record.space}/{record.id}/{sha256}"


def _named(record: pb.VoiceRecord) -> str:
    return f"the voice {record.id!r}"


def _covers(record: pb.VoiceRecord, engine: str, voice: str) -> bool:
    catalogue = record.kind != pb.VOICE_KIND_CLONED and record.engine == engine
    return catalogue and record.voice in ("", voice)


def _speaks(record: pb.VoiceRecord, language: str) -> bool:
    return language.split("-")[0] in {one.split("-")[0] for one in record.languages}
