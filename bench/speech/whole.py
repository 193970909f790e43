"""python -m bench.speech.whole: from a stored SegmentReady to the first sound at an HTTP client.

Everything runs as `palabre run` starts it, with the answer without a model and espeak-ng.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx

from palabre.chassis import events, nats_config, streams, subjects
from palabre.chassis.bus import Bus
from palabre.cli.testing import Running, running

TURNS = 40
BAR_MS = 20
SOUND_PAGE = 3  # of Ogg: the first two are headers


async def _measure(system: Running) -> list[float]:
    user = streams.OPERATOR
    word = nats_config.passwords(system.folder)[user]
    bus = await Bus.connect(system.instance.nats_url, user, user, word)
    stored: dict[str, float] = {}

    async def note(msg: object) -> None:
        event = events.decode(msg.data)  # type: ignore[attr-defined]
        stored.setdefault(event.turn, time.perf_counter())

    await bus.client.subscribe(subjects.every("stored", "segment_ready"), cb=note)
    headers = {"Authorization": f"Bearer {system.token}"}
    async with httpx.AsyncClient(base_url=system.url, headers=headers) as client:
        heard = dict([await _turn(client) for _ in range(TURNS)])
    await bus.close()
    return sorted((heard[turn] - stored[turn]) * 1_000 for turn in heard if turn in stored)


async def _turn(client: httpx.AsyncClient) -> tuple[str, float]:
    """The turn, and when its first sound was there."""
    made = (await client.post("/api/v1/spaces/logement/conversations", json={})).json()["id"]
    body = {"text": "Qui appeler pour une panne de chauffage ?", "speech": True}
    path = f"/api/v1/conversations/{made}/utterances"
    turn = str((await client.post(path, json=body)).json()["turn"])
    sound, first = b"", 0.0
    async with client.stream("GET", f"/api/v1/turns/{turn}/audio") as stream:
        async for piece in stream.aiter_raw():
            sound += piece
            if not first and sound.count(b"OggS") >= SOUND_PAGE:
                first = time.perf_counter()
    return turn, first


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="palabre-speech-") as folder:
        settings = {"PALABRE_LOG_LEVEL": "warning"}
        with running(Path(folder), settings) as system:
            took = asyncio.run(_measure(system))
    median, late = statistics.median(took), took[len(took) * 95 // 100]
    print(f"segment stored to first sound at the client, {len(took)} turns:"
          f" p50 {median:.1f} ms, p95 {late:.1f} ms (bar {BAR_MS} ms)")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
