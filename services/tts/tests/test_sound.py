"""Speech as it is heard. Loudness is measured by FFmpeg's ebur128, which is not what makes it."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from palabre.audio.recordings import loudness
from palabre.contracts.v1.turns_pb2 import VoiceChoice, WordTime
from palabre.tts.engines import Sound, Sounds, Speech
from palabre.tts.engines.espeak import Espeak
from palabre.tts.filters import FILTERS
from palabre.tts.loudness import CEILING, TARGET, Limiter, Meter, integrated
from palabre.tts.sound import Studio, pause_ms

RATE = 22_050
FRENCH = (
    "Bonjour. ",
    "Pour demander un logement social, remplissez un formulaire unique, en ligne ou en mairie. ",
    "Vous recevez un numéro, qui prouve votre demande et qui reste valable un an. ",
    "Pensez à la renouveler chaque année, sinon elle est effacée !",
)
ENGLISH = (
    "Hello. ",
    "To ask for social housing, you fill in a single form, online or at your town hall. ",
    "You are given a number, which proves your application and stays valid for one year. ",
    "Remember to renew it every year, or else it is deleted!",
)
VOICES = [
    "fr",
    "fr+f3",
    "fr+f4",
    "fr+m3",
    "fr+m4",
    "fr+croak",
    "fr+whisper",
    "fr-be",
    "en",
    "en-us",
]


def samples(sounds: Iterable[Sound]) -> NDArray[np.int16]:
    return np.frombuffer(b"".join(sound.pcm for sound in sounds), np.int16)


async def given(*sounds: Sound) -> Sounds:
    for sound in sounds:
        yield sound


def tone(seconds: float, hertz: float, level: float = 0.3, rate: int = RATE) -> Sound:
    wave = np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return Sound((wave * level * 32767).astype("<i2").tobytes(), rate, voice="tone", engine="test")


async def answer(studio: Studio, voice: str, choice: VoiceChoice) -> list[list[Sound]]:
    """The sounds of each sentence, spoken one after another."""
    engine, french = Espeak(), voice.startswith("fr")
    return [
        [
            sound
            async for sound in studio.master(
                engine.speak(Speech(text, "fr" if french else "en", voice)), choice, pause_ms(text)
            )
        ]
        for text in (FRENCH if french else ENGLISH)
    ]


@pytest.mark.parametrize("filtered", ["", *FILTERS])
@pytest.mark.parametrize("voice", VOICES)
async def test_a_whole_answer_is_as_loud_as_any_other(voice: str, filtered: str) -> None:
    """From the first one that a voice ever speaks."""
    sentences = await answer(Studio(), voice, VoiceChoice(filter=filtered))
    sound = samples(piece for sentence in sentences for piece in sentence)
    assert loudness(sound, RATE) == pytest.approx(TARGET, abs=1)
    assert np.abs(sound.astype(int)).max() <= CEILING * 32767 + 1


async def test_what_was_learned_of_a_voice_is_kept() -> None:
    """A whisper is taken for louder than it is only once."""
    studio = Studio()
    first, second = [await answer(studio, "fr+whisper", VoiceChoice()) for _ in range(2)]
    assert loudness(samples(second[0]), RATE) > loudness(samples(first[0]), RATE) + 0.5


@pytest.mark.parametrize("filtered", ["", *FILTERS])
async def test_sentences_join_without_a_click(filtered: str) -> None:
    """At a join the sound steps no more than 2 % of full scale, and stays flat around it."""
    sentences = await answer(Studio(), "fr+f3", VoiceChoice(filter=filtered))
    for before, after in pairwise(sentences):
        joint = np.concatenate((samples(before)[-20:], samples(after)[:20])).astype(int)
        assert np.abs(np.diff(joint)).max() < 0.02 * 32767


async def test_a_sound_that_is_cut_in_full_swing_does_not_click() -> None:
    """Also one with a direct current."""
    wave = samples([tone(0.5, 200)]) // 2 + 8000
    loud = Sound(wave.astype("<i2").tobytes(), RATE, voice="tone")
    mastered = samples([s async for s in Studio().master(given(loud), VoiceChoice())])
    assert np.abs(np.diff(mastered.astype(int))).max() < 0.07 * 32767
    assert abs(int(mastered[0])) < 300
    assert abs(int(mastered[-1])) < 300


async def test_the_first_sound_does_not_wait() -> None:
    """Each piece comes out as it went in, less the 10 ms that the limiter looks ahead."""
    pieces = [tone(0.06, 300), tone(0.25, 300), tone(0.25, 300)]
    sounds = [s async for s in Studio().master(given(*pieces), VoiceChoice())]
    assert sounds[0].seconds > 0.049
    assert len(sounds) == len(pieces) + 1
    assert len(samples(sounds)) == len(samples(pieces))


async def test_a_long_piece_is_mastered_in_parts() -> None:
    """So that the loop is free in between; its words come with the first part, once."""
    word = WordTime(offset=0, length=3, offset_ms=0)
    long = replace(tone(3, 300), words=[word])
    sounds = [s async for s in Studio().master(given(long), VoiceChoice())]
    assert max(s.seconds for s in sounds) <= 0.51
    assert len(samples(sounds)) == 3 * RATE
    assert [w for s in sounds for w in s.words] == [word]


async def test_a_pause_is_filled_up_not_added() -> None:
    quiet = Sound(bytes(RATE // 10 * 2), RATE)
    plain = [s async for s in Studio().master(given(tone(0.3, 300)), VoiceChoice(), 250)]
    padded = [s async for s in Studio().master(given(tone(0.3, 300), quiet), VoiceChoice(), 250)]
    assert len(samples(plain)) / RATE == pytest.approx(0.55, abs=0.01)
    assert len(samples(padded)) / RATE == pytest.approx(0.55, abs=0.01)


def test_a_paragraph_is_a_longer_pause_than_a_sentence_and_that_than_a_comma() -> None:
    assert pause_ms("Il hésite… ") > pause_ms("Il vient. ") > pause_ms("S'il vient, ")
    assert pause_ms("Il vient.\n") > pause_ms("Il hésite… »")


async def test_a_change_of_rate_loses_nothing() -> None:
    sounds = [tone(0.3, 300), tone(0.3, 300, rate=16_000)]
    mastered = [s async for s in Studio().master(given(*sounds), VoiceChoice())]
    assert {s.rate for s in mastered} == {RATE, 16_000}
    assert sum(s.seconds for s in mastered) == pytest.approx(0.6, abs=0.001)


async def test_silence_stays_silent() -> None:
    mastered = [s async for s in Studio().master(given(Sound(bytes(RATE), RATE)), VoiceChoice())]
    assert not samples(mastered).any()


def test_the_meter_agrees_with_the_standard() -> None:
    """EBU Tech 3341, case 1, in mono: a 997 Hz sine at -20 dBFS peak is at -23.0 LUFS."""
    wave = samples([tone(3, 997, 0.1)]) / 32768
    assert integrated(Meter(RATE).feed(wave)) == pytest.approx(-23.0, abs=0.1)
    assert integrated(Meter(RATE).feed(np.zeros(RATE))) == -70


@pytest.mark.parametrize("size", [1, 37, 110, 5000])
def test_the_limiter_keeps_below_its_ceiling_however_sound_comes(size: int) -> None:
    rng = np.random.default_rng(1)
    loud = rng.normal(0, 0.4, RATE) * np.repeat([1, 4, 0.1], RATE // 3)[:RATE]
    limiter = Limiter(RATE)
    parts = [limiter.feed(loud[at : at + size]) for at in range(0, RATE, size)]
    limited = np.concatenate([*parts, limiter.close()])
    assert len(limited) == len(loud)
    assert np.abs(limited).max() <= CEILING + 1e-9
    assert np.allclose(limited[-2000:], loud[-2000:])
