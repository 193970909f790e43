"""Says nothing, for as long as a voice would: for tests, and for load without synthesis."""

import asyncio
import re
from collections.abc import Sequence

from palabre.contracts.v1.tts_pb2 import Voice
from palabre.contracts.v1.turns_pb2 import Viseme, WordTime
from palabre.tts.engines import Sound, Sounds, Speech
from palabre.tts.errors import CannotSpeak, UnknownVoice
from palabre.tts.settings import Settings

RATE = 24_000


class Silence:
    """Each word takes as long as the pace says. `breaks_after`: fails after so many words."""

    name = "silence"
    paces = (1, 6000)
    pitches = True

    def __init__(self, name: str = "silence", breaks_after: int | None = None) -> None:
        self.name = name
        self._breaks_after = breaks_after

    async def voices(self) -> Sequence[Voice]:
        return [Voice(engine=self.name, name="quiet", languages=["mul"], description="Silence")]

    async def speak(self, speech: Speech) -> Sounds:
        if speech.voice not in ("", "quiet"):
            raise UnknownVoice(f"silence has no voice {speech.voice[:40]!r}: use quiet")
        word_ms = 60_000 // speech.words_per_minute
        for number, word in enumerate(re.finditer(r"\S*\w\S*", speech.text)):
            if number == self._breaks_after:
                raise CannotSpeak("silence was told to break")
            begun = number * word_ms
            time = WordTime(offset=word.start(), length=len(word[0]), offset_ms=begun)
            shape = Viseme(shape="sil", offset_ms=begun, duration_ms=word_ms)
            pcm = bytes(RATE * word_ms // 1000 * 2)
            yield Sound(pcm, RATE, visemes=[shape], words=[time], voice="quiet")
            await asyncio.sleep(0)

    async def close(self) -> None:
        pass


def build(settings: Settings) -> Silence:
    return Silence()
