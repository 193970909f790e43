"""What every engine promises; conftest.py says how each is made."""

import asyncio
from contextlib import aclosing
from itertools import pairwise

import pytest

from palabre.tts.engines import Engine, Sound, Speech
from palabre.tts.engines.silence import Silence
from palabre.tts.errors import CannotSpeak, UnknownVoice
from palabre.tts.visemes import SHAPES

FRENCH = "Bonjour, le délai est de trente jours. Il commence demain."


async def hear(engine: Engine, speech: Speech) -> list[Sound]:
    return [sound async for sound in engine.speak(speech)]


def seconds(sounds: list[Sound]) -> float:
    return sum(sound.seconds for sound in sounds)


def shape(engine: Engine, sounds: list[Sound]) -> tuple[object, ...]:
    """What is the same whenever a text is spoken; its noise and milliseconds may differ.

    XTTS draws its tokens by chance: how long it takes, too.
    """
    words = [(word.offset, word.length) for sound in sounds for word in sound.words]
    within_s = 10.0 if engine.name == "xtts" else 0.1
    return pytest.approx(seconds(sounds), abs=within_s), words


@pytest.mark.parametrize(
    ("text", "language"), [(FRENCH, "fr"), (FRENCH, "fr-BE"), ("Thirty days, no more.", "en-GB")]
)
async def test_it_speaks_a_sentence(engine: Engine, text: str, language: str) -> None:
    sounds = await hear(engine, Speech(text, language))
    assert 0.2 * len(text.split()) < seconds(sounds) < 1.0 * len(text.split())
    assert len({sound.rate for sound in sounds}) == 1
    assert sounds[0].rate >= 8_000
    assert sounds[0].pcm
    assert all(len(sound.pcm) % 2 == 0 and sound.voice for sound in sounds)


async def test_words_are_found_in_the_text_in_order(engine: Engine) -> None:
    sounds = await hear(engine, Speech(FRENCH, "fr"))
    words = [word for sound in sounds for word in sound.words]
    said = [FRENCH[w.offset : w.offset + w.length].strip(".,") for w in words]
    assert said == FRENCH.replace(",", "").replace(".", "").split()
    assert all(a.offset < b.offset and a.offset_ms <= b.offset_ms for a, b in pairwise(words))
    assert words[-1].offset_ms < seconds(sounds) * 1000


async def test_visemes_follow_one_another_until_the_end(engine: Engine) -> None:
    sounds = await hear(engine, Speech(FRENCH, "fr"))
    visemes = [viseme for sound in sounds for viseme in sound.visemes]
    assert {viseme.shape for viseme in visemes} <= SHAPES
    assert all(a.offset_ms + a.duration_ms <= b.offset_ms for a, b in pairwise(visemes))
    assert visemes[-1].offset_ms + visemes[-1].duration_ms <= seconds(sounds) * 1000 + 1


async def test_visemes_come_as_soon_as_their_end_is_known(engine: Engine) -> None:
    begun, late = 0.0, []
    for sound in await hear(engine, Speech(FRENCH, "fr")):
        ends = [viseme.offset_ms + viseme.duration_ms for viseme in sound.visemes]
        late += [end for end in ends if end < begun * 1000 - 100]
        begun += sound.seconds
    assert not late


async def test_a_faster_pace_is_shorter(engine: Engine) -> None:
    slow = await hear(engine, Speech(FRENCH, "fr", words_per_minute=100))
    fast = await hear(engine, Speech(FRENCH, "fr", words_per_minute=300))
    assert seconds(fast) < 0.6 * seconds(slow)


async def test_whoever_stops_listening_stops_it(engine: Engine) -> None:
    async with aclosing(engine.speak(Speech("Encore un mot. " * 500, "fr"))) as sounds:
        assert (await anext(sounds)).pcm
    again = await asyncio.wait_for(hear(engine, Speech("Encore un mot.", "fr")), 5)
    assert 0 < seconds(again) < 3


async def test_a_cancelled_listener_stops_it(engine: Engine) -> None:
    async def listen() -> None:
        async for _ in engine.speak(Speech("Encore un mot. " * 500, "fr")):
            await asyncio.sleep(0.01)

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0.05)
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
    assert seconds(await hear(engine, Speech("Encore un mot.", "fr"))) > 0


async def test_several_at_once_do_not_mix(engine: Engine) -> None:
    texts = [FRENCH, "Oui, bien sûr.", "Un autre texte, plus long que les autres, pour voir."]
    alone = [await hear(engine, Speech(text, "fr")) for text in texts]
    together = await asyncio.gather(*(hear(engine, Speech(text, "fr")) for text in texts * 5))
    for number, sounds in enumerate(together):
        assert shape(engine, sounds) == shape(engine, alone[number % 3]), number


async def test_every_listed_voice_is_its_own(engine: Engine) -> None:
    voices = await engine.voices()
    assert voices
    assert all(v.engine == engine.name and v.name and v.languages for v in voices)
    assert len({v.name for v in voices}) == len(voices)


async def test_a_listed_voice_speaks_under_its_name(engine: Engine) -> None:
    voice = next(v for v in await engine.voices() if {"fr", "mul"} & set(v.languages))
    sounds = await hear(engine, Speech("Bonjour à tous.", "fr", voice=voice.name))
    assert seconds(sounds) > 0.3
    assert sounds[0].voice == voice.name


async def test_an_unknown_voice_is_refused_by_name(engine: Engine) -> None:
    with pytest.raises(UnknownVoice, match="nobody"):
        await hear(engine, Speech("Bonjour.", "fr", voice="nobody"))


@pytest.mark.parametrize(
    "text", ["", " ", ".", "…", "😀", "\0", "\x07", "<b>&amp;", "[[x]]", "\u200b"]
)
async def test_odd_text_does_no_harm(engine: Engine, text: str) -> None:
    assert seconds(await hear(engine, Speech(text, "fr"))) < 5


async def test_it_can_be_closed(engine: Engine) -> None:
    await engine.close()


async def test_an_engine_may_fail_on_the_way() -> None:
    sounds = Silence(breaks_after=1).speak(Speech("un deux trois", "fr"))
    assert (await anext(sounds)).pcm
    with pytest.raises(CannotSpeak):
        await anext(sounds)
