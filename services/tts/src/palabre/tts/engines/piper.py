"""Piper in this process: neural voices (VITS) that run on a CPU, a file each.

A voice is NAME.onnx with NAME.onnx.json beside it (https://github.com/OHF-Voice/piper1-gpl,
GPL-3). Most models know how long each phoneme lasts: mouth shapes are exact then. Nothing is ever
downloaded: voices whose phonemes come from a further model are refused.
"""

import asyncio
import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import onnx
import onnxruntime
from google.protobuf.message import DecodeError
from onnxruntime.capi import onnxruntime_pybind11_state as ort
from piper import AudioChunk, PiperConfig, PiperVoice, SynthesisConfig
from piper.patch_voice_with_alignment import add_alignment_output

from palabre.contracts.v1.tts_pb2 import Voice
from palabre.contracts.v1.turns_pb2 import Viseme, WordTime
from palabre.tts.engines import Sound, Sounds, Speech
from palabre.tts.errors import CannotSpeak, UnknownLanguage, UnknownVoice
from palabre.tts.estimating import Stretch, timeline
from palabre.tts.pieces import Piece, pieces
from palabre.tts.settings import Settings
from palabre.tts.visemes import REST, Mouth, shape

_LONGEST = 400  # characters at once: the model's memory grows with the square of them
_PHONEMES = ("espeak", "text")
_ONNX_ERRORS = (ort.Fail, ort.InvalidArgument, ort.InvalidGraph, ort.InvalidProtobuf,
                ort.NotImplemented, ort.RuntimeException)  # fmt: skip
_PAUSES = frozenset("^$_.,;:!?…—")
_UNSAID = re.compile(r"[\x00-\x1f]|\[(?=\[)")  # "[[…]]" would be read as raw phonemes
_WORD = re.compile(r"\w[\w'’-]*")


@dataclass(frozen=True, slots=True)
class _Speaker:
    """One voice of a model."""

    name: str
    model: "_Model"
    number: int | None


@dataclass(slots=True)
class _Model:
    """A voice file. It is loaded when it is first to speak (about a second and 100 MB)."""

    path: Path
    described: Mapping[str, Any]
    threads: int
    _loaded: PiperVoice | None = None
    _loading: Lock = field(default_factory=Lock)

    @property
    def languages(self) -> list[str]:
        code = (self.described.get("language") or {}).get("code", "")
        tag = (code or self.described["espeak"]["voice"]).replace("_", "-")
        return list(dict.fromkeys((tag.split("-")[0].lower(), tag)))

    def speakers(self) -> Iterator[_Speaker]:
        """FILE, or FILE/SPEAKER for each where it has several."""
        named = self.described.get("speaker_id_map") or {}
        if len(named) < 2:
            yield _Speaker(self.path.stem, self, None)
            return
        for speaker, number in named.items():
            yield _Speaker(f"{self.path.stem}/{speaker}", self, number)

    def say(self, text: str, speaker: int | None, speed: float) -> list[AudioChunk]:
        voice = self.load()
        how = SynthesisConfig(
            speaker_id=speaker,
            length_scale=voice.config.length_scale / speed,
            normalize_audio=False,  # a gain of its own for each sentence would be heard
        )
        said = voice.synthesize(_UNSAID.sub(" ", text), how, include_alignments=True)
        return list(said)

    def load(self) -> PiperVoice:
        with self._loading:
            self._loaded = self._loaded or self._load()
            return self._loaded

    def _load(self) -> PiperVoice:
        """As PiperVoice.load does, with as many threads as were given to it. Raises ValueError."""
        try:
            return PiperVoice(self._session(), PiperConfig.from_dict(dict(self.described)))
        except (OSError, DecodeError, *_ONNX_ERRORS) as error:
            raise ValueError(f"PALABRE_TTS_PIPER_VOICES: {self.path} is no Piper voice") from error

    def _session(self) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        model = onnx.load(self.path)
        if not any(out.name != "output" for out in model.graph.output):
            with contextlib.suppress(ValueError):  # it does not know its times: they are estimated
                add_alignment_output(model)
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )


