"""Speaks through the first engine that can: normalises, measures, and finds each word again."""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import NamedTuple

import structlog

from palabre.chassis.telemetry import ENGINE_FAILURES, SPEECH_FIRST_AUDIO, SPEECH_REALTIME_FACTOR
from palabre.chassis.voices import ANY_FILE, Use
from palabre.contracts.v1.tts_pb2 import Voice
from palabre.contracts.v1.turns_pb2 import VoiceChoice, WordTime
from palabre.tts import bending
from palabre.tts.consent import Permits
from palabre.tts.engines import PITCH, WORDS_PER_MINUTE, Engine, Sounds, Speech
from palabre.tts.errors import CannotSpeak, UnknownVoice, VoiceRefused
from palabre.tts.normalise import speakable
from palabre.tts.normalise.aligned import Aligned

log = structlog.get_logger()

_HAS_WORD = re.compile(r"[^\W_]")


class Rung(NamedTuple):
    """One step: an engine and one of its voices, or empty for its own."""

    engine: Engine
    voice: str


class Ladder:
    """Engines in the order in which they are tried; at least one.

    Every voice is asked for before it speaks a sentence: what is revoked stops at the next one.
    """

    def __init__(self, engines: Sequence[Engine], permits: Permits | None = None) -> None:
        self._engines, self._permits = engines, permits or Permits()

    async def voices(self) -> list[Voice]:
        return [voice for engine in self._engines for voice in await engine.voices()]

    async def speak(
        self,
        text: str,
        language: str,
        choice: VoiceChoice,
        *,
        use: Use = ANY_FILE,
        speed: float = 1.0,
        exact: bool = False,
    ) -> Sounds:
        """Speaks a text as it was written; the words of its sounds are those of this text.

        An engine that fails before its first sound gives way to the next, a voice that is unknown
        or refused to the engine's own (`exact`: it raises UnknownVoice or VoiceRefused). After the
        first sound, what was said stands: to begin again would say it twice. Raises CannotSpeak
        when no engine can.
        """
        said = speakable(text, language)
        if not _HAS_WORD.search(said.text):
            return
        speech = Speech(
            text=said.text,
            language=language,
            words_per_minute=round((choice.words_per_minute or WORDS_PER_MINUTE) * speed),
            pitch=choice.pitch or PITCH,
            use=use,
        )
        known: set[tuple[int, int]] = set()
        async with aclosing(self._climb(speech, choice, exact)) as sounds:
            async for sound in sounds:
                yield replace(sound, words=list(_written(sound.words, said, known)))

    async def _climb(self, speech: Speech, choice: VoiceChoice, exact: bool) -> Sounds:
        failure = CannotSpeak("no engine is set up: set PALABRE_TTS_ENGINES", "installation")
        for rung in self._rungs(choice):
            if exact and not rung.voice and isinstance(failure, UnknownVoice | VoiceRefused):
                break
            begun = False
            try:
                async with aclosing(self._permitted(rung, speech)) as sounds:
                    async for sound in sounds:
                        begun = True
                        yield sound
                return
            except VoiceRefused as error:
                failure = error
            except CannotSpeak as error:
                failure = error
                ENGINE_FAILURES.labels(rung.engine.name, error.reason).inc()
                log.warning("engine cannot speak", engine=rung.engine.name, reason=error.reason)
            if begun:
                return
        raise failure

    async def _permitted(self, rung: Rung, speech: Speech) -> Sounds:
        """An engine's own voice has no name until it is heard: then it is asked for."""
        references = None
        if rung.voice:
            references = self._permits.ask(rung.engine.name, rung.voice, speech.use)
        unknown = not rung.voice
        async with aclosing(_measured(rung, replace(speech, references=references))) as sounds:
            async for sound in sounds:
                if unknown:
                    self._permits.ask(rung.engine.name, sound.voice, speech.use)
                    unknown = False
                yield sound

    def _rungs(self, choice: VoiceChoice) -> Iterator[Rung]:
        """The voice that was chosen, then every engine's own, that of the chosen engine first."""
        chosen = [engine for engine in self._engines if engine.name == choice.engine]
        others = [engine for engine in self._engines if engine.name != choice.engine]
        if choice.name:
            for engine in chosen if choice.engine else self._engines:
                yield Rung(engine, choice.name)
        for engine in (*chosen, *others):
            yield Rung(engine, "")


async def _measured(rung: Rung, speech: Speech) -> Sounds:
    """The engine's sounds. The time that the listener takes between them does not count."""
    name = rung.engine.name
    worked = spoken = 0.0
    asked = time.perf_counter()
    async with aclosing(bending.speak(rung.engine, replace(speech, voice=rung.voice))) as sounds:
        async for sound in sounds:
            worked += time.perf_counter() - asked
            if not spoken:
                SPEECH_FIRST_AUDIO.labels(name).observe(worked)
            spoken += sound.seconds
            yield replace(sound, engine=name)
            asked = time.perf_counter()
    if spoken:
        SPEECH_REALTIME_FACTOR.labels(name).observe(worked / spoken)


def _written(
    words: Sequence[WordTime], said: Aligned, known: set[tuple[int, int]]
) -> Iterator[WordTime]:
    """Where words stand in the text as written; "14h30" is one, however many are said for it."""
    for word in words:
        place = said.original(word.offset, word.length)
        if place not in known:
            known.add(place)
            yield WordTime(offset=place[0], length=place[1], offset_ms=word.offset_ms)
