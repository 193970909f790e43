"""XTTS v2 as coqui-tts runs it (0.28, MPL 2.0), from a checkpoint's folder.

Text and voices come as values, never as paths: coqui-tts would read files through FFmpeg's
libraries. https://coqui-tts.readthedocs.io/en/latest/models/xtts.html
"""

import json
import logging
import os
import pickle
import shutil
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from TTS.tts.configs.xtts_config import XttsConfig
from TTS.tts.models.xtts import Xtts

from palabre.audio.recordings import decode
from palabre.tts.guards import Samples

CHUNK_TOKENS = 20  # about 0.9 s of sound; each chunk decodes all before it again
_REFERENCE_S, _PART_S = 30, 6

Latents = tuple[
    torch.Tensor, torch.Tensor
]  # [1, 32, width] for the text, [1, 512, 1] for the sound

# It writes the beginning of long texts into the log.
logging.getLogger("TTS").setLevel(logging.ERROR)


class Coqui:
    """Loaded and warm. For one thread."""

    def __init__(self, folder: Path, kept: Path, device: str) -> None:
        """`kept` is where an old checkpoint is converted once. Raises ValueError."""
        self._config = XttsConfig()
        try:
            for name in ("config.json", "vocab.json"):  # what reads them says little
                json.loads((folder / name).read_bytes())
            self._config.load_json(str(folder / "config.json"))
            self._model = Xtts(self._config)
            self._load(folder, kept)
            self._model.to(_device(device))
        except (OSError, RuntimeError, KeyError, ValueError, pickle.UnpicklingError) as error:
            raise ValueError(
                f"PALABRE_TTS_XTTS_FOLDER: {folder} cannot be loaded: {str(error)[:300]}"
            ) from error
        manager = self._model.speaker_manager
        self.rate = int(self._config.model_args.output_sample_rate)
        self.languages: Sequence[str] = tuple(self._config.languages)
        self.speakers: Mapping[str, Latents] = {
            name: (of["gpt_cond_latent"], of["speaker_embedding"])
            for name, of in (manager.speakers if manager else {}).items()
        }
        self._warm()

    def latents(self, samples: Sequence[bytes]) -> Latents:
        sounds = [_sound(sample) for sample in samples]
        if not sounds:
            raise ValueError("no samples")
        voices = [self._model.get_speaker_embedding(sound, rate) for sound, rate in sounds]
        parts = [
            self._model.get_gpt_cond_latents(sound, rate, length=_REFERENCE_S, chunk_length=_PART_S)
            for sound, rate in sounds
        ]
        return torch.stack(parts).mean(dim=0), torch.stack(voices).mean(dim=0)

    def memory(self) -> Mapping[str, int]:
        if self._model.device.type != "cuda":
            return {}
        return {
            "used": torch.cuda.memory_allocated(self._model.device),
            "reserved": torch.cuda.memory_reserved(self._model.device),
            "total": torch.cuda.mem_get_info(self._model.device)[1],
        }

    def longest(self, language: str) -> int:
        return int(self._model.tokenizer.char_limits.get(language.split("-")[0], 200))

    def say(
        self, text: str, language: str, latents: Latents, speed: float
    ) -> Generator[Samples, None, None]:
        config = self._config
        stream = self._model.inference_stream(
            text,
            language,
            *latents,
            stream_chunk_size=CHUNK_TOKENS,
            temperature=config.temperature,
            length_penalty=config.length_penalty,
            repetition_penalty=config.repetition_penalty,
            top_k=config.top_k,
            top_p=config.top_p,
            speed=speed,
        )
        try:
            for chunk in stream:
                yield chunk.float().cpu().numpy().reshape(-1)
        finally:
            stream.close()

    def _load(self, folder: Path, kept: Path) -> None:
        """A checkpoint of 2023 would be rewritten where it lies; its copy is, once."""
        weights, converted = folder / "model.pth", kept / f"{_stamp(folder)}.pth"
        if converted.exists() or not _is_old(weights):
            self._load_from(folder, converted if converted.exists() else weights)
            return
        kept.mkdir(parents=True, exist_ok=True)
        copy = kept / f"{_stamp(folder)}.{os.getpid()}.part"
        try:
            shutil.copyfile(weights, copy)
            self._load_from(folder, copy)
            copy.replace(converted)
        finally:
            copy.unlink(missing_ok=True)

    def _load_from(self, folder: Path, weights: Path) -> None:
        self._model.load_checkpoint(
            self._config, checkpoint_dir=str(folder), checkpoint_path=str(weights), eval=True
        )

    def _warm(self) -> None:
        """The first text takes longer than the others."""
        for latents in list(self.speakers.values())[:1]:
            for _ in self.say("Bonjour à tous", self.languages[0], latents, 1.0):
                break


def _device(wanted: str) -> str:
    if wanted == "cuda" and not torch.cuda.is_available():
        raise RuntimeError("PALABRE_TTS_XTTS_DEVICE is cuda, and there is none: set cpu")
    return wanted if wanted != "auto" else "cuda" if torch.cuda.is_available() else "cpu"


def _is_old(weights: Path) -> bool:
    """Whether it holds objects of classes that have moved since."""
    try:
        torch.load(weights, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError:
        return True
    return False


def _stamp(folder: Path) -> str:
    found = (folder / "model.pth").stat()
    return f"{found.st_size}-{found.st_mtime_ns}"


def _sound(sample: bytes) -> tuple[Any, int]:
    """[1, samples], full scale is 1."""
    recording = decode(sample)
    mono = recording.mono.astype(np.float32) / 32768
    return torch.from_numpy(mono)[None], recording.rate
