"""A file says itself that a machine spoke it; players and tag editors read it back."""

import io
from typing import Any

import av
import mutagen
import pytest
from mutagen.flac import FLAC
from mutagen.mp3 import MP3
from mutagen.oggopus import OggOpus

from palabre.audio import Label, encoder
from palabre.audio.labels import SENTENCE
from palabre.contracts.v1 import tts_pb2

LABEL = Label("demo", "xtts:clone:marie", "0199-turn")
OPUS, MPEG = tts_pb2.AUDIO_FORMAT_OPUS, tts_pb2.AUDIO_FORMAT_MP3
AAC = tts_pb2.AUDIO_FORMAT_AAC
WAV, FLAC_ = tts_pb2.AUDIO_FORMAT_WAV, tts_pb2.AUDIO_FORMAT_FLAC


def file(kind: tts_pb2.AudioFormat.ValueType, label: Label = LABEL) -> bytes:
    made = encoder(kind, label)
    return made.feed(bytes(48_000), 24_000) + made.close()


def read(data: bytes) -> dict[str, str]:
    """As FFmpeg reads it, of the file and of its stream."""
    with av.open(io.BytesIO(data), "r") as found:
        stream = found.streams.audio[0]
        frames = sum(frame.samples for frame in found.decode(stream))
        assert frames / stream.rate == pytest.approx(1, abs=0.2)
        return {k.upper(): v for k, v in {**found.metadata, **stream.metadata}.items()}


@pytest.mark.parametrize("kind", [OPUS, MPEG, AAC, FLAC_])
def test_ffmpeg_reads_what_a_file_says_of_itself(kind: tts_pb2.AudioFormat.ValueType) -> None:
    said = read(file(kind))
    assert said["AI_GENERATED"] == "true"
    assert SENTENCE in (said.get("COMMENT"), said.get(""))
    assert (said["SPACE"], said["VOICE"], said["TURN"]) == ("demo", LABEL.voice, LABEL.turn)


def test_a_wav_says_it_in_its_comment() -> None:
    said = read(file(WAV))
    assert said["COMMENT"].startswith(SENTENCE)
    assert "AI_GENERATED=true; SPACE=demo; VOICE=xtts:clone:marie" in said["COMMENT"]
    assert said["ENCODER"] == "Palabre"


@pytest.mark.parametrize(("kind", "reads"), [(OPUS, OggOpus), (FLAC_, FLAC)])
def test_another_library_reads_the_same_comments(
    kind: tts_pb2.AudioFormat.ValueType, reads: type[mutagen.FileType]
) -> None:
    tags: Any = reads(io.BytesIO(file(kind)))
    assert (tags["AI_GENERATED"], tags["COMMENT"]) == (["true"], [SENTENCE])
    assert tags["VOICE"] == [LABEL.voice]


def test_another_library_reads_the_same_id3_tag() -> None:
    reads: Any = MP3  # untyped
    tags = reads(io.BytesIO(file(MPEG)))
    assert tags["TXXX:AI_GENERATED"].text == ["true"]
    assert tags["COMM::eng"].text == [SENTENCE]
    assert tags["TXXX:SPACE"].text == ["demo"]


@pytest.mark.parametrize("kind", [OPUS, MPEG, AAC, FLAC_, WAV])
def test_a_file_of_which_nothing_is_known_is_labelled_too(
    kind: tts_pb2.AudioFormat.ValueType,
) -> None:
    assert "AI_GENERATED" in str(read(file(kind, Label())))
