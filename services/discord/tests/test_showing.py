"""Edits of an answer coalesce; the last one is always made."""

import asyncio
from collections.abc import Sequence

import pytest

from palabre.discord.calls import Gone, Unreachable
from palabre.discord.messages import Body, Place
from palabre.discord.showing import EDITS_PER_S, Bodies, Pace, Showing
from palabre.discord.testing import MemoryDiscord

CHANNEL = 7


@pytest.fixture
def discord() -> MemoryDiscord:
    return MemoryDiscord(places={CHANNEL: Place("text", CHANNEL, server=1)})


class Answer:
    """An answer with one message of ours, and those that are added."""

    def __init__(self, discord: MemoryDiscord, message: int, every_s: float) -> None:
        self.discord, self.messages = discord, [message]
        self.pace = Pace(every_s)

    def showing(self) -> Showing:
        return Showing(self.discord, CHANNEL, self.messages, self._add, self.pace)

    async def _add(self, place: int, body: Body) -> int:
        self.messages.append(await self.discord.send(CHANNEL, body, nonce=str(place)))
        return self.messages[-1]

    def texts(self, place: int = 0) -> list[str]:
        return [body.content for body in self.discord.states[self.messages[place]]]


@pytest.fixture
async def answer(discord: MemoryDiscord) -> Answer:
    return Answer(discord, await discord.send(CHANNEL, Body("…"), nonce="0"), 0.05)


def bodies(*texts: str) -> Sequence[Body]:
    return [Body(text) for text in texts]


async def test_what_comes_between_two_edits_is_never_shown(answer: Answer) -> None:
    asked = []

    def state(number: int) -> Bodies:
        def shown() -> Sequence[Body]:
            asked.append(number)
            return bodies(str(number))

        return shown

    async with answer.showing() as showing:
        for number in range(200):
            showing.show(state(number))
            await asyncio.sleep(0.005)
        await showing.end(bodies("fin"))
    texts = answer.texts()
    assert texts[-1] == "fin"
    assert len(texts) < 40
    assert asked == sorted(asked)
    assert len(asked) <= len(texts)


async def test_the_end_waits_for_no_first_words(answer: Answer) -> None:
    async with answer.showing() as showing:
        showing.show(lambda: bodies("un"))
        await showing.end(bodies("fin"))
    assert answer.texts() == ["…", "fin"]


async def test_nothing_is_shown_after_the_end(answer: Answer) -> None:
    async with answer.showing() as showing:
        await showing.end(bodies("fin"))
        showing.show(lambda: bodies("trop tard"))
        await asyncio.sleep(0.4)
    assert answer.texts() == ["…", "fin"]


async def test_what_is_shown_already_is_not_sent_again(answer: Answer) -> None:
    async with answer.showing() as showing:
        await showing.end(bodies("…", "suite"))
    async with answer.showing() as showing:
        for _ in range(3):
            showing.show(lambda: bodies("un", "suite"))
            await asyncio.sleep(0.4)
        await showing.end(bodies("un", "fin"))
    assert answer.texts() == ["…", "…", "un"]
    assert answer.texts(1) == ["suite", "suite", "fin"]


async def test_a_longer_answer_gets_more_messages_and_a_shorter_one_gives_them_back(
    answer: Answer, discord: MemoryDiscord
) -> None:
    async with answer.showing() as showing:
        showing.show(lambda: bodies("un", "deux", "trois"))
        await asyncio.sleep(0.4)
        await showing.end(bodies("tout"))
    assert [body.content for body in discord.shown.values()] == ["tout"]
    assert len(answer.messages) == 3


async def test_an_edit_that_does_not_arrive_is_made_good_by_the_next(
    answer: Answer, discord: MemoryDiscord
) -> None:
    discord.fail.append(Unreachable())
    async with answer.showing() as showing:
        showing.show(lambda: bodies("un"))
        await asyncio.sleep(0.4)
        await showing.end(bodies("fin"))
    assert answer.texts() == ["…", "fin"]


async def test_whoever_waits_learns_that_nothing_can_be_shown_any_more(
    answer: Answer, discord: MemoryDiscord
) -> None:
    async with answer.showing() as showing:
        await discord.delete(CHANNEL, answer.messages[0])
        showing.show(lambda: bodies("un"))
        await asyncio.wait_for(showing.gone, 2)
        with pytest.raises(Gone):
            await showing.end(())


async def test_many_answers_at_once_are_edited_less_often(answer: Answer) -> None:
    assert answer.pace.every_s == 0.05
    answer.pace.shown = 100
    assert answer.pace.every_s == 100 / EDITS_PER_S
