import numpy as np
import pytest
from av.filter import Graph

from palabre.chassis.testing import no_circles_of
from palabre.contracts.v1.turns_pb2 import Viseme, WordTime
from palabre.tts import bending
from palabre.tts.engines import Sound, Sounds, Speech
from palabre.tts.engines.silence import Silence
from palabre.tts.filters import FILTERS, Chain
from palabre.tts.loudness import Samples

RATE = 22_050


def tone(hertz: float, seconds: float = 1.0) -> Samples:
    return np.asarray(0.1 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE))


def through(name: str, sound: Samples, size: int = 1000) -> Samples:
    chain = Chain(FILTERS[name], RATE)
    parts = [chain.feed(sound[at : at + size]) for at in range(0, len(sound), size)]
    return np.concatenate([*parts, chain.close()])


def level(sound: Samples) -> float:
    """In dB, of what has settled."""
    return float(20 * np.log10(np.sqrt(np.mean(sound[5000:20_000] ** 2)) + 1e-9))


@pytest.mark.parametrize(("name", "low", "high"), [("telephone", 100, 6000), ("radio", 60, 10_000)])
def test_it_takes_what_such_a_device_does_not_carry(name: str, low: int, high: int) -> None:
    middle = level(through(name, tone(1000)))
    assert level(through(name, tone(low))) < middle - 12
    assert level(through(name, tone(high))) < middle - 8


def test_a_hall_is_heard_after_the_voice() -> None:
    sound = through("hall", tone(400, 0.5))
    tail = sound[round(0.55 * RATE) :]
    assert len(sound) > 0.7 * RATE
    assert np.abs(tail).max() > 0.003


@pytest.mark.parametrize("name", FILTERS)
def test_the_size_of_the_pieces_does_not_matter(name: str) -> None:
    sound = tone(440)
    small, large = through(name, sound, 97), through(name, sound, 8000)
    assert len(small) == len(large)
    assert np.abs(small - large).max() < 0.002


@pytest.mark.parametrize("name", FILTERS)
def test_sound_comes_out_as_it_goes_in(name: str) -> None:
    assert len(Chain(FILTERS[name], RATE).feed(tone(440, 0.06))) > 0.05 * RATE


def test_what_a_chain_took_is_let_go_at_its_end() -> None:
    with no_circles_of(Graph):
        through("hall", tone(440))


class Fixed(Silence):
    """Knows one pace and one pitch: a tone of 220 Hz for half a second, with one word and mouth."""

    paces = (170, 170)
    pitches = False

    async def speak(self, speech: Speech) -> Sounds:
        assert speech.words_per_minute == 170
        for number in range(4):
            part = tone(220, 2)[number * RATE // 2 : (number + 1) * RATE // 2]
            at = number * 500
            yield Sound(
                np.round(part * 32767).astype("<i2").tobytes(),
                RATE,
                visemes=[Viseme(shape="aa", offset_ms=at, duration_ms=500)],
                words=[WordTime(offset=number, length=1, offset_ms=at)],
                voice="fixed",
            )


async def heard(**changes: int) -> tuple[Samples, list[Sound]]:
    speech = Speech("abcd", "fr", **changes)  # type: ignore[arg-type]
    sounds = [sound async for sound in bending.speak(Fixed(), speech)]
    return np.frombuffer(b"".join(s.pcm for s in sounds), np.int16) / 32768, sounds


def pitch(sound: Samples) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(sound))) * RATE / len(sound))


async def test_an_engine_of_one_pace_and_pitch_is_left_alone_at_these() -> None:
    sound, sounds = await heard()
    assert len(sounds) == 4
    assert pitch(sound) == pytest.approx(220, abs=1)


@pytest.mark.parametrize("words_per_minute", [43, 85, 255, 680])
async def test_a_pace_that_an_engine_cannot_make_is_made(words_per_minute: int) -> None:
    pace = words_per_minute / 170
    sound, sounds = await heard(words_per_minute=words_per_minute)
    assert len(sound) / RATE == pytest.approx(2 / pace, rel=0.05)
    assert pitch(sound) == pytest.approx(220, rel=0.02)
    words = [word.offset_ms for s in sounds for word in s.words]
    mouths = [v.offset_ms + v.duration_ms for s in sounds for v in s.visemes]
    assert words == [round(at / pace) for at in (0, 500, 1000, 1500)]
    assert mouths[-1] == round(2000 / pace)


@pytest.mark.parametrize(("value", "times"), [(0, 2**-0.5), (99, 2**0.49)])
async def test_a_pitch_that_an_engine_cannot_make_is_made(value: int, times: float) -> None:
    sound, _ = await heard(pitch=value)
    assert pitch(sound) == pytest.approx(220 * times, rel=0.03)
    assert len(sound) / RATE == pytest.approx(2, rel=0.05)
