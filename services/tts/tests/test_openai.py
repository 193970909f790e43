"""A real client against a stand-in on loopback that plays what servers do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from palabre.contracts.v1.turns_pb2 import VoiceChoice
from palabre.tts.engines import Sound, Speech
from palabre.tts.engines.openai import OpenAi, build
from palabre.tts.engines.silence import Silence
from palabre.tts.errors import Busy, CannotSpeak, Unreachable
from palabre.tts.ladder import Ladder
from tests.standins.speech import WORD_S, Voices

from .conftest import openai_settings

TEXT = "Le délai est de trente jours."


@asynccontextmanager
async def speaking(model: str = "good", **more: object) -> AsyncIterator[tuple[OpenAi, Voices]]:
    there = Voices()
    async with there.serving() as base_url:
        engine = build(openai_settings(base_url, tts_openai_model=model, **more))
        yield engine, there
        await engine.close()


async def hear(engine: OpenAi, text: str = TEXT, **more: object) -> list[Sound]:
    return [s async for s in engine.speak(Speech(text, "fr", **more))]  # type: ignore[arg-type]


async def test_it_asks_as_the_settings_say() -> None:
    settings = {
        "tts_openai_api_key": "sk-test",
        "tts_openai_instructions": "Parle doucement.",
        "tts_openai_format": "wav",
    }
    async with speaking(**settings) as (engine, there):
        await hear(engine, voice="nova", words_per_minute=340)
    assert there.keys == ["sk-test"]
    assert there.asked == [
        {
            "model": "good",
            "voice": "nova",
            "input": TEXT,
            "response_format": "wav",
            "instructions": "Parle doucement.",
            "speed": 2.0,
        }
    ]


@pytest.mark.parametrize("model", ["good", "wav", "mp3", "opus", "wav-22050", "pcm-16000"])
async def test_sound_is_understood_whatever_kind_and_rate_comes(model: str) -> None:
    async with speaking(model) as (engine, _):
        sounds = await hear(engine)
    assert sum(s.seconds for s in sounds) == pytest.approx(6 * WORD_S, abs=0.12)
    assert {s.estimated for s in sounds} == {True}


async def test_sound_comes_before_the_answer_is_whole() -> None:
    async with speaking("stall") as (engine, _):
        sounds = engine.speak(Speech(TEXT, "fr"))
        assert (await asyncio.wait_for(anext(sounds), 5)).pcm
        await sounds.aclose()


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("429", "busy"),
        ("500", "failed"),
        ("401", "key"),
        ("404", "model"),
        ("reset", "unreachable"),
        ("html", "nonsense"),
        ("json", "nonsense"),
        ("empty", "empty"),
    ],
)
async def test_a_server_that_does_not_speak_costs_one_rung(model: str, reason: str) -> None:
    async with speaking(model) as (engine, _):
        with pytest.raises(CannotSpeak) as refused:
            await hear(engine)
        said = Ladder([engine, Silence()]).speak(TEXT, "fr", VoiceChoice())
        assert {sound.engine async for sound in said} == {"silence"}
    assert refused.value.reason == reason


async def test_a_cut_answer_is_said_to_be_one_after_what_was_heard() -> None:
    async with speaking("cut") as (engine, _):
        sounds = engine.speak(Speech(TEXT, "fr"))
        assert (await anext(sounds)).pcm
        with pytest.raises(CannotSpeak) as refused:
            [sound async for sound in sounds]
    assert refused.value.reason == "cut"


async def test_a_server_says_how_long_it_wants_to_be_left_alone() -> None:
    async with speaking("429") as (engine, _):
        with pytest.raises(Busy) as refused:
            await hear(engine)
    assert refused.value.retry_after == 7


async def test_a_slow_server_gives_way_in_time() -> None:
    async with speaking("slow") as (engine, _):
        ladder = Ladder([engine, Silence()], first_sound_s=0.3)
        said = ladder.speak(TEXT, "fr", VoiceChoice())
        heard = await asyncio.wait_for(anext(said), 5)
        assert heard.engine == "silence"
        await said.aclose()


async def test_a_server_that_never_ends_is_cut_off() -> None:
    async with speaking("endless") as (engine, _):
        with pytest.raises(CannotSpeak, match="does not stop"):
            await hear(engine)


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    engine = build(openai_settings("http://127.0.0.1:9/v1"))
    with pytest.raises(Unreachable):
        await hear(engine)
    await engine.close()


async def test_a_voice_that_the_server_does_not_know_is_refused_by_it() -> None:
    async with speaking(tts_openai_voices="alloy, typo") as (engine, _):
        with pytest.raises(CannotSpeak, match="HTTP 400"):
            await hear(engine, voice="typo")
