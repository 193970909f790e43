"""What is spoken is marked, as long as before, while it is spoken."""

import io
import sys
from collections.abc import Sequence

import av
import numpy as np
import pytest

from palabre.audio import encoder
from palabre.audio.recordings import decode
from palabre.contracts.v1 import tts_pb2
from palabre.contracts.v1.turns_pb2 import VoiceChoice
from palabre.tts import watermarks
from palabre.tts.engines import Sound, Sounds, Speech
from palabre.tts.engines.espeak import Espeak
from palabre.tts.ladder import Ladder
from palabre.tts.watermarks import FOUND, Samples, Watermark, likeness

SENTENCES = (
    "Le dépôt de garantie est rendu dans un délai d'un mois.",
    "Pour demander un logement social, remplissez le formulaire en ligne, puis joignez une copie"
    " de votre avis d'imposition.",
    "Il était une fois, dans une forêt profonde, un vieux chêne sous lequel on se retrouvait.",
)


class Marks:
    """Adds a quarter to each sample; remembers how much it was given at once."""

    def __init__(self, short_by: int = 0) -> None:
        self.given: list[int] = []
        self.short_by = short_by

    def __call__(self, samples: Samples, rate: int) -> Samples:
        self.given.append(len(samples))
        return samples[: len(samples) - self.short_by] + np.float32(0.25)


async def said(sounds: Sequence[Sound]) -> Sounds:
    for sound in sounds:
        yield sound


def pieces(*seconds: float, rate: int = 16_000) -> list[Sound]:
    return [Sound(bytes(round(each * rate) * 2), rate, voice="v") for each in seconds]


async def marked(marks: Marks, *sounds: Sound) -> list[Sound]:
    return [sound async for sound in Watermark(marks).marked(said(sounds))]


async def test_sound_is_marked_a_second_at_a_time_and_lasts_as_long() -> None:
    marks = Marks()
    made = await marked(marks, *pieces(*[0.1] * 32))
    assert sum(sound.seconds for sound in made) == pytest.approx(3.2)
    assert marks.given == [16_000, 16_000, 19_200]
    assert {*np.frombuffer(b"".join(s.pcm for s in made), np.int16)} == {8_191}


async def test_what_comes_short_of_the_mark_is_left_as_it_was() -> None:
    (made,) = await marked(Marks(short_by=10), *pieces(0.5))
    samples = np.frombuffer(made.pcm, np.int16)
    assert (len(samples), set(samples[:-10]), set(samples[-10:])) == (8_000, {8_191}, {0})


async def test_a_rate_that_changes_begins_another_piece() -> None:
    made = await marked(Marks(), *pieces(0.5), *pieces(0.5, rate=8_000))
    assert [(sound.rate, sound.seconds) for sound in made] == [(16_000, 0.5), (8_000, 0.5)]


async def test_visemes_and_words_are_kept_and_nothing_is_said_of_nothing() -> None:
    plain = [s async for s in Espeak().speak(Speech(text=SENTENCES[1], language="fr"))]
    made = await marked(Marks(), *plain)
    assert [v for s in made for v in s.visemes] == [v for s in plain for v in s.visemes]
    assert [w for s in made for w in s.words] == [w for s in plain for w in s.words]
    assert await marked(Marks()) == []
    assert await marked(Marks(), Sound(b"", 16_000)) == [Sound(b"", 16_000)]


async def test_the_ladder_marks_what_every_engine_says() -> None:
    marks = Marks()
    ladder = Ladder([Espeak()], watermark=Watermark(marks))
    sounds = [sound async for sound in ladder.speak(SENTENCES[0], "fr", VoiceChoice())]
    assert sum(marks.given) == sum(len(sound.pcm) // 2 for sound in sounds)
    assert {sound.engine for sound in sounds} == {"espeak"}


def test_without_the_package_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "perth", None)  # as if it were not installed
    with pytest.raises(ImportError, match=r"palabre-tts\[watermark\]"):
        watermarks.perth()


MULAW = tts_pb2.AUDIO_FORMAT_MULAW
CODECS = (
    tts_pb2.AUDIO_FORMAT_WAV,
    tts_pb2.AUDIO_FORMAT_OPUS,
    tts_pb2.AUDIO_FORMAT_MP3,
    tts_pb2.AUDIO_FORMAT_AAC,
    MULAW,
)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", CODECS)
@pytest.mark.parametrize("text", SENTENCES)
async def test_perth_is_found_after_every_codec_and_not_where_it_is_not(
    text: str, kind: tts_pb2.AudioFormat.ValueType
) -> None:
    pytest.importorskip("perth", reason="the extra `watermark` is not installed")
    for watermark, is_found in ((None, False), (watermarks.perth(), True)):
        ladder = Ladder([Espeak()], watermark=watermark)
        made = encoder(kind)
        sounds = [sound async for sound in ladder.speak(text, "fr", VoiceChoice())]
        data = b"".join(made.feed(s.pcm, s.rate) for s in sounds) + made.close()
        samples, rate = _mulaw(data) if kind == MULAW else _file(data)
        assert (likeness(samples, rate) >= FOUND) == is_found


def _file(data: bytes) -> tuple[Samples, int]:
    found = decode(data)
    return found.mono.astype(np.float32) / 32_768, found.rate


def _mulaw(data: bytes) -> tuple[Samples, int]:
    """It has no header."""
    options = {"sample_rate": "8000", "ch_layout": "mono"}
    with av.open(io.BytesIO(data), "r", format="mulaw", options=options) as file:
        frames = [frame.to_ndarray()[0] for frame in file.decode(audio=0)]
    return np.concatenate(frames).astype(np.float32) / 32_768, 8_000
