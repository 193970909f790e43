"""Writes the voice registry: a record with its proof and recordings, and how it ends."""

import asyncio
import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog

from palabre.chassis import voices
from palabre.chassis.blobs import Objects
from palabre.chassis.bus import Bus, Conflict
from palabre.chassis.voices import Registry
from palabre.contracts.v1 import voices_pb2 as pb

log = structlog.get_logger()

TRIES = 5


class Changed(Exception):
    """The record exists already, or somebody else changed it in the meantime."""


class Proof(NamedTuple):
    """The document or the recording in which somebody consents."""

    data: bytes
    media_type: str


class Sample(NamedTuple):
    """A recording as it may be kept, and the SHA-256 of the file that it came in."""

    wav: bytes
    original_sha256: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Register:
    """The only writer of the bucket `voices`; what it wrote it knows at once."""

    bus: Bus
    registry: Registry
    samples: Objects
    consents: Objects
    examining: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))

    async def add(
        self, record: pb.VoiceRecord, by: str, proof: Proof | None, samples: Sequence[Sample]
    ) -> pb.VoiceRecord:
        """Keeps what the record leans on first, then the record. Raises Changed, Unavailable."""
        if self.registry.find(record.space, record.id):
            raise Changed
        if proof:
            record.consent.sha256 = _sha256(proof.data)
            record.consent.media_type = proof.media_type
            await self.consents.put(voices.key(record, record.consent.sha256), proof.data)
        for sample in samples:
            sha256 = _sha256(sample.wav)
            record.samples.add(
                sha256=sha256,
                duration_ms=round(sample.seconds * 1000),
                original_sha256=sample.original_sha256,
            )
            await self.samples.put(voices.key(record, sha256), sample.wav)
        _note(record, "added", by)
        return await self._write(record, last=0)

    async def revoke(self, space: str, name: str, by: str, reason: str) -> pb.VoiceRecord:
        """For ever; its recordings are deleted, its proof is kept. A second time changes nothing.

        Raises KeyError when there is no such record, Changed, Unavailable.
        """
        for _ in range(TRIES):
            record, last = await self._read(space, name)
            if not record.HasField("revocation"):
                now = _note(record, "revoked", by, reason)
                record.revocation.CopyFrom(pb.Revocation(by=by, reason=reason))
                record.revocation.at.FromDatetime(now)
                try:
                    await self._write(record, last)
                except Changed:
                    continue  # what the other one wrote is to be revoked
            for sample in record.samples:
                await self.samples.delete(voices.key(record, sample.sha256))
            return record
        raise Changed

    async def proof(self, record: pb.VoiceRecord) -> bytes:
        """Raises KeyError."""
        return await self.consents.get(voices.key(record, record.consent.sha256))

    async def _read(self, space: str, name: str) -> tuple[pb.VoiceRecord, int]:
        """As it is now, and its revision."""
        found = await self.bus.raw("KV_voices", {"multi_last": [_subject(space, name)]})
        if not found or not found[-1].data:
            raise KeyError(name)
        return pb.VoiceRecord.FromString(found[-1].data), found[-1].sequence

    async def _write(self, record: pb.VoiceRecord, last: int) -> pb.VoiceRecord:
        subject = _subject(record.space, record.id)
        try:
            await self.bus.put(subject, record.SerializeToString(), expected=last)
        except Conflict as error:
            raise Changed from error
        self.registry.take(record)
        log.info("voice record", space=record.space, voice=record.id, what=record.changes[-1].what)
        return record


def _subject(space: str, name: str) -> str:
    return f"$KV.voices.{space}.{name}"


def _note(record: pb.VoiceRecord, what: str, by: str, note: str = "") -> dt.datetime:
    now = dt.datetime.now(dt.UTC)
    change = record.changes.add(by=by, what=what, note=note)
    change.at.FromDatetime(now)
    return now


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
