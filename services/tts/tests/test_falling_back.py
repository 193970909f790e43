"""An engine that is slow, down, full or gone costs one rung, and for a while not even that."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
import trustme
from prometheus_client import REGISTRY

from palabre.chassis import rpc, tracing
from palabre.chassis.breaker import Breaker
from palabre.chassis.credentials import Credentials
from palabre.chassis.testing import recorded
from palabre.contracts.v1.turns_pb2 import VoiceChoice
from palabre.tts.engines import Engine, Sound, Sounds, Speech, build
from palabre.tts.engines.espeak import Espeak
from palabre.tts.engines.remote import Remote
from palabre.tts.engines.silence import Silence
from palabre.tts.errors import Busy, CannotSpeak, UnknownLanguage, UnknownVoice, Unreachable
from palabre.tts.ladder import Ladder
from palabre.tts.servicer import TtsServicer
from palabre.tts.settings import Settings

from .conftest import remote


@dataclass
class Faulty(Silence):
    """Waits, then raises the next of its errors, then speaks."""

    errors: list[CannotSpeak] = field(default_factory=list)
    waits_s: float = 0.0
    name: str = "faulty"
    asked: list[Speech] = field(default_factory=list)
    _breaks_after: int | None = None

    async def speak(self, speech: Speech) -> Sounds:
        self.asked.append(speech)
        await asyncio.sleep(self.waits_s)
        if self.errors:
            raise self.errors.pop(0)
        async for sound in super().speak(speech):
            yield sound


async def hear(ladder: Ladder, choice: VoiceChoice | None = None, **more: float) -> list[Sound]:
    said = ladder.speak("Bonjour à tous.", "fr", choice or VoiceChoice(), **more)  # type: ignore[arg-type]
    return [sound async for sound in said]


def spoke(sounds: list[Sound]) -> set[str]:
    return {sound.engine for sound in sounds}


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"palabre_{name}_total", labels) or 0.0


async def test_an_engine_that_gives_no_sound_in_time_gives_way() -> None:
    slow, before = Faulty(waits_s=30), counted("engine_failures", engine="faulty", reason="slow")
    ladder = Ladder([slow, Silence("next")], first_sound_s=0.05)
    assert spoke(await asyncio.wait_for(hear(ladder), 5)) == {"next"}
    assert counted("engine_failures", engine="faulty", reason="slow") == before + 1


async def test_what_is_heard_before_gives_an_engine_more_time() -> None:
    ladder = Ladder([Faulty(waits_s=0.2), Silence("next")], first_sound_s=0.05)
    assert spoke(await hear(ladder, slack_s=5.0)) == {"faulty"}


async def test_the_last_engine_may_take_longer() -> None:
    ladder = Ladder([Faulty(waits_s=0.2)], first_sound_s=0.05)
    assert spoke(await hear(ladder)) == {"faulty"}


async def test_a_broken_connection_is_tried_once_more() -> None:
    once: list[CannotSpeak] = [Unreachable("reset")]
    assert spoke(await hear(Ladder([Faulty(list(once)), Silence("next")]))) == {"faulty"}
    assert spoke(await hear(Ladder([Faulty(once * 2), Silence("next")]))) == {"next"}


async def test_an_engine_that_fails_again_and_again_is_left_alone_for_a_while() -> None:
    now = [0.0]
    broken = Faulty([CannotSpeak("out of memory") for _ in range(3)])
    breaker = Breaker(failures=3, pause_s=10.0, clock=lambda: now[0])
    ladder = Ladder([broken, Silence("next")], breaker=breaker)
    for _ in range(5):
        assert spoke(await hear(ladder)) == {"next"}
    assert len(broken.asked) == 3
    now[0] = 11.0
    assert spoke(await hear(ladder)) == {"faulty"}


@pytest.mark.parametrize(
    "error", [UnknownVoice("no such voice"), UnknownLanguage("no such language"), Busy("full")]
)
async def test_what_is_not_the_engine_s_fault_opens_no_circuit(error: CannotSpeak) -> None:
    willing = Faulty([error] * 4)
    ladder = Ladder([willing, Silence("next")], breaker=Breaker(failures=1))
    for _ in range(4):
        await hear(ladder)
    assert spoke(await hear(ladder)) == {"faulty"}


async def test_an_engine_that_says_when_to_come_back_is_left_alone_until_then() -> None:
    full = Faulty([Busy("full", retry_after=60)])
    ladder = Ladder([full, Silence("next")])
    for _ in range(3):
        assert spoke(await hear(ladder)) == {"next"}
    assert len(full.asked) == 1


async def test_an_engine_that_failed_is_not_asked_for_its_other_voices() -> None:
    broken = Faulty([CannotSpeak("out of memory")])
    choice = VoiceChoice(engine="faulty", name="quiet")
    assert spoke(await hear(Ladder([broken, Silence("next")]), choice)) == {"next"}
    assert len(broken.asked) == 1


async def test_each_engine_speaks_with_the_voice_that_is_named_for_it() -> None:
    first, second = Faulty([CannotSpeak("down")]), Faulty(name="second")
    choice = VoiceChoice(voices={"faulty": "quiet", "second": "quiet"})
    await hear(Ladder([first, second]), choice)
    assert [speech.voice for speech in (*first.asked, *second.asked)] == ["quiet", "quiet"]


async def test_fall_backs_are_counted() -> None:
    labels = {"wanted": "faulty", "spoken": "next"}
    before = counted("speech_fallbacks", **labels)
    await hear(Ladder([Faulty([CannotSpeak("down")]), Silence("next")]))
    await hear(Ladder([Silence("next")]))
    assert counted("speech_fallbacks", **labels) == before + 1


async def test_a_remote_engine_speaks_under_its_own_name_with_its_words() -> None:
    async with remote() as engine:
        sounds = await hear(Ladder([engine, Silence()]))
    assert spoke(sounds) == {"espeak"}
    assert [w.offset for s in sounds for w in s.words] == [0, 8, 10]
    assert {s.voice for s in sounds} == {"fr"}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Busy("its queue is full"), "busy"),
        (CannotSpeak("out of memory"), "failed"),
        (UnknownLanguage("no French"), "language"),
    ],
)
async def test_what_stops_a_remote_engine_is_known_here(fault: CannotSpeak, reason: str) -> None:
    async with remote(Faulty([fault]), name="faulty") as engine:
        with pytest.raises(CannotSpeak) as refused:
            [sound async for sound in engine.speak(Speech("Bonjour.", "fr"))]
    assert refused.value.reason == reason
    assert refused.value.blames_engine == fault.blames_engine


async def test_a_remote_engine_that_is_gone_gives_way_at_once() -> None:
    async with remote() as engine:
        address = engine.address
    gone = Remote("espeak", address)
    assert spoke(await asyncio.wait_for(hear(Ladder([gone, Silence()])), 2)) == {"silence"}
    assert not await gone.voices()
    await gone.close()


@pytest.mark.parametrize("wrong", ["", "ca", "token"])
async def test_a_remote_engine_is_called_with_tls_and_a_token(tmp_path: Path, wrong: str) -> None:
    authority = trustme.CA()
    made, ca = authority.issue_cert("localhost"), tmp_path / "ca.pem"
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    (trustme.CA() if wrong == "ca" else authority).cert_pem.write_to_path(ca)
    made.cert_chain_pems[0].write_to_path(certificate)
    made.private_key_pem.write_to_path(key)
    servicer = TtsServicer(Ladder([Silence()]))
    proving = Credentials(None, certificate, key, "right")
    server, port = await rpc.serve(
        [servicer.add_to], [], "127.0.0.1:0", reflect=False, proving=proving
    )
    showing = {"tts_remote_ca": ca, "tts_remote_token": wrong or "right"}
    names = f"silence@localhost:{port},espeak"
    engines = build(Settings.model_validate(showing | {"tts_engines": names}))
    said = Ladder(engines).speak("Bonjour à tous.", "fr", VoiceChoice())
    assert {s.engine async for s in said} == {"espeak" if wrong else "silence"}
    await engines[0].close()
    await server.stop(None)


async def test_a_remote_service_without_the_engine_gives_way() -> None:
    async with remote(Silence(), name="xtts") as engine:
        assert spoke(await hear(Ladder([engine, Espeak()]))) == {"espeak"}


async def test_a_slow_remote_engine_is_told_to_stop() -> None:
    slow = Faulty(waits_s=30)
    async with remote(slow, name="faulty") as engine:
        ladder = Ladder([engine, Silence("next")], first_sound_s=0.2)
        assert spoke(await asyncio.wait_for(hear(ladder), 5)) == {"next"}
    assert len(slow.asked) == 1


async def test_a_remote_service_refuses_by_status_what_is_too_much() -> None:
    async with remote(Faulty([Busy("its queue is full")]), name="faulty") as engine:
        call = engine.speak(Speech("Bonjour.", "fr"))
        with pytest.raises(Busy) as refused:
            await anext(call)
    cause = refused.value.__cause__
    assert isinstance(cause, grpc.aio.AioRpcError)
    assert cause.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_remote_engine_is_named_with_its_address() -> None:
    made: list[Engine] = build(Settings(tts_engines="xtts@gpu.example:8092, espeak"))
    assert [engine.name for engine in made] == ["xtts", "espeak"]
    with pytest.raises(ValueError, match="write ENGINE@HOST:PORT"):
        build(Settings(tts_engines="xtts@gpu"))


async def test_each_engine_has_a_span_with_its_first_sound_or_why_it_could_not_speak() -> None:
    broken: list[CannotSpeak] = [CannotSpeak("full", "memory")]
    with recorded() as kept, tracing.span("process speak"):
        await hear(Ladder([Faulty(broken), Silence("next")]))
    [failed], [spoken], [stage] = (
        kept.named(name) for name in ("speak faulty", "speak next", "process speak")
    )
    assert failed.attributes
    assert spoken.attributes
    assert failed.attributes["error.type"] == "memory"
    assert [event.name for event in spoken.events] == ["first sound"]
    assert spoken.attributes["palabre.sound_s"]
    assert [event.name for event in stage.events] == ["engine cannot speak"]
