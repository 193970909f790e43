"""XTTS v2: a neural voice that speaks 17 languages, and like whoever gave samples of their voice.

It speaks one text at a time: coqui-tts mixes up two streams of one model. Whoever waits too long
or is one too many is left to the ladder's next rung. Its model (coqui.py) brings torch and is
imported when it is built; its weights are under the Coqui Public Model License.
"""

import asyncio
import re
import threading
from collections import OrderedDict
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing
from functools import partial
from typing import Any, Protocol

import numpy as np

from palabre.contracts.v1.tts_pb2 import Voice
from palabre.tts.engines import References, Sounds, Speech
from palabre.tts.errors import Busy, CannotSpeak, UnknownLanguage, UnknownVoice
from palabre.tts.estimating import Estimator
from palabre.tts.guards import Samples, Tail, longest_s, tidied
from palabre.tts.metrics import GPU_MEMORY, GPU_QUEUE
from palabre.tts.pieces import pieces
from palabre.tts.settings import Settings

_FEWEST_WORDS = 3  # it stumbles over less
_KEPT = 64  # cloned voices whose latents are kept, 133 kB each
_FAILURES = (RuntimeError, AssertionError, IndexError, ValueError, OSError)

Latents = Any  # what a model makes of a voice


class Model(Protocol):
    """Its voices are called speakers. One thread calls it."""

    @property
    def rate(self) -> int:
        """Of its sound, samples a second."""

    @property
    def languages(self) -> Sequence[str]:
        """Tags, some with a region."""

    @property
    def speakers(self) -> Mapping[str, Latents]:
        """What it brings."""

    def latents(self, samples: Sequence[bytes]) -> Latents:
        """Of WAV files of one voice. Raises ValueError."""

    def memory(self) -> Mapping[str, int]:
        """Bytes of the GPU's memory: used, reserved, total; empty without a GPU. Any thread."""

    def longest(self, language: str) -> int:
        """Characters that it may be given at once."""

    def say(
        self, text: str, language: str, latents: Latents, speed: float
    ) -> Generator[Samples, None, None]:
        """Sound as it is made; closing it stops the work."""


class Xtts:
    """At most `waiting` speeches wait for the one that is spoken."""

    name = "xtts"
    paces = (85, 340)
    pitches = False

    def __init__(self, model: Model, waiting: int) -> None:
        self._model, self._most = model, waiting
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="xtts")
        self._estimator = Estimator()
        self._clones: OrderedDict[str, Latents] = OrderedDict()
        self._in_hand = 0
        for kind in model.memory():
            GPU_MEMORY.labels(kind).set_function(partial(_memory, model, kind))
        GPU_QUEUE.set_function(lambda: self._in_hand)

    @property
    def rate(self) -> int:
        return self._model.rate

    async def voices(self) -> Sequence[Voice]:
        return [
            Voice(engine=self.name, name=name, languages=["mul"], description=f"{name} (XTTS v2)")
            for name in self._model.speakers
        ]

    async def speak(self, speech: Speech) -> Sounds:
        language = self._language(speech.language)
        if not re.search(r"\w", speech.text):
            return
        if self._in_hand > self._most:
            raise Busy(f"xtts: {self._most} speeches wait already")
        self._in_hand += 1
        try:
            voice, latents = await self._voice(speech)
            pcm = self._streamed(speech, language, latents)
            async with aclosing(self._estimator.timed(pcm, self, speech, voice)) as sounds:
                async for sound in sounds:
                    yield sound
        finally:
            self._in_hand -= 1

    async def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _language(self, tag: str) -> str:
        wanted = tag.lower().replace("_", "-")
        for language in self._model.languages:
            if language == wanted or language.split("-")[0] == wanted.split("-")[0]:
                return language
        raise UnknownLanguage(f"xtts does not speak {tag[:20]!r}")

    async def _voice(self, speech: Speech) -> tuple[str, Latents]:
        if speech.references:
            return speech.voice, await self._clone(speech.references)
        speakers = self._model.speakers
        voice = speech.voice or next(iter(speakers), "")
        if voice not in speakers:
            raise UnknownVoice.among("xtts", voice, speakers)
        return voice, speakers[voice]

    async def _clone(self, references: References) -> Latents:
        """They are the samples' own: whether they may be used is asked anew for each speech."""
        if references.key not in self._clones:
            samples = await references.samples()
            work = self._work(self._model.latents, samples)
            self._clones[references.key] = await _done(work)
        self._clones.move_to_end(references.key)
        while len(self._clones) > _KEPT:
            self._clones.popitem(last=False)
        return self._clones[references.key]

    async def _streamed(
        self, speech: Speech, language: str, latents: Latents
    ) -> AsyncGenerator[bytes, None]:
        loop, stop = asyncio.get_running_loop(), threading.Event()
        made: asyncio.Queue[bytes | None] = asyncio.Queue()

        def say() -> None:
            for samples in self._say(speech, language, latents, stop):
                loop.call_soon_threadsafe(made.put_nowait, _pcm(samples))

        work = self._work(say)
        work.add_done_callback(lambda _: made.put_nowait(None))
        try:
            while pcm := await made.get():
                yield pcm
            await _done(work)
        finally:
            stop.set()
            work.cancel()

    def _say(
        self, speech: Speech, language: str, latents: Latents, stop: threading.Event
    ) -> Generator[Samples, None, None]:
        """In the model's thread, until somebody sets `stop`."""
        for piece in pieces(speech.text, self._model.longest(language), _FEWEST_WORDS):
            text, tail, made = tidied(piece.text), Tail(self.rate), 0
            most = longest_s(text, language) / speech.speed * self.rate
            with closing(self._model.say(text, language, latents, speech.speed)) as sound:
                for samples in sound:
                    if stop.is_set():
                        return
                    samples = samples[: max(0, int(most) - made)]
                    made += len(samples)
                    if len(loud := tail.feed(samples)):
                        yield loud
                    if made >= int(most):
                        break
            if len(rest := tail.close()):
                yield rest

    def _work(self, do: Any, *given: Any) -> "asyncio.Future[Any]":
        return asyncio.get_running_loop().run_in_executor(self._thread, do, *given)


async def _done(work: "asyncio.Future[Any]") -> Any:
    try:
        return await work
    except _FAILURES as error:
        reason = "memory" if "out of memory" in str(error) else "failed"
        raise CannotSpeak(f"xtts: {type(error).__name__}: {str(error)[:200]}", reason) from error


def _memory(model: Model, kind: str) -> float:
    return float(model.memory()[kind])


def _pcm(samples: Samples) -> bytes:
    return (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


def build(settings: Settings) -> Xtts:
    """Loads the model and lets it speak once. Raises ValueError with a remedy."""
    if not settings.tts_xtts_accept_cpml:
        raise ValueError(
            "PALABRE_TTS_XTTS_ACCEPT_CPML: the weights of XTTS v2 are under the Coqui Public Model"
            " License, which forbids commercial use: read it, and set this to true if you accept it"
        )
    folder = settings.tts_xtts_folder
    if folder is None or not (folder / "config.json").is_file():
        raise ValueError(
            f"PALABRE_TTS_XTTS_FOLDER: {folder} is no checkpoint: it has config.json, model.pth,"
            " vocab.json and speakers_xtts.pth"
        )
    from palabre.tts.engines.coqui import Coqui  # torch: 5 GB, and up to 20 s

    model = Coqui(folder, settings.data_dir / "xtts", settings.tts_xtts_device)
    return Xtts(model, settings.tts_xtts_waiting)
