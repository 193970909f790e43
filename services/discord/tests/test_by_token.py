"""Answers to commands: by token while it is good, then as any other message."""

import time

import pytest

from palabre.discord.by_token import GOOD_S, ByToken
from palabre.discord.calls import Gone
from palabre.discord.interactions import MemoryReplies
from palabre.discord.messages import Body, Place
from palabre.discord.posts import said_at
from palabre.discord.testing import MemoryDiscord

GENERAL = Place("text", 200, server=1)
ASKED = 1_576_410_642_900_844_561  # an id of Discord, which says when


class Clock:
    def __init__(self) -> None:
        self.now = said_at(ASKED)

    def __call__(self) -> float:
        return self.now


async def begun(*, private: bool) -> tuple[ByToken, MemoryDiscord, MemoryReplies, Clock]:
    discord, replies, clock = MemoryDiscord(places={200: GENERAL}), MemoryReplies(), Clock()
    await replies.defer(private=private)
    await replies.show(Body("⏳"))
    port = ByToken(discord, replies, ASKED, private=private, clock=clock)
    return port, discord, replies, clock


@pytest.mark.parametrize("private", [False, True])
async def test_while_the_token_is_good_it_changes_the_answer(private: bool) -> None:
    port, _, replies, clock = await begun(private=private)
    clock.now += GOOD_S - 1
    await port.edit(200, 1, Body("Le cinq."))
    assert replies.shown == {1: Body("Le cinq.")}
    await port.delete(200, 1)
    assert replies.shown == {}


async def test_afterwards_a_public_answer_is_changed_as_any_message_of_ours() -> None:
    port, discord, replies, clock = await begun(private=False)
    message = await port.send(200, Body("⏳"), nonce="n")
    assert await port.send(200, Body("⏳"), nonce="n") == message
    clock.now += GOOD_S + 1
    await port.edit(200, message, Body("Le cinq."))
    assert discord.shown == {message: Body("Le cinq.")}
    assert replies.shown == {1: Body("⏳")}


async def test_afterwards_a_private_answer_is_gone() -> None:
    port, discord, _, clock = await begun(private=True)
    clock.now += GOOD_S + 1
    for call in (port.edit(200, 1, Body("Le cinq.")), port.send(200, Body("…"), nonce="n")):
        with pytest.raises(Gone):
            await call
    assert discord.shown == {}


async def test_where_we_may_not_speak_a_public_answer_goes_on_by_its_token() -> None:
    port, discord, replies, clock = await begun(private=False)
    discord.missing[200] = ("send_messages",)
    assert port.lacking(200) == ()
    await port.send(200, Body("La suite."), nonce="n")
    assert list(replies.shown.values()) == [Body("⏳"), Body("La suite.")]
    clock.now += GOOD_S + 1
    assert port.lacking(200) == ("send_messages",)


def test_an_id_of_discord_says_when_it_was_asked() -> None:
    assert time.gmtime(said_at(ASKED)).tm_year == 2026
