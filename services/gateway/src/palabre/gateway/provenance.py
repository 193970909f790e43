"""What becomes of a file of speech while it is given out: counted, and signed for at its end."""

import datetime as dt
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from palabre.channels.waiting import Gone
from palabre.chassis.voices import Refused, Registry, Use
from palabre.contracts.v1 import events_pb2 as pb
from palabre.gateway.manifests import Manifests


@dataclass(slots=True)
class Provenance:
    """Of one file. A client that goes before its end has no whole file, and gets no manifest."""

    manifests: Manifests
    registry: Registry
    use: Use
    media_type: str
    turn: str = ""
    _voices: set[tuple[str, str]] = field(default_factory=set)

    def heard(self, engine: str, voice: str) -> None:
        """Who spoke a part of it."""
        if engine:
            self._voices.add((engine, voice))

    @property
    def headers(self) -> dict[str, str]:
        """Where a turn's manifest will be; who has another file asks by its SHA-256."""
        if not self.turn:
            return {}
        return {"Link": f'</api/v1/turns/{self.turn}/audio/manifest>; rel="describedby"'}

    async def listening(self, source: AsyncIterator[pb.Event]) -> AsyncIterator[pb.Event]:
        """The same events; notes who spoke the turn."""
        async for event in source:
            if event.turn == self.turn and event.HasField("speech_completed"):
                self.heard(event.speech_completed.engine, event.speech_completed.voice)
            yield event

    async def signed(self, pieces: AsyncIterator[bytes], gone: Gone) -> AsyncIterator[bytes]:
        """The same bytes; keeps their manifest once they are all given."""
        digest, size = hashlib.sha256(), 0
        async for piece in pieces:
            digest.update(piece)
            size += len(piece)
            yield piece
        if not gone.done():
            await self.manifests.keep(self._manifest(digest.hexdigest(), size))

    def _manifest(self, sha256: str, size: int) -> dict[str, Any]:
        return {
            "ai_generated": True,
            "sha256": sha256,
            "bytes": size,
            "media_type": self.media_type,
            "made_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "software": f"Palabre {version('palabre-gateway')}",
            "space": self.use.space,
            "turn": self.turn or None,
            "voices": [
                {"engine": engine, "voice": voice, "record": self._record(engine, voice)}
                for engine, voice in sorted(self._voices)
            ],
        }

    def _record(self, engine: str, voice: str) -> str | None:
        """That permits the voice; one that was revoked since does no more."""
        try:
            return self.registry.usable(engine, voice, self.use) or None
        except Refused:
            return None
