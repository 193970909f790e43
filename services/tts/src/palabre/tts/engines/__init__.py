"""Engines: a voice behind a small Protocol, registered by the entry-point group of this name."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol

from palabre.chassis.voices import ANY_FILE, Use
from palabre.contracts.v1.tts_pb2 import Voice
from palabre.contracts.v1.turns_pb2 import Viseme, WordTime
from palabre.tts.settings import Settings

GROUP = "palabre.tts.engines"
WORDS_PER_MINUTE = 170
PITCH = 50


class References(Protocol):
    """Samples of a person's voice that may be used now, for an engine that clones."""

    @property
    def key(self) -> str:
        """The same for the same samples, for caches."""

    async def samples(self) -> Sequence[bytes]:
        """Whole files of sound, of any kind. Raises CannotSpeak when they cannot be had."""


@dataclass(frozen=True, slots=True)
class Speech:
    """What is to be spoken: about a sentence, without marks, its numbers in words.

    With `references` it is to be spoken in the voice that they were taken from; an engine that
    does not clone knows no such `voice`, and says so.
    """

    text: str
    language: str  # BCP 47
    voice: str = ""  # one of the engine's; empty: its own for the language
    words_per_minute: int = WORDS_PER_MINUTE
    pitch: int = PITCH  # 0 to 99, 50 is the voice's own
    references: References | None = None
    use: Use = ANY_FILE  # another TtsService must be told: it asks the registry again

    @property
    def speed(self) -> float:
        """1 is the engine's own pace."""
        return self.words_per_minute / WORDS_PER_MINUTE


@dataclass(frozen=True, slots=True)
class Sound:
    """A piece of speech: `pcm` is signed 16-bit mono in whole samples, `rate` of them a second.

    Visemes and words are in milliseconds of the whole speech, in order, each given once: a word
    with the piece in which it begins, a viseme when its end is known. Words count code points of
    the text.
    """

    pcm: bytes
    rate: int
    visemes: Sequence[Viseme] = ()
    words: Sequence[WordTime] = ()
    voice: str = ""
    engine: str = ""  # filled in by the ladder
    estimated: bool = False  # the times, not the sound

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / self.rate


Sounds = AsyncGenerator[Sound, None]


class Engine(Protocol):
    """A synthesiser or a vendor. `name` is short, lower case, and the same in metrics.

    `paces`: the slowest and the fastest words a minute that it speaks by itself; `pitches`: it
    heeds Speech.pitch. The rest is done to its sound (bending.py).
    """

    name: str
    paces: tuple[int, int]
    pitches: bool

    async def voices(self) -> Sequence[Voice]:
        """All of them. One whose language is "mul" speaks every language of the engine."""

    def speak(self, speech: Speech) -> Sounds:
        """Sound as it is made. Raises CannotSpeak, for an unknown voice or language too.

        Closing the iterator stops the work. Any number may run at the same time. Text without a
        word gives little or no sound.
        """

    async def close(self) -> None:
        """Nothing is spoken any more."""


Build = Callable[[Settings], Engine]


def build(settings: Settings) -> list[Engine]:
    """The engines of the settings, in their order.

    Raises ValueError with a remedy when one is unknown, not installed or set up wrongly.
    """
    if not settings.engines:
        raise ValueError(f"PALABRE_TTS_ENGINES: is empty: choose among {', '.join(_points())}")
    return [_built(name, settings) for name in settings.engines]


def _built(name: str, settings: Settings) -> Engine:
    engine, at, address = name.partition("@")
    if at:
        from palabre.tts.engines.remote import Remote  # which imports this module

        return Remote(engine, address, settings.remote)
    points = _points()
    if name not in points:
        raise ValueError(
            f"PALABRE_TTS_ENGINES: no engine {name!r}: choose among {', '.join(points)}"
        )
    try:
        make: Build = points[name].load()
        return make(settings)
    except ModuleNotFoundError as error:
        raise ValueError(
            f"PALABRE_TTS_ENGINES: {name} lacks {error.name}: install palabre-tts[{name}]"
        ) from error


def _points() -> dict[str, EntryPoint]:
    return {point.name: point for point in sorted(entry_points(group=GROUP))}
