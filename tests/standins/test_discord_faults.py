"""Rate limits, and what goes wrong on demand."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.standins.discord import Bot, Channel, Discord, Person
from tests.standins.discord_wire import Rest, calling


@pytest.fixture
async def discord() -> AsyncIterator[Discord]:
    async with Discord().serving() as serving:
        yield serving


async def test_five_messages_in_five_seconds_then_wait(
    discord: Discord, rest: Rest, general: Channel
) -> None:
    answers = [await rest.say(general.id) for _ in range(6)]
    left = [answer.headers["X-RateLimit-Remaining"] for answer in answers]
    assert left == ["4", "3", "2", "1", "0", "0"]
    assert [answer.status for answer in answers] == [200] * 5 + [429]
    limited = answers[-1]
    assert 0 < limited.body["retry_after"] <= 5
    assert limited.body["global"] is False
    assert limited.headers["X-RateLimit-Scope"] == "user"
    assert int(limited.headers["Retry-After"]) >= limited.body["retry_after"]
    assert limited.headers["Via"]
    assert len({answer.headers["X-RateLimit-Bucket"] for answer in answers}) == 1
    discord.clock.advance(5)
    assert (await rest.say(general.id)).status == 200


async def test_a_bucket_is_of_one_channel_one_bot_and_one_route(
    discord: Discord, rest: Rest, general: Channel, bot: Bot
) -> None:
    server = next(iter(discord.guilds.values()))
    other = discord.bot("other", "Sacha")
    server.members[other.id] = server.members[bot.id]
    for _ in range(5):
        last = await rest.say(general.id)
    path = f"/channels/{general.id}/messages/{last.body['id']}"
    edited = await rest("PATCH", path, {"content": "y"})
    assert edited.status == 200
    assert edited.headers["X-RateLimit-Bucket"] == last.headers["X-RateLimit-Bucket"]
    assert (await rest.say(general.id)).status == 429
    async with calling(discord, other) as others:
        assert (await others("GET", f"/channels/{general.id}")).status == 200


async def test_fifty_calls_a_second_are_all_that_a_bot_has(discord: Discord, rest: Rest) -> None:
    answers = [await rest("GET", "/users/@me") for _ in range(51)]
    assert answers[-1].status == 429
    assert answers[-1].body["global"] is True
    assert answers[-1].headers["X-RateLimit-Scope"] == "global"
    discord.clock.advance(1.1)
    assert (await rest("GET", "/users/@me")).status == 200


async def test_too_many_mistakes_ban_the_address(discord: Discord, rest: Rest) -> None:
    discord.limits.most_invalid = 3
    rest.token = "wrong"
    for _ in range(3):
        assert (await rest("GET", "/users/@me")).refused == (401, 0)
    rest.token = "token"
    banned = await rest("GET", "/users/@me")
    assert banned.status == 429
    assert "Via" not in banned.headers
    assert "1015" in banned.body
    discord.clock.advance(601)
    assert (await rest("GET", "/users/@me")).status == 200


async def test_limits_can_be_set_and_switched_off(
    discord: Discord, rest: Rest, general: Channel
) -> None:
    discord.limits.set("POST", "/channels/{channel}/messages", 1, 60)
    assert [(await rest.say(general.id)).status for _ in "ab"] == [200, 429]
    discord.limits.off()
    answer = await rest.say(general.id)
    assert answer.status == 200
    assert "X-RateLimit-Limit" not in answer.headers


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_the_next_calls_fail_and_do_nothing(
    discord: Discord, rest: Rest, general: Channel, status: int
) -> None:
    discord.faults.add("POST", "/messages", status=status, times=2)
    assert [(await rest.say(general.id)).status for _ in "abc"] == [status, status, 200]
    assert len(general.history()) == 1


async def test_a_planned_limit_names_the_bucket_but_uses_nothing_up(
    discord: Discord, rest: Rest, general: Channel
) -> None:
    discord.faults.add("POST", "/messages", status=429, retry_after=2)
    limited, sent = await rest.say(general.id), await rest.say(general.id)
    assert limited.headers["X-RateLimit-Bucket"] == sent.headers["X-RateLimit-Bucket"]
    assert limited.headers["X-RateLimit-Remaining"] == "0"
    assert float(limited.headers["X-RateLimit-Reset-After"]) == limited.body["retry_after"] == 2
    assert sent.headers["X-RateLimit-Remaining"] == "4"


async def test_a_call_may_fail_after_it_took_effect(
    discord: Discord, rest: Rest, general: Channel
) -> None:
    discord.faults.add("POST", "/messages", status=503, after=True)
    assert (await rest.say(general.id)).status == 503
    assert len(general.history()) == 1


@pytest.mark.parametrize(("after", "written"), [(False, 0), (True, 1)])
async def test_a_connection_is_reset_before_or_after(
    discord: Discord, rest: Rest, general: Channel, after: bool, written: int
) -> None:
    discord.faults.add("POST", "/messages", reset=True, after=after)
    with pytest.raises(aiohttp.ClientOSError):
        await rest.say(general.id)
    assert len(general.history()) == written
    assert discord.calls[-1].status == 0
    assert (await rest.say(general.id)).status == 200


async def test_a_call_may_be_slow(discord: Discord, rest: Rest, general: Channel) -> None:
    fault = discord.faults.add("POST", "/messages", delay=30)
    slow = asyncio.create_task(rest.say(general.id))
    await discord.until(lambda: not fault.times)
    assert (await rest.say(general.id)).status == 200
    assert not slow.done()
    slow.cancel()


async def test_a_shared_limit_is_nobodys_mistake(
    discord: Discord, rest: Rest, general: Channel
) -> None:
    discord.faults.add("POST", "/messages", status=429, scope="shared")
    answer = await rest.say(general.id)
    assert answer.headers["X-RateLimit-Scope"] == "shared"
    assert discord.limits.invalid == 0


async def test_calls_are_remembered_with_time_body_and_answer(
    discord: Discord, rest: Rest, general: Channel, alice: Person
) -> None:
    await rest.say(general.id, "un")
    call = (await discord.called("POST", "/messages"))[0]
    assert (call.body["content"], call.status) == ("un", 200)
    assert call.answer["content"] == "un"
    assert abs(call.at - discord.clock.now()) < 5
    with pytest.raises(TimeoutError):
        await discord.called("POST", "/messages", 0.01, times=2)
