"""The engine around the model: one text at a time, its guards, cloned voices."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from palabre.contracts.v1.turns_pb2 import VoiceChoice
from palabre.tts import engines
from palabre.tts.engines import Sound, Speech
from palabre.tts.engines.silence import Silence
from palabre.tts.engines.xtts import Xtts, build
from palabre.tts.errors import Busy, CannotSpeak, UnknownLanguage, UnknownVoice
from palabre.tts.ladder import Ladder
from palabre.tts.settings import Settings

from .humming import WORD_S, Humming

LONG = "Encore un mot. " * 200


@dataclass
class Samples:
    key: str = "a"
    sound: bytes = b"0123456789"
    read: list[str] = field(default_factory=list)

    async def samples(self) -> Sequence[bytes]:
        self.read.append(self.key)
        return [self.sound]


async def hear(engine: Xtts, text: str, **more: object) -> list[Sound]:
    return [s async for s in engine.speak(Speech(text, "fr", **more))]  # type: ignore[arg-type]


def seconds(sounds: list[Sound]) -> float:
    return sum(sound.seconds for sound in sounds)


async def test_it_speaks_one_text_at_a_time_in_the_order_of_asking() -> None:
    model = Humming()
    engine = Xtts(model, waiting=8)
    texts = [f"Voici le texte numéro {word}" for word in ("un", "deux", "trois", "quatre")]
    await asyncio.gather(*(hear(engine, text) for text in texts))
    assert (model.said, model.most_at_once) == (texts, 1)


async def test_one_too_many_is_sent_to_the_next_rung() -> None:
    engine = Xtts(Humming(), waiting=1)
    speaking, waiting = (engine.speak(Speech(LONG, "fr")) for _ in range(2))
    first = asyncio.create_task(anext(speaking))
    second = asyncio.create_task(anext(waiting))
    await first
    with pytest.raises(Busy):
        await hear(engine, "Bonjour à tous")
    said = Ladder([engine, Silence()]).speak("Bonjour à tous.", "fr", VoiceChoice())
    assert {sound.engine async for sound in said} == {"silence"}
    await speaking.aclose()
    await second
    await waiting.aclose()
    assert await hear(engine, "Bonjour à tous")


async def test_whoever_leaves_closes_the_model_s_stream_between_two_chunks() -> None:
    model = Humming(takes_s=0.01)
    engine = Xtts(model, waiting=8)
    sounds = engine.speak(Speech(LONG, "fr"))
    await anext(sounds)
    await sounds.aclose()
    await asyncio.wait_for(hear(engine, "Bonjour à tous"), 5)
    assert model.speaking == 0
    assert model.closed == len(model.said) < 100


async def test_a_model_that_speaks_on_is_cut_off() -> None:
    sounds = await hear(Xtts(Humming(babbles=True), 8), "Le délai est court.")
    assert seconds(sounds) == pytest.approx(18 * 0.13 + 0.8, abs=0.01)


async def test_silence_at_the_end_is_left_out() -> None:
    sounds = await hear(Xtts(Humming(silent_s=3.0), 8), "Le délai est court.")
    assert seconds(sounds) == pytest.approx(4 * WORD_S + 0.12, abs=0.02)


async def test_it_is_given_what_it_says_well() -> None:
    model = Humming()
    await hear(Xtts(model, 8), "Oui. Non. Le délai est court. Est-ce tout ?")
    assert model.said == ["Oui. Non. Le délai est court", "Est-ce tout ?"]
    model.said.clear()
    await hear(Xtts(model, 8), "un mot puis un autre, " * 20)
    assert all(len(text) <= 120 for text in model.said)
    assert len(model.said) > 3


async def test_a_cloned_voice_is_made_of_its_samples_once() -> None:
    model, samples = Humming(), Samples()
    engine = Xtts(model, 8)
    for _ in range(2):
        (sound, *_) = await hear(engine, "Bonjour à tous", voice="clone:a", references=samples)
    assert sound.voice == "clone:a"
    assert (samples.read, model.given) == (["a"], [[b"0123456789"]])
    await hear(engine, "Bonjour à tous", voice="clone:b", references=Samples("b"))
    assert len(model.given) == 2


async def test_without_its_samples_a_cloned_voice_is_unknown() -> None:
    engine = Xtts(Humming(), 8)
    await hear(engine, "Bonjour à tous", voice="clone:a", references=Samples())
    with pytest.raises(UnknownVoice):
        await hear(engine, "Bonjour à tous", voice="clone:a")


async def test_damaged_samples_are_told() -> None:
    with pytest.raises(CannotSpeak, match="no sound"):
        await hear(Xtts(Humming(), 8), "Oui", voice="clone:a", references=Samples(sound=b"damaged"))


@pytest.mark.parametrize(
    ("message", "reason"), [("CUDA out of memory", "memory"), ("index out of range", "failed")]
)
async def test_a_failure_of_the_model_costs_one_rung(message: str, reason: str) -> None:
    with pytest.raises(CannotSpeak) as refused:
        await hear(Xtts(Humming(fails=message), 8), "Bonjour à tous")
    assert refused.value.reason == reason


async def test_languages_are_found_by_their_tag() -> None:
    engine = Xtts(Humming(), 8)
    for language in ("fr-CA", "zh", "EN_gb"):
        assert [s async for s in engine.speak(Speech("Bonjour à tous", language))]
    with pytest.raises(UnknownLanguage):
        [s async for s in engine.speak(Speech("Salve omnes", "la"))]


async def test_a_model_without_voices_of_its_own_only_clones() -> None:
    engine = Xtts(Humming(speakers={}), 8)
    assert not await engine.voices()
    with pytest.raises(UnknownVoice):
        await hear(engine, "Bonjour à tous")
    assert await hear(engine, "Bonjour à tous", voice="clone:a", references=Samples())


def test_without_consent_to_its_licence_it_does_not_start() -> None:
    with pytest.raises(ValueError, match=r"PALABRE_TTS_XTTS_ACCEPT_CPML: .*Coqui Public Model"):
        build(Settings())


def test_without_a_checkpoint_it_does_not_start(tmp_path: Path) -> None:
    wrong = Settings(tts_xtts_accept_cpml=True, tts_xtts_folder=tmp_path)
    with pytest.raises(ValueError, match=r"PALABRE_TTS_XTTS_FOLDER: .* is no checkpoint"):
        build(wrong)


@pytest.mark.skipif(bool(find_spec("TTS")), reason="the extra is installed")
def test_without_its_extra_it_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    wanted = Settings(tts_engines="xtts", tts_xtts_accept_cpml=True, tts_xtts_folder=tmp_path)
    with pytest.raises(ValueError, match=r"xtts lacks torch: install palabre-tts\[xtts\]"):
        engines.build(wanted)


async def test_the_queue_and_the_gpu_s_memory_are_told_while_it_speaks() -> None:
    model = Humming(memory_bytes={"used": 2 << 30, "reserved": 3 << 30, "total": 8 << 30})
    engine = Xtts(model, waiting=8)
    speaking, waiting = (engine.speak(Speech(LONG, "fr")) for _ in range(2))
    first = asyncio.create_task(anext(speaking))
    second = asyncio.create_task(anext(waiting))
    await first
    assert REGISTRY.get_sample_value("palabre_gpu_queue") == 2
    model.memory_bytes["used"] = 4 << 30
    told = [
        REGISTRY.get_sample_value("palabre_gpu_memory_bytes", {"kind": kind})
        for kind in ("used", "reserved", "total")
    ]
    assert told == [4 << 30, 3 << 30, 8 << 30]
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    await speaking.aclose()
    assert REGISTRY.get_sample_value("palabre_gpu_queue") == 0
