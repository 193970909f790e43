"""espeak-ng in this process: real speech in 130 languages, a thousand times faster than it lasts.

The library (GPL-3) comes with the package espeakng-loader and is called by ctypes. Its state is
global: one thread of the process does all its work, a sentence at a time (about 5 ms).
API: espeak-ng 1.52, src/include/espeak-ng/speak_lib.h.
"""

import asyncio
import ctypes as c
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from typing import Any, NamedTuple

import espeakng_loader

from palabre.contracts.v1.tts_pb2 import Voice
from palabre.contracts.v1.turns_pb2 import Viseme, WordTime
from palabre.tts.engines import Sound, Sounds, Speech
from palabre.tts.errors import CannotSpeak, UnknownLanguage, UnknownVoice
from palabre.tts.settings import Settings
from palabre.tts.visemes import Mouth

Emit = Callable[[Sound], bool]  # True: nobody listens any more

_BUFFER_MS = 60
_PIECE_S = 0.25  # after the first buffer, which leaves at once
_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEME_IPA, _DONT_EXIT = 0x1, 0x2, 0x8000
_UTF8, _END_PAUSE, _POS_CHARACTER = 0x1, 0x1000, 1
_WORD, _PHONEME = 1, 7
_RATE, _PITCH = 1, 3
_PACE = (80, 450)


class _EventId(c.Union):
    _fields_ = (("number", c.c_int), ("name", c.c_char_p), ("string", c.c_char * 8))


class _Event(c.Structure):
    _fields_ = (
        ("type", c.c_int),
        ("unique_identifier", c.c_uint),
        ("text_position", c.c_int),
        ("length", c.c_int),
        ("audio_position", c.c_int),
        ("sample", c.c_int),
        ("user_data", c.c_void_p),
        ("id", _EventId),
    )


class _Voice(c.Structure):
    _fields_ = (
        ("name", c.c_char_p),
        ("languages", c.c_void_p),
        ("identifier", c.c_char_p),
        ("gender", c.c_ubyte),
        ("age", c.c_ubyte),
        ("variant", c.c_ubyte),
        ("xx1", c.c_ubyte),
        ("score", c.c_int),
        ("spare", c.c_void_p),
    )


_Callback = c.CFUNCTYPE(c.c_int, c.POINTER(c.c_short), c.c_int, c.POINTER(_Event))


class _Installed(NamedTuple):
    """A voice: "roa/fr", "French (France)", its tags with their priorities (the lowest is best)."""

    identifier: str
    description: str
    tags: dict[str, int]

    @property
    def name(self) -> str:
        return self.identifier.rsplit("/", 1)[-1].lower()


class _Library:
    """The C library. Every call comes from its one thread."""

    def __init__(self) -> None:
        self._lib = c.CDLL(espeakng_loader.get_library_path())
        self._lib.espeak_Synth.argtypes = [
            c.c_char_p, c.c_size_t, c.c_uint, c.c_int, c.c_uint, c.c_uint, c.c_void_p, c.c_void_p
        ]  # fmt: skip
        self._lib.espeak_ListVoices.restype = c.POINTER(c.POINTER(_Voice))
        options = _PHONEME_EVENTS | _PHONEME_IPA | _DONT_EXIT
        data = espeakng_loader.get_data_path().encode()
        self.rate = self._lib.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, data, options)
        if self.rate <= 0:
            raise CannotSpeak("espeak-ng does not start: reinstall espeakng-loader", "installation")
        self._callback = _Callback(self._on_sound)  # the library keeps only its address
        self._lib.espeak_SetSynthCallback(self._callback)
        self._utterance: _Utterance | None = None
        self._voice = ""

    def voices(self, selected: bytes = b"") -> list[_Installed]:
        """Languages, or with "variant" what alters their voices."""
        spec = _Voice(languages=c.cast(c.c_char_p(selected), c.c_void_p)) if selected else None
        found = self._lib.espeak_ListVoices(c.byref(spec) if spec else None)
        return list(_installed(found))

    def say(self, speech: Speech, voice: str, emit: Emit) -> None:
        """Raises CannotSpeak."""
        if voice != self._voice and self._lib.espeak_SetVoiceByName(voice.encode()):
            raise UnknownVoice(f"espeak cannot load its voice {voice!r}")
        self._voice = voice
        pace = min(max(speech.words_per_minute, _PACE[0]), _PACE[1])
        self._lib.espeak_SetParameter(_RATE, pace, 0)
        self._lib.espeak_SetParameter(_PITCH, min(speech.pitch, 99), 0)
        text = speech.text.replace("\0", " ").encode() + b"\0"
        self._utterance = _Utterance(self.rate, voice, speech.text, emit)
        failed = self._lib.espeak_Synth(
            text, len(text), 0, _POS_CHARACTER, 0, _UTF8 | _END_PAUSE, None, None
        )
        utterance, self._utterance = self._utterance, None
        if failed and not utterance.stopped:
            raise CannotSpeak(f"espeak-ng failed with code {failed}")
        utterance.close()

    def _on_sound(self, samples: Any, count: int, events: Any) -> int:
        """Called by the library with each buffer; 1 stops it. Nothing may be raised through C."""
        if self._utterance is None:
            return 1
        pcm = c.string_at(samples, count * 2) if samples and count > 0 else b""
        return int(self._utterance.add(pcm, _until_end(events)))


