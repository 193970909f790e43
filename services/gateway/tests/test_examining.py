"""Recordings of strangers are examined in a process of its own, and can do nothing."""

import io
import os
import wave
from collections.abc import AsyncIterator

import pytest

from palabre.audio import recordings
from palabre.audio.recordings import Unreadable, judge
from palabre.audio.testing import FORMATS, encoded, voice
from palabre.contracts.v1 import tts_pb2
from palabre.gateway.examining import Examiner


@pytest.fixture
async def examiner() -> AsyncIterator[Examiner]:
    made = Examiner()
    yield made
    await made.aclose()


@pytest.mark.parametrize("kind", FORMATS)
async def test_every_format_is_examined_and_kept_as_mono_wav(
    kind: tts_pb2.AudioFormat.ValueType, examiner: Examiner
) -> None:
    examined = await examiner.examine(encoded(kind, voice()))
    assert examined.measures.seconds == pytest.approx(10, abs=0.1)
    with wave.open(io.BytesIO(examined.wav)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        assert file.getnframes() / file.getframerate() == pytest.approx(10, abs=0.1)
    assert judge([examined.measures]) == []


HOSTILE = {
    "nothing": b"",
    "text": b"Ceci n'est pas un son.",
    "a playlist": b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/a.mp3\n",
    "a list of files": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "an empty WAV": b"RIFF\0\0\0\0WAVE",
    "a cut WAV": encoded(tts_pb2.AUDIO_FORMAT_WAV, voice(1))[:30],
    "a FLAC of noise": b"fLaC" + os.urandom(4_000),
    "an Ogg of noise": b"OggS" + os.urandom(4_000),
    "an MP3 of noise": b"ID3" + bytes(4_000),
    "a Matroska of noise": b"\x1a\x45\xdf\xa3" + os.urandom(4_000),
    "an MP4 of noise": b"\0\0\0\x20ftypM4A " + os.urandom(4_000),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_is_no_recording_is_refused_in_a_sentence(name: str, examiner: Examiner) -> None:
    with pytest.raises(Unreadable, match=r"(send|export|record|holds|it is)"):
        await examiner.examine(HOSTILE[name])


async def test_what_is_too_large_is_not_even_read(examiner: Examiner) -> None:
    with pytest.raises(Unreadable, match="at most 32 MiB"):
        await examiner.examine(bytes(recordings.MAX_BYTES + 1))


async def test_several_files_are_judged_together(examiner: Examiner) -> None:
    half = encoded(tts_pb2.AUDIO_FORMAT_FLAC, voice(4))
    examined, faults = await examiner.judge([half, half])
    assert (len(examined), faults) == (2, [])
    _, (fault,) = await examiner.judge([half, b"none"])
    assert fault.message.startswith("file 2: it is no sound")
