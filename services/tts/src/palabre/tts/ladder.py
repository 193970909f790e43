"""Speaks through the first engine that can: normalises, measures, and finds each word again."""

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import NamedTuple

import structlog

from palabre.chassis import tracing
from palabre.chassis.breaker import Breaker
from palabre.chassis.telemetry import ENGINE_FAILURES, observe
from palabre.chassis.voices import ANY_FILE, Use
from palabre.contracts.v1.tts_pb2 import Voice
from palabre.contracts.v1.turns_pb2 import VoiceChoice, WordTime
from palabre.tts import bending
from palabre.tts.consent import Permits
from palabre.tts.engines import PITCH, WORDS_PER_MINUTE, Engine, Sounds, Speech
from palabre.tts.errors import Busy, CannotSpeak, UnknownVoice, Unreachable, VoiceRefused
from palabre.tts.metrics import SPEECH_FALLBACKS, SPEECH_FIRST_AUDIO, SPEECH_REALTIME_FACTOR
from palabre.tts.normalise import speakable
from palabre.tts.normalise.aligned import Aligned
from palabre.tts.watermarks import Watermark

log = structlog.get_logger()

FIRST_SOUND_S = 3.0
LAST_RUNG_S = 30.0  # where nobody else can speak, late is better than silent
_HAS_WORD = re.compile(r"[^\W_]")


class Rung(NamedTuple):
    """One step: an engine and one of its voices, or empty for its own."""

    engine: Engine
    voice: str


class Ladder:
    """Engines in the order in which they are tried; at least one.

    Each is asked once, a broken connection once more. An engine that fails several times in a row
    is left alone for a while; one that gives no sound within `first_sound_s` gives way. Every voice
    is asked for before it speaks a sentence: what is revoked stops at the next one.
    """

    def __init__(
        self,
        engines: Sequence[Engine],
        permits: Permits | None = None,
        first_sound_s: float = FIRST_SOUND_S,
        breaker: Breaker | None = None,
        watermark: Watermark | None = None,
    ) -> None:
        self._engines, self._permits = engines, permits or Permits()
        self._first_sound_s, self._breaker = first_sound_s, breaker or Breaker()
        self._watermark = watermark

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
        slack_s: float = 0.0,
    ) -> Sounds:
        """Speaks a text as it was written; the words of its sounds are those of this text.

        An engine that fails before its first sound gives way to the next, a voice that is unknown
        or refused to the engine's own (`exact`: it raises UnknownVoice or VoiceRefused). After the
        first sound, what was said stands: to begin again would say it twice. Raises CannotSpeak
        when no engine can.
        `slack_s`: how long the listener still hears what comes before.
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
        async with aclosing(self._climb(speech, choice, exact, slack_s)) as sounds:
            async for sound in sounds:
                yield replace(sound, words=list(_written(sound.words, said, known)))

    async def direct(self, speech: Speech, engine: str) -> Sounds:
        """One engine alone, for the ladder of another replica. Raises CannotSpeak.

        Its voices are asked for here too: this replica may know what the other does not yet.
        """
        found = next((e for e in self._engines if e.name == engine), None)
        if found is None:
            raise CannotSpeak(f"no engine {engine[:40]!r} here: see PALABRE_TTS_ENGINES", "engine")
        async with aclosing(self._permitted(Rung(found, speech.voice), speech)) as sounds:
            async for sound in sounds:
                yield sound

    async def _climb(
        self, speech: Speech, choice: VoiceChoice, exact: bool, slack_s: float
    ) -> Sounds:
        failures: list[CannotSpeak] = []
        rungs, broken = list(self._rungs(choice)), set[str]()
        for rung in rungs:
            name, begun = rung.engine.name, False
            named = exact and choice.name  # else an engine's own may be refused, another's not
            if named and not rung.voice and failures and _is_refusal(failures[-1]):
                break
            if name in broken or not self._breaker.allows(name):
                continue
            bound_s = LAST_RUNG_S if rung is rungs[-1] else self._first_sound_s
            try:
                async with aclosing(
                    _begun(self._connected(rung, speech), bound_s + slack_s)
                ) as sounds:
                    async for sound in sounds:
                        if not begun:
                            begun = True
                            self._note_success(rungs[0], rung)
                        yield sound
                return
            except CannotSpeak as error:
                failures.append(error)
                self._note_failure(rung, error, broken)
            if begun:
                return
        # That an engine has no such voice matters least: another may have it, and fail.
        nobody = CannotSpeak("no engine can now: set PALABRE_TTS_ENGINES to one more", "engine")
        raise min(failures, key=lambda each: isinstance(each, UnknownVoice), default=nobody)

    def _rungs(self, choice: VoiceChoice) -> Iterator[Rung]:
        """The voice that was chosen, then every engine, that of the chosen engine first.

        Each with the voice that the choice names for it, then with its own.
        """
        chosen = [engine for engine in self._engines if engine.name == choice.engine]
        others = [engine for engine in self._engines if engine.name != choice.engine]
        if choice.name:
            for engine in chosen if choice.engine else self._engines:
                yield Rung(engine, choice.name)
        for engine in (*chosen, *others):
            if named := choice.voices.get(engine.name):
                yield Rung(engine, named)
            yield Rung(engine, "")

    def _note_success(self, wanted: Rung, spoken: Rung) -> None:
        self._breaker.succeeded(spoken.engine.name)
        if spoken.engine is not wanted.engine:
            SPEECH_FALLBACKS.labels(wanted.engine.name, spoken.engine.name).inc()

    def _note_failure(self, rung: Rung, error: CannotSpeak, broken: set[str]) -> None:
        """Only where its voice is the matter, the same engine is worth another try."""
        name = rung.engine.name
        if isinstance(error, VoiceRefused):
            return
        if isinstance(error, UnknownVoice):
            self._breaker.succeeded(name)
        else:
            broken.add(name)
        if error.blames_engine:
            self._breaker.failed(name)
        elif isinstance(error, Busy) and error.retry_after:
            self._breaker.leave_alone(name, error.retry_after)
        ENGINE_FAILURES.labels(name, error.reason).inc()
        values = {"engine": name, "reason": error.reason}
        tracing.current().add_event("engine cannot speak", values)
        log.warning("engine cannot speak", engine=name, reason=error.reason, detail=str(error))

    async def _connected(self, rung: Rung, speech: Speech) -> Sounds:
        """Once more, at once, when the connection failed before the first sound."""
        try:
            async with aclosing(self._permitted(rung, speech)) as sounds:
                async for sound in sounds:
                    yield sound
            return
        except Unreachable:
            pass
        async with aclosing(self._permitted(rung, speech)) as sounds:
            async for sound in sounds:
                yield sound

    async def _permitted(self, rung: Rung, speech: Speech) -> Sounds:
        """An engine's own voice has no name until it is heard: then it is asked for."""
        references = None
        if rung.voice:
            references = self._permits.ask(rung.engine.name, rung.voice, speech.use)
        unknown = not rung.voice
        spoken = _measured(rung, replace(speech, references=references))
        made = self._watermark.marked(spoken) if self._watermark else spoken
        async with aclosing(made) as sounds:
            async for sound in sounds:
                if unknown:
                    self._permits.ask(rung.engine.name, sound.voice, speech.use)
                    unknown = False
                yield sound


