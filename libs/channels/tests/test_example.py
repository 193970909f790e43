"""The example of docs/channels.md, on a real bus: what every adapter has to do."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest

from docs.channel import Channel
from palabre.channels.admission import Running, Thread
from palabre.channels.attachments import Attachments
from palabre.channels.testing import ScriptedAnswers, completed, delta, plain_answer, source
from palabre.chassis import events
from palabre.chassis.fetching import Fetcher
from palabre.chassis.pictures import Pictures
from palabre.chassis.testing import MemoryObjects, NatsServer, until
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Author, Utterance

THREAD = Thread("demo", "discord", "c-1")


class Screen:
    """What one person sees, and saw."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def show(self, text: str) -> None:
        self.seen.append(text)


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with NatsServer(tmp_path) as server:
        yield server


@pytest.fixture
async def llm(nats: NatsServer) -> AsyncIterator[ScriptedAnswers]:
    answers = ScriptedAnswers(await nats.bus("operator"), plain_answer)
    await answers.listen()
    yield answers
    await answers.close()


@pytest.fixture
async def channel(nats: NatsServer, llm: ScriptedAnswers) -> AsyncIterator[Channel]:
    bus = await nats.bus("discord")
    pictures, fetcher = Pictures(100_000, 1_000_000), Fetcher("Palabre")
    attachments = Attachments(MemoryObjects(), pictures, fetcher, 100_000, most=2)
    yield Channel(bus, attachments, asyncio.get_running_loop().create_future())
    await attachments.close()
    await bus.close()


def said(text: str = "Quand ?", language: str = "fr") -> Utterance:
    return Utterance(text=text, author=Author(id="ana"), language=language, replaceable=True)


async def test_an_answer_grows_and_ends_with_its_sources(channel: Channel) -> None:
    screen = Screen()
    await channel.answer(THREAD, said(), "m-1", screen.show)
    assert screen.seen[-1] == "Le loyer est dû le cinq [1].\n[1] Guide"
    assert screen.seen[0] == "…"
    assert all("Le loyer est dû le cinq [1].".startswith(text) for text in screen.seen[1:-1])


async def test_a_message_that_comes_twice_is_asked_once_and_shown_anew(
    channel: Channel, llm: ScriptedAnswers
) -> None:
    one, again = Screen(), Screen()
    await channel.answer(THREAD, said(), "m-1", one.show)
    await channel.answer(THREAD, said(), "m-1", again.show)
    assert one.seen[-1] == again.seen[-1]
    assert len(llm.heard) == 1


async def test_a_message_that_comes_twice_at_the_same_time_is_asked_once(
    channel: Channel, llm: ScriptedAnswers
) -> None:
    screens = Screen(), Screen()
    await asyncio.gather(*(channel.answer(THREAD, said(), "m-1", s.show) for s in screens))
    assert screens[0].seen[-1] == screens[1].seen[-1] != ""
    assert len(llm.heard) == 1


async def test_an_answer_that_begins_again_replaces_what_stood_there(
    channel: Channel, llm: ScriptedAnswers
) -> None:
    def broken_off(cause: pb.Event) -> Iterable[Any]:
        yield delta("Le dou", 0)
        for body in (pb.AnswerRestarted(), delta("Le cinq.", 0), completed("Le cinq.", source())):
            yield events.follow(cause, body, attempt=2)

    llm.script = broken_off
    screen = Screen()
    await channel.answer(THREAD, said(), "m-1", screen.show)
    assert "Le dou" in screen.seen
    assert screen.seen[screen.seen.index("Le dou") + 1] == "…"
    assert screen.seen[-1].startswith("Le cinq.")


async def test_a_failure_is_told_in_the_persons_language(
    channel: Channel, llm: ScriptedAnswers
) -> None:
    llm.script = lambda _: [pb.TurnFailed(reason=pb.FAILURE_REASON_UNAVAILABLE)]
    screen = Screen()
    await channel.answer(THREAD, said(language="de"), "m-1", screen.show)
    assert screen.seen[-1].startswith("Leider antwortet der Dienst")


async def test_one_turn_at_a_time(channel: Channel, llm: ScriptedAnswers) -> None:
    ending = completed("Le cinq.")
    llm.script = lambda _: [delta("Le ", 0), 0.5, ending]
    screen = Screen()
    running = asyncio.create_task(channel.answer(THREAD, said(), "m-1", screen.show))
    await until(lambda: "Le " in screen.seen)
    with pytest.raises(Running):
        await channel.answer(THREAD, said("Et combien ?"), "m-2", screen.show)
    await running
    assert screen.seen[-1] == "Le cinq."