class _Utterance:
    """One speech being synthesised: gathers buffers into pieces."""

    def __init__(self, rate: int, voice: str, text: str, emit: Emit) -> None:
        self.stopped = False
        self._rate, self._emit, self._length = rate, emit, len(text)
        self._name = voice.rsplit("/", 1)[-1].lower()
        self._pcm = bytearray()
        self._made = 0
        self._mouth = Mouth()
        self._visemes: list[Viseme] = []
        self._words: list[WordTime] = []
        self._read = -1

    def add(self, pcm: bytes, events: Iterator[_Event]) -> bool:
        """True when nobody listens any more."""
        for event in events:
            self._note(event)
        self._pcm += pcm
        wanted = 0 if not self._made else int(_PIECE_S * self._rate * 2)
        if self._pcm and len(self._pcm) >= wanted:
            self._flush()
        return self.stopped

    def close(self) -> None:
        end_ms = (self._made + len(self._pcm)) // 2 * 1000 // self._rate
        self._visemes += self._mouth.close(end_ms)
        if self._pcm or self._visemes:
            self._flush()

    def _flush(self) -> None:
        sound = Sound(bytes(self._pcm), self._rate, self._visemes, self._words, self._name)
        self._made += len(self._pcm)
        self._pcm, self._visemes, self._words = bytearray(), [], []
        self.stopped = self.stopped or self._emit(sound)

    def _note(self, event: _Event) -> None:
        if event.type == _PHONEME:
            ipa = event.id.string.decode(errors="ignore")
            self._visemes += self._mouth.phoneme(event.audio_position, ipa)
        elif event.type == _WORD:
            self._word(event.text_position - 1, event.length, event.audio_position)

    def _word(self, offset: int, length: int, begun_ms: int) -> None:
        """Within numbers the library repeats itself and points beyond the text."""
        if self._read < offset < self._length and length > 0:
            self._read = offset
            length = min(length, self._length - offset)
            self._words.append(WordTime(offset=offset, length=length, offset_ms=begun_ms))


def _until_end(events: Any) -> Iterator[_Event]:
    index = 0
    while events[index].type:
        yield events[index]
        index += 1


def _installed(found: Any) -> Iterator[_Installed]:
    index = 0
    while found[index]:
        voice = found[index].contents
        tags = dict(_tags(voice.languages))
        yield _Installed(voice.identifier.decode(), voice.name.decode(), tags)
        index += 1


def _tags(address: int) -> Iterator[tuple[str, int]]:
    """Each: a byte of priority, a tag that ends with 0; after the last another 0."""
    while priority := c.string_at(address, 1)[0]:
        tag = c.string_at(address + 1)
        yield tag.decode().lower(), priority
        address += len(tag) + 2


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="espeak")


@cache
def _library() -> _Library:
    """Of the process. Raises CannotSpeak."""
    return _thread().submit(_Library).result()


class Espeak:
    """Speaks with espeak-ng.

    A voice is a language ("fr-be"), a variant ("f3") or both ("fr+f3"). Its language gives way to
    that of the text: a French voice does not read English.
    """

    name = "espeak"
    paces = _PACE
    pitches = True

    def __init__(self) -> None:
        self._library = _library()
        listed = _thread().submit(self._library.voices).result()
        variants = _thread().submit(self._library.voices, b"variant").result()
        self._voices = {voice.name: voice for voice in listed}
        self._variants = {voice.name: voice for voice in variants}

    async def voices(self) -> Sequence[Voice]:
        return [*map(self._described, self._voices.values()), *self._altered]

    async def speak(self, speech: Speech) -> Sounds:
        voice = self.identifier(speech.voice, speech.language)
        loop, stop = asyncio.get_running_loop(), threading.Event()
        sounds: asyncio.Queue[Sound | None] = asyncio.Queue()

        def emit(sound: Sound) -> bool:
            if not stop.is_set():
                loop.call_soon_threadsafe(sounds.put_nowait, sound)
            return stop.is_set()

        work = loop.run_in_executor(_thread(), self._library.say, speech, voice, emit)
        work.add_done_callback(lambda _: sounds.put_nowait(None))
        try:
            while sound := await sounds.get():
                yield sound
            await work
        finally:
            stop.set()
            work.cancel()

    async def close(self) -> None:
        pass

    def identifier(self, voice: str, language: str) -> str:
        """The library's name for a voice that speaks the language. Raises CannotSpeak."""
        base, plus, variant = voice.lower().partition("+")
        if not plus and base in self._variants:
            base, variant = "", base
        known = base in self._voices or not base
        if not known or (variant and variant not in self._variants):
            here = _primary(language or "fr")
            raise UnknownVoice.among("espeak", voice, (here, f"{here}+f3", f"{here}+m3"))
        if not base or (language and _primary(base) != _primary(language)):
            base = self._for_language(language)
        identifier = self._voices[base].identifier
        return f"{identifier}+{_file(self._variants[variant])}" if variant else identifier

    def _for_language(self, language: str) -> str:
        wanted = language.lower()
        for tag in (wanted, _primary(wanted)):
            speaking = [v for v in self._voices.values() if tag in v.tags]
            if speaking:
                return min(speaking, key=lambda v: v.tags[tag]).name
        raise UnknownLanguage(f"espeak does not speak {language[:20]!r}")

    @cached_property
    def _altered(self) -> list[Voice]:
        return [
            Voice(engine=self.name, name=v.name, languages=["mul"], description=v.description)
            for v in self._variants.values()
        ]

    def _described(self, voice: _Installed) -> Voice:
        return Voice(
            engine=self.name,
            name=voice.name,
            languages=list(voice.tags),
            description=voice.description,
        )


def _primary(tag: str) -> str:
    return re.split("[-_]", tag.lower(), maxsplit=1)[0]


def _file(variant: _Installed) -> str:
    return variant.identifier.removeprefix("!v/")


def build(settings: Settings) -> Espeak:
    return Espeak()