class Piper:
    """Speaks with the first voice for the language, or the one that is named."""

    name = "piper"
    paces = (60, 400)
    pitches = False

    def __init__(self, models: Sequence[_Model], threads: int) -> None:
        self._speakers = {s.name: s for model in models for s in model.speakers()}
        workers = max(1, (os.cpu_count() or 1) // threads)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="piper")

    async def voices(self) -> Sequence[Voice]:
        return [
            Voice(
                engine=self.name,
                name=name,
                languages=speaker.model.languages,
                description=f"Piper {name.replace('_', ' ')}",
            )
            for name, speaker in self._speakers.items()
        ]

    async def speak(self, speech: Speech) -> Sounds:
        """A sentence at a time; what runs ends, what waits for a core is not begun."""
        speaker = self._chosen(speech.voice, speech.language)
        loop, begun_ms = asyncio.get_running_loop(), 0.0
        for piece in pieces(speech.text, _LONGEST):
            said = loop.run_in_executor(
                self._pool, speaker.model.say, piece.text, speaker.number, speech.speed
            )
            try:
                chunks = await said
            except (ValueError, *_ONNX_ERRORS) as error:
                raise CannotSpeak(f"piper: {type(error).__name__}: {str(error)[:200]}") from error
            if chunks:
                sound = await _sound(chunks, piece, speech, speaker.name, begun_ms)
                begun_ms += sound.seconds * 1000
                yield sound

    async def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _chosen(self, voice: str, language: str) -> _Speaker:
        """A voice of another language gives way to one that speaks that of the text."""
        if voice and voice not in self._speakers:
            raise UnknownVoice.among("piper", voice, self._speakers)
        wanted = language.lower().replace("_", "-")
        for tag in (wanted, wanted.split("-")[0]):
            fitting = [s for s in self._speakers.values() if tag in _tags(s)]
            if fitting:
                return next((s for s in fitting if s.name == voice), fitting[0])
        raise UnknownLanguage(f"piper has no voice for {language[:20]!r}")


def _tags(speaker: _Speaker) -> list[str]:
    return [tag.lower() for tag in speaker.model.languages]


async def _sound(
    chunks: Sequence[AudioChunk], piece: Piece, speech: Speech, voice: str, begun_ms: float
) -> Sound:
    """What the model says of its times; what it does not say is estimated."""
    samples = sum(len(chunk.audio_float_array) for chunk in chunks)
    lasts_ms = samples / chunks[0].sample_rate * 1000
    visemes, words = _aligned(chunks, piece)
    if estimated := not (visemes and words):
        line = await timeline(Speech(piece.text, speech.language))
        guessed = Stretch(line, 0.0).close(lasts_ms)
        visemes, words = visemes or guessed[0], words or _placed(guessed[1], piece)
    return Sound(
        pcm=b"".join(chunk.audio_int16_bytes for chunk in chunks),
        rate=chunks[0].sample_rate,
        visemes=[_later_viseme(v, round(begun_ms)) for v in visemes],
        words=[_later_word(w, round(begun_ms)) for w in words],
        voice=voice,
        estimated=estimated,
    )


def _aligned(chunks: Sequence[AudioChunk], piece: Piece) -> tuple[list[Viseme], list[WordTime]]:
    """By the lengths of the phonemes. Words only where there are as many as the text has."""
    if not all(chunk.phoneme_alignments for chunk in chunks):
        return [], []
    mouth, visemes, starts = Mouth(), list[Viseme](), list[int]()
    sample, between = 0, True
    for chunk in chunks:
        for part in chunk.phoneme_alignments or ():
            at_ms = sample * 1000 // chunk.sample_rate
            sample += int(np.sum(part.num_samples))
            spoken = shape(part.phoneme) != REST
            if spoken or part.phoneme in _PAUSES:
                visemes += mouth.phoneme(at_ms, part.phoneme)
            if spoken and between:
                starts.append(at_ms)
            between = (between and not spoken) or part.phoneme == " "
    visemes += mouth.close(sample * 1000 // chunks[0].sample_rate)
    found = list(_WORD.finditer(piece.text))
    if len(found) != len(starts):
        return visemes, []
    words = [
        WordTime(offset=piece.offset + match.start(), length=len(match[0]), offset_ms=at_ms)
        for match, at_ms in zip(found, starts, strict=True)
    ]
    return visemes, words


def _placed(words: Sequence[WordTime], piece: Piece) -> list[WordTime]:
    return [
        WordTime(offset=w.offset + piece.offset, length=w.length, offset_ms=w.offset_ms)
        for w in words
    ]


def _later_viseme(viseme: Viseme, by_ms: int) -> Viseme:
    return Viseme(
        shape=viseme.shape, offset_ms=viseme.offset_ms + by_ms, duration_ms=viseme.duration_ms
    )


def _later_word(word: WordTime, by_ms: int) -> WordTime:
    return WordTime(offset=word.offset, length=word.length, offset_ms=word.offset_ms + by_ms)


def build(settings: Settings) -> Piper:
    """Raises ValueError with a remedy. The first voice is loaded: it will speak first."""
    found = [path for name in settings.piper_voices for path in _files(Path(name))]
    if not found:
        raise ValueError("PALABRE_TTS_PIPER_VOICES: no voice: give .onnx files or their folder")
    models = [_Model(path, _described(path), settings.tts_piper_threads) for path in found]
    models[0].load()
    return Piper(models, settings.tts_piper_threads)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(path.glob("*.onnx"))
    if path.is_file():
        return [path]
    raise ValueError(f"PALABRE_TTS_PIPER_VOICES: {path} is no file and no folder")


def _described(path: Path) -> Mapping[str, Any]:
    beside = Path(f"{path}.json")
    try:
        described: dict[str, Any] = json.loads(beside.read_bytes())
        PiperConfig.from_dict(described)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"PALABRE_TTS_PIPER_VOICES: {beside} cannot be read ({type(error).__name__}):"
            " it comes with the voice"
        ) from error
    if described.get("phoneme_type", "espeak") not in _PHONEMES:
        raise ValueError(
            f"PALABRE_TTS_PIPER_VOICES: {path.name} needs a further model for its phonemes,"
            " which Piper would download: choose a voice of another language"
        )
    return described
