"""Asks the registry before a voice speaks, whatever the gateway let through."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from palabre.chassis import voices
from palabre.chassis.blobs import MemoryObjects, Objects
from palabre.chassis.telemetry import VOICE_REFUSALS
from palabre.chassis.voices import Registry, Use
from palabre.contracts.v1.voices_pb2 import VoiceRecord
from palabre.tts.errors import CannotSpeak, VoiceRefused

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Recordings:
    """What a cloned voice that may be used now is made from (engines.References).

    An engine is given them anew with each speech: what it computed from them may be kept under
    `key`, but is of use only with them.
    """

    record: VoiceRecord
    stored: Objects

    @property
    def key(self) -> str:
        hashes = "".join(sample.sha256 for sample in self.record.samples)
        return hashlib.sha256(hashes.encode()).hexdigest()

    async def samples(self) -> list[bytes]:
        """WAV, mono, 16 bits. Raises CannotSpeak."""
        return [await self._read(sha256) for sha256 in (s.sha256 for s in self.record.samples)]

    async def _read(self, sha256: str) -> bytes:
        try:
            data = await self.stored.get(voices.key(self.record, sha256))
        except KeyError:
            raise CannotSpeak("a recording of this voice is gone", "samples") from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise CannotSpeak("a recording of this voice was changed", "samples")
        return data


class Permits:
    """What may be spoken now. Without a registry, no cloned voice may."""

    def __init__(
        self,
        registry: Registry | None = None,
        samples: Objects | None = None,
        registered_only: Callable[[str], bool] = lambda space: False,
    ) -> None:
        self.registry = registry or Registry()
        self._samples = samples or MemoryObjects()
        self._registered_only = registered_only

    def ask(self, engine: str, voice: str, use: Use) -> Recordings | None:
        """What a cloned voice is made from; None for a voice that the engine brings.

        Raises VoiceRefused, having counted and logged it.
        """
        registered = self._registered_only(use.space)
        try:
            name = self.registry.usable(engine, voice, use, registered=registered)
        except voices.Refused as refused:
            VOICE_REFUSALS.labels(refused.reason).inc()
            log.warning("voice refused", voice=voice, space=use.space, reason=refused.reason)
            raise VoiceRefused(str(refused), refused.reason) from refused
        if not voice.startswith(voices.CLONE):
            return None
        record = self.registry.find(use.space, name)
        return Recordings(record, self._samples) if record else None
