"""The stage `speak`, and a player of its frames: when it begins, how long it waits for sound."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from palabre.chassis import events
from palabre.chassis.segments import Segmenter
from palabre.chassis.stage import Handler
from palabre.contracts.v1 import events_pb2 as pb
from palabre.tts.engines import Engine
from palabre.tts.engines.espeak import Espeak
from palabre.tts.handlers import speaker
from palabre.tts.ladder import Ladder


class Frame(NamedTuple):
    """When it came, from the beginning, and how long it lasts."""

    arrived_ms: float
    lasts_ms: float


class Played(NamedTuple):
    """From the first word written to the first sound; silence in between, for want of sound."""

    first_ms: float
    stalled_ms: float


async def play(answer: str, words_per_second: float, engine: Engine | None = None) -> Played:
    """Segments are spoken at the same time, as the stage does; their frames play in order."""
    begun, handle = time.perf_counter(), speaker(Ladder([engine or Espeak()]))
    speaking: list[asyncio.Task[list[Frame]]] = []
    async for text in _written(answer, words_per_second):
        speaking.append(asyncio.create_task(_speak(handle, text, begun)))
    return _listen([frame for task in speaking for frame in await task])


async def speak_at_once(texts: Sequence[str]) -> list[list[Frame]]:
    """The frames of each text; all begin at the same moment."""
    handle = speaker(Ladder([Espeak()]))
    begun = time.perf_counter()
    return await asyncio.gather(*(_speak(handle, text, begun) for text in texts))


async def _written(answer: str, words_per_second: float) -> AsyncIterator[str]:
    segmenter = Segmenter()
    for word in re.findall(r"\S+\s*", answer):
        await asyncio.sleep(1 / words_per_second)
        for cut in segmenter.feed(word):
            yield cut.text
    for cut in segmenter.close():
        yield cut.text


async def _speak(handle: Handler, text: str, begun: float) -> list[Frame]:
    said = events.begin("demo", "web", "c", pb.UtteranceReceived())
    event = events.follow(said, pb.SegmentReady(text=text, language="fr"))
    return [
        Frame((time.perf_counter() - begun) * 1000, result.speech_frame.duration_ms)
        async for result in handle(event)
        if result.speech_frame.data
    ]


def _listen(frames: Sequence[Frame]) -> Played:
    clock, stalled = frames[0].arrived_ms, 0.0
    for arrived, lasts in frames:
        stalled += max(0.0, arrived - clock)
        clock = max(clock, arrived) + lasts
    return Played(frames[0].arrived_ms, stalled)
