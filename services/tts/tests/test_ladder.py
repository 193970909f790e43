import pytest
from prometheus_client import REGISTRY

from palabre.contracts.v1.turns_pb2 import VoiceChoice
from palabre.tts.engines import Engine, Sound, build
from palabre.tts.engines.espeak import Espeak
from palabre.tts.engines.silence import Silence
from palabre.tts.errors import CannotSpeak, UnknownVoice
from palabre.tts.ladder import Ladder
from palabre.tts.settings import Settings


async def hear(
    engines: list[Engine], text: str, choice: VoiceChoice | None = None, exact: bool = False
) -> list[Sound]:
    said = Ladder(engines).speak(text, "fr", choice or VoiceChoice(), exact=exact)
    return [sound async for sound in said]


def broken(name: str = "broken", after: int = 0) -> Silence:
    return Silence(name, breaks_after=after)


async def test_the_first_engine_speaks() -> None:
    sounds = await hear([Silence("first"), Silence("second")], "Bonjour à tous.")
    assert {sound.engine for sound in sounds} == {"first"}


async def test_the_chosen_engine_speaks_first() -> None:
    sounds = await hear(
        [Silence("first"), Silence("second")], "Bonjour.", VoiceChoice(engine="second")
    )
    assert {sound.engine for sound in sounds} == {"second"}


async def test_an_engine_that_is_not_there_gives_way() -> None:
    choice = VoiceChoice(engine="xtts", name="marie")
    assert {s.engine for s in await hear([Silence()], "Bonjour.", choice)} == {"silence"}


async def test_an_engine_that_fails_gives_way_to_the_next() -> None:
    sounds = await hear([broken(), Silence("second")], "Bonjour à tous.")
    assert {sound.engine for sound in sounds} == {"second"}


async def test_an_engine_that_fails_on_the_way_is_not_replaced() -> None:
    sounds = await hear([broken(after=1), Silence("second")], "Bonjour à tous.")
    assert [sound.engine for sound in sounds] == ["broken"]


async def test_when_no_engine_can_it_says_so() -> None:
    with pytest.raises(CannotSpeak):
        await hear([broken(), broken("other")], "Bonjour.")
    with pytest.raises(CannotSpeak, match="PALABRE_TTS_ENGINES"):
        await hear([], "Bonjour.")


async def test_an_unknown_voice_gives_way_to_the_engine_s_own() -> None:
    sounds = await hear([Silence()], "Bonjour.", VoiceChoice(name="nobody"))
    assert {sound.voice for sound in sounds} == {"quiet"}


async def test_an_unknown_voice_is_refused_where_it_must_be_exact() -> None:
    with pytest.raises(UnknownVoice, match="nobody"):
        await hear([Silence(), Silence("b")], "Bonjour.", VoiceChoice(name="nobody"), exact=True)


async def test_an_engine_that_may_have_the_voice_is_not_hidden_by_one_that_does_not() -> None:
    choice = VoiceChoice(name="quiet")
    with pytest.raises(CannotSpeak, match="told to break"):
        await hear([broken(), Espeak()], "Bonjour.", choice, exact=True)


async def test_a_voice_is_looked_for_in_every_engine() -> None:
    sounds = await hear([Espeak(), Silence()], "Bonjour.", VoiceChoice(name="quiet"), exact=True)
    assert {sound.engine for sound in sounds} == {"silence"}


@pytest.mark.parametrize("text", ["", "  ", "---", "[1]", "```\ncode\n```", "😀", "« »"])
async def test_a_text_without_words_is_silent(text: str) -> None:
    assert await hear([Silence()], text) == []


async def test_words_are_those_of_the_text_as_written() -> None:
    text = "Le **délai** est à 14h30, [vraiment](https://a.fr) [1]."
    sounds = await hear([Espeak()], text)
    words = [text[w.offset : w.offset + w.length] for s in sounds for w in s.words]
    assert words == ["Le", "délai", "est", "à", "14h30", "vraiment"]


async def test_speech_is_measured_for_each_engine() -> None:
    def count(name: str) -> float:
        return REGISTRY.get_sample_value(f"{name}_count", {"engine": "measured"}) or 0.0

    names = ("palabre_speech_first_audio_seconds", "palabre_speech_realtime_factor")
    before = [count(name) for name in names]
    await hear([Silence("measured")], "Bonjour à tous.")
    assert [count(name) for name in names] == [number + 1 for number in before]


def test_engines_are_built_in_the_order_of_the_settings() -> None:
    built = build(Settings(tts_engines=" silence, espeak "))
    assert [engine.name for engine in built] == ["silence", "espeak"]


@pytest.mark.parametrize("names", ["nobody", "espeak,nobody", ""])
def test_an_engine_that_is_not_installed_is_refused_by_name(names: str) -> None:
    with pytest.raises(ValueError, match=r"PALABRE_TTS_ENGINES.*espeak, .*silence"):
        build(Settings(tts_engines=names))