def _is_refusal(failure: CannotSpeak) -> bool:
    return isinstance(failure, UnknownVoice | VoiceRefused)


async def _begun(sounds: Sounds, first_s: float) -> Sounds:
    """Sounds, the first of which comes in time; otherwise it raises CannotSpeak."""
    async with aclosing(sounds):
        try:
            async with asyncio.timeout(first_s):
                first = await anext(sounds, None)
        except TimeoutError:
            raise CannotSpeak(f"it gave no sound within {first_s:.1f} s", "slow") from None
        if first is None:
            return
        yield first
        async for sound in sounds:
            yield sound


async def _measured(rung: Rung, speech: Speech) -> Sounds:
    """The engine's sounds. The time that the listener takes between them does not count."""
    name = rung.engine.name
    worked = spoken = 0.0
    asked = time.perf_counter()
    said = bending.speak(rung.engine, replace(speech, voice=rung.voice))
    with tracing.step(f"speak {name}", tracing.CLIENT, {"palabre.engine": name}) as span:
        async with aclosing(said) as sounds:
            async for sound in sounds:
                worked += time.perf_counter() - asked
                if not spoken:
                    span.add_event("first sound")
                    observe(SPEECH_FIRST_AUDIO.labels(name), worked)
                spoken += sound.seconds
                yield replace(sound, engine=name)
                asked = time.perf_counter()
        span.set_attribute("palabre.sound_s", round(spoken, 3))
    if spoken:
        observe(SPEECH_REALTIME_FACTOR.labels(name), worked / spoken)


def _written(
    words: Sequence[WordTime], said: Aligned, known: set[tuple[int, int]]
) -> Iterator[WordTime]:
    """Where words stand in the text as written; "14h30" is one, however many are said for it."""
    for word in words:
        place = said.original(word.offset, word.length)
        if place not in known:
            known.add(place)
            yield WordTime(offset=place[0], length=place[1], offset_ms=word.offset_ms)
