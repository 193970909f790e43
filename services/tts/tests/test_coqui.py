"""The real coqui-tts, with a small model of random weights: `make test-xtts`."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from palabre.audio.testing import encoded, voice
from palabre.contracts.v1 import tts_pb2
from palabre.tts.engines import Speech
from palabre.tts.engines.xtts import Xtts, build
from palabre.tts.settings import Settings

pytest.importorskip("TTS", reason="make test-xtts installs it")

import torch

from palabre.tts.engines.coqui import Coqui

from .checkpoints import SPEAKER, checkpoint, narrow


@pytest.fixture(autouse=True)
def fast() -> Iterator[None]:
    with narrow():
        yield


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Coqui:
    with narrow():
        folder = checkpoint(tmp_path_factory.mktemp("xtts"))
        return Coqui(folder, folder / "kept", "cpu")


def wav(seconds: float = 7.0) -> bytes:
    return encoded(tts_pb2.AUDIO_FORMAT_WAV, voice(seconds))


def test_it_brings_its_voices_and_languages(model: Coqui) -> None:
    assert list(model.speakers) == [SPEAKER]
    assert {"fr", "en", "zh-cn"} <= set(model.languages)
    assert (model.rate, model.longest("fr"), model.longest("zh-cn")) == (24_000, 273, 82)


def test_sound_comes_in_chunks(model: Coqui) -> None:
    chunks = list(model.say("Bonjour à tous", "fr", model.speakers[SPEAKER], 1.0))
    assert len(chunks) > 2
    assert all(chunk.dtype == np.float32 and np.isfinite(chunk).all() for chunk in chunks)


def test_closing_the_stream_stops_it_and_the_next_one_is_whole(model: Coqui) -> None:
    stream = model.say("Bonjour à tous", "fr", model.speakers[SPEAKER], 1.0)
    next(stream)
    stream.close()
    assert list(model.say("Bonjour à tous", "fr", model.speakers[SPEAKER], 1.0))


def test_a_voice_is_cloned_from_samples_without_a_file(model: Coqui) -> None:
    text, sound = model.latents([wav(), wav(9.0)])
    assert (tuple(text.shape), tuple(sound.shape)) == ((1, 32, 32), (1, 512, 1))
    assert torch.isfinite(text).all()
    assert next(model.say("Bonjour à tous", "fr", (text, sound), 1.0)).size


def test_samples_that_are_no_sound_are_refused(model: Coqui) -> None:
    with pytest.raises(ValueError, match=r"sound|audio|file"):
        model.latents([b"<html>not found</html>"])


def test_a_checkpoint_of_2023_is_converted_once_and_not_where_it_lies(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "model", old=True)
    before = (folder / "model.pth").read_bytes()
    for _ in range(2):
        assert Coqui(folder, tmp_path / "kept", "cpu").speakers
    assert (folder / "model.pth").read_bytes() == before
    kept = list((tmp_path / "kept").iterdir())
    assert [path.suffix for path in kept] == [".pth"]
    assert sorted(os.listdir(folder)) == [
        "config.json",
        "model.pth",
        "speakers_xtts.pth",
        "vocab.json",
    ]


@pytest.mark.parametrize("damaged", ["model.pth", "vocab.json", "config.json"])
def test_a_damaged_checkpoint_is_refused_by_name(tmp_path: Path, damaged: str) -> None:
    folder = checkpoint(tmp_path / "model")
    (folder / damaged).write_bytes(b"nothing")
    with pytest.raises(ValueError, match="PALABRE_TTS_XTTS_FOLDER"):
        Coqui(folder, tmp_path / "kept", "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_gpu_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="set cpu"):
        Coqui(checkpoint(tmp_path / "model"), tmp_path / "kept", "cuda")


async def test_the_engine_is_built_from_settings_and_speaks(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path / "data",
        tts_xtts_folder=checkpoint(tmp_path / "model"),
        tts_xtts_accept_cpml=True,
        tts_xtts_device="cpu",
    )
    engine = build(settings)
    assert isinstance(engine, Xtts)
    sounds = [s async for s in engine.speak(Speech("Bonjour à tous.", "fr"))]
    assert sounds[0].pcm
    assert {sound.voice for sound in sounds} == {SPEAKER}
    await engine.close()
