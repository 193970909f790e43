"""The gateway: who may log in, what is told to whom, and what is made up for after a break."""

from typing import Any

import pytest

from tests.standins.discord import Bot, Channel, Discord, Intents, Permissions, Person, Server
from tests.standins.discord_wire import EVERYTHING, Rest, Socket, gateway

ZLIB = "v=10&encoding=json&compress=zlib-stream"
MESSAGES = Intents.GUILDS | Intents.GUILD_MESSAGES


@pytest.mark.parametrize("query", ["v=10&encoding=json", ZLIB])
async def test_it_greets_with_the_servers_and_answers_heartbeats(
    discord: Discord, server: Server, bot: Bot, general: Channel, alice: Person, query: str
) -> None:
    async with gateway(discord, query) as socket:
        await socket.send(1, None)
        assert (await socket.receive())["op"] == 11
        ready = await socket.identify(bot)
        assert ready["guilds"] == [{"id": str(server.id), "unavailable": True}]
        assert ready["user"]["id"] == str(bot.id)
        guild = await socket.event("GUILD_CREATE")
        assert [each["name"] for each in guild["channels"]] == ["général"]
        assert len(guild["members"]) == 3
        await alice.say(general, "Bonjour")
        told = await socket.event("MESSAGE_CREATE")
        assert told["content"] == "Bonjour"
        assert told["member"]["roles"] == []
        assert [frame["s"] for frame in socket.frames if frame["t"]] == [1, 2, 3]


@pytest.mark.parametrize(
    ("op", "data", "code"),
    [
        (2, {"token": "wrong", "intents": 0}, 4004),
        (2, {"token": "token", "intents": 1 << 30}, 4013),
        (2, {"token": "token", "intents": 0, "shard": [1, 1]}, 4010),
        (3, {"status": "online"}, 4003),
        (8, {"guild_id": "1"}, 4003),
        (2, {"token": "token", "intents": 0, "properties": {"os": "x" * 5_000}}, 4002),
    ],
)
async def test_it_closes_with_a_code_that_says_why(
    discord: Discord, bot: Bot, op: int, data: dict[str, Any], code: int
) -> None:
    async with gateway(discord) as socket:
        await socket.send(op, data)
        assert await socket.closed() == code


async def test_what_is_no_json_is_not_understood(discord: Discord) -> None:
    async with gateway(discord) as socket:
        await socket.ws.send_str("{")
        assert await socket.closed() == 4002


async def test_another_version_or_encoding_is_refused(discord: Discord) -> None:
    for query, code in (("v=9&encoding=json", 4012), ("v=10&encoding=etf", 4002)):
        async with gateway(discord, query) as socket:
            assert await socket.closed() == code


async def test_privileged_intents_must_be_switched_on(discord: Discord, server: Server) -> None:
    some = discord.bot("some", "Sacha", servers=[server], privileged=Intents.MESSAGE_CONTENT)
    async with gateway(discord) as socket:
        ready = await socket.identify(some, MESSAGES | Intents.MESSAGE_CONTENT)
        assert ready["application"]["flags"] == 1 << 19
    async with gateway(discord) as socket:
        await socket.send(2, {"token": "some", "intents": int(Intents.GUILD_MEMBERS)})
        assert await socket.closed() == 4014


async def test_it_identifies_once(discord: Discord, bot: Bot) -> None:
    async with gateway(discord) as socket:
        await socket.identify(bot)
        await socket.send(2, {"token": bot.token, "intents": 0})
        assert await socket.closed() == 4005


async def test_a_client_that_sends_too_much_is_closed(discord: Discord, bot: Bot) -> None:
    async with gateway(discord) as socket:
        await socket.identify(bot)
        for _ in range(120):
            await socket.send(1, None)
        assert await socket.closed() == 4008


async def test_a_client_without_a_heartbeat_is_closed(discord: Discord) -> None:
    discord.heartbeat_s = 0.02
    async with gateway(discord) as socket:
        assert await socket.closed() == 4009


async def test_members_and_presences_come_with_their_intents_alone(
    discord: Discord, server: Server, bot: Bot
) -> None:
    async with gateway(discord) as socket:
        await socket.identify(bot, MESSAGES)
        guild = await socket.event("GUILD_CREATE")
        assert [each["user"]["id"] for each in guild["members"]] == [str(bot.id)]
        assert guild["member_count"] == 2
        server.person("bob")
        assert await socket.names() == []
        await socket.send(8, {"guild_id": str(server.id), "query": "", "limit": 0})
        assert await socket.closed() == 4014


async def test_only_events_that_were_asked_for_come(
    discord: Discord, server: Server, bot: Bot, general: Channel, alice: Person
) -> None:
    async def heard(intents: int) -> list[str]:
        async with gateway(discord) as socket:
            await socket.identify(bot, intents)
            await socket.names()
            message = await alice.say(general, "x")
            await alice.react(message, "👍")
            await alice.direct(bot, "y")
            await alice.open_thread(general, "z")
            return await socket.names()

    # A thread says in its channel that it was opened.
    assert await heard(MESSAGES) == ["MESSAGE_CREATE", "THREAD_CREATE", "MESSAGE_CREATE"]
    assert await heard(Intents.GUILD_MESSAGE_REACTIONS) == ["MESSAGE_REACTION_ADD"]
    assert await heard(Intents.DIRECT_MESSAGES) == ["MESSAGE_CREATE"]
    assert await heard(0) == []


async def test_content_is_empty_without_its_intent_but_for_what_concerns_the_bot(
    discord: Discord, server: Server, bot: Bot, general: Channel, alice: Person
) -> None:
    async with gateway(discord) as socket:
        await socket.identify(bot, MESSAGES | Intents.DIRECT_MESSAGES)
        question = await alice.say(general, "Secret", files=[("a.png", b"a")])
        told = await socket.event("MESSAGE_CREATE")
        empty = ("content", "embeds", "attachments", "components")
        assert [told[name] for name in empty] == ["", [], [], []]
        await alice.say(general, f"{bot.user.mention} Bonjour", reply_to=question)
        told = await socket.event("MESSAGE_CREATE")
        assert told["content"].endswith("Bonjour")
        assert told["referenced_message"]["content"] == ""
        await alice.direct(bot, "En privé")
        assert (await socket.event("MESSAGE_CREATE"))["content"] == "En privé"


async def test_a_channel_that_is_hidden_says_nothing(
    discord: Discord, server: Server, bot: Bot, general: Channel, alice: Person
) -> None:
    async with gateway(discord) as socket:
        await socket.identify(bot)
        server.deny(general, bot, Permissions.VIEW_CHANNEL)
        await socket.names()
        await alice.say(general, "x")
        assert await socket.names() == []


async def test_what_was_missed_is_sent_again(
    discord: Discord, bot: Bot, general: Channel, alice: Person
) -> None:
    async with gateway(discord) as socket:
        ready = await socket.identify(bot)
        await socket.event("GUILD_CREATE")
        seq = socket.seq
        bot.drop()
        with pytest.raises(ConnectionError):
            await socket.receive()
    await alice.say(general, "un")
    await alice.say(general, "deux")
    async with gateway(discord) as again:
        data = {"token": bot.token, "session_id": ready["session_id"], "seq": seq}
        await again.send(6, data)
        assert [(await again.event("MESSAGE_CREATE"))["content"] for _ in "ab"] == ["un", "deux"]
        assert (await again.receive())["t"] == "RESUMED"
        await alice.say(general, "trois")
        assert (await again.event("MESSAGE_CREATE"))["content"] == "trois"


async def resumed(discord: Discord, bot: Bot, session_id: str, seq: int) -> Socket:
    async with gateway(discord) as socket:
        await socket.send(6, {"token": bot.token, "session_id": session_id, "seq": seq})
        await socket.receive()
        return socket


async def test_a_session_that_was_ended_cannot_be_resumed(discord: Discord, bot: Bot) -> None:
    async with gateway(discord) as socket:
        ready = await socket.identify(bot)
        await socket.ws.close(code=1000)
    await discord.until(lambda: not bot.sessions)
    socket = await resumed(discord, bot, ready["session_id"], 1)
    assert (socket.frames[-1]["op"], socket.frames[-1]["d"]) == (9, False)


async def test_a_sequence_that_never_was_is_refused(discord: Discord, bot: Bot) -> None:
    async with gateway(discord) as socket:
        ready = await socket.identify(bot)
        bot.drop(4000)
        assert await socket.closed() == 4000
    with pytest.raises(ConnectionError, match="4007"):
        await resumed(discord, bot, ready["session_id"], 1_000)


async def test_it_asks_to_reconnect_and_invalidates(discord: Discord, bot: Bot) -> None:
    async with gateway(discord) as socket:
        await socket.identify(bot)
        await socket.names()
        bot.ask_to_reconnect()
        bot.invalidate(resumable=True)
        bot.invalidate()
        frames = [await socket.receive() for _ in range(3)]
        assert [(each["op"], each["d"]) for each in frames] == [(7, None), (9, True), (9, False)]
    assert bot.sessions == []


async def test_identifying_too_often_is_refused(discord: Discord, bot: Bot) -> None:
    discord.identify_every_s = 5.0
    async with gateway(discord) as first, gateway(discord) as second:
        await first.identify(bot)
        await second.send(2, {"token": bot.token, "intents": 0})
        assert (await second.receive())["op"] == 9
        discord.clock.advance(5)
        await second.identify(bot)


async def test_a_thousand_and_one_logins_a_day_cost_the_token(discord: Discord, bot: Bot) -> None:
    bot.starts_left = 1
    async with gateway(discord) as socket:
        await socket.identify(bot)
    async with gateway(discord) as socket:
        await socket.send(2, {"token": bot.token, "intents": 0})
        assert await socket.closed() == 4004
    assert discord.bots == {}


async def test_two_replicas_are_both_told(
    discord: Discord, bot: Bot, general: Channel, alice: Person
) -> None:
    async with gateway(discord) as first, gateway(discord) as second:
        await first.identify(bot)
        await second.identify(bot)
        await alice.say(general, "x")
        for socket in (first, second):
            assert (await socket.event("MESSAGE_CREATE"))["content"] == "x"


async def test_a_shard_is_told_of_its_servers(
    discord: Discord, server: Server, bot: Bot, general: Channel, alice: Person
) -> None:
    async with gateway(discord) as first, gateway(discord) as second:
        ready = [
            await first.identify(bot, shard=[0, 2]),
            await second.identify(bot, shard=[1, 2]),
        ]
        mine = (server.id >> 22) % 2
        assert len(ready[mine]["guilds"]) == 1
        assert ready[1 - mine]["guilds"] == []
        await alice.say(general, "x")
        other = (first, second)[1 - mine]
        assert await other.names() == []


async def test_members_are_found_by_query_and_id(
    discord: Discord, server: Server, bot: Bot, alice: Person
) -> None:
    server.person("albert")
    server.person("bob")
    async with gateway(discord) as socket:
        await socket.identify(bot)
        ask: dict[str, Any] = {"guild_id": str(server.id), "query": "al", "limit": 5, "nonce": "n"}
        await socket.send(8, ask)
        chunk = await socket.event("GUILD_MEMBERS_CHUNK")
        names = [each["user"]["username"] for each in chunk["members"]]
        assert (names, chunk["nonce"]) == (["alice", "albert"], "n")
        await socket.send(8, {"guild_id": str(server.id), "user_ids": [str(alice.id), "7"]})
        chunk = await socket.event("GUILD_MEMBERS_CHUNK")
        assert (len(chunk["members"]), chunk["not_found"]) == (1, ["7"])


async def test_events_come_twice_late_out_of_order_or_not_at_all(
    discord: Discord, server: Server, bot: Bot, general: Channel, alice: Person
) -> None:
    forum = server.forum("questions")
    async with gateway(discord) as socket:
        await socket.identify(bot, EVERYTHING)
        await socket.names()
        discord.deliveries.twice("MESSAGE_CREATE")
        await alice.say(general, "x")
        assert await socket.names() == ["MESSAGE_CREATE"] * 2
        discord.deliveries.hold("THREAD_CREATE", until="MESSAGE_CREATE")
        await alice.post(forum, "Froid", "x")
        assert await socket.names() == ["MESSAGE_CREATE", "THREAD_CREATE"]
        discord.deliveries.late("MESSAGE_CREATE", 0.02)
        message = await alice.say(general, "x")
        await alice.react(message, "👍")
        assert await socket.names(0.2) == ["MESSAGE_REACTION_ADD", "MESSAGE_CREATE"]
        discord.deliveries.hold("MESSAGE_CREATE")
        await alice.say(general, "x")
        assert await socket.names() == []
        discord.deliveries.release()
        assert await socket.names() == ["MESSAGE_CREATE"]
        discord.deliveries.lose("MESSAGE_CREATE")
        await alice.say(general, "x")
        assert await socket.names() == []


async def test_a_link_is_looked_at_later_and_is_no_edit(
    discord: Discord, bot: Bot, general: Channel, alice: Person
) -> None:
    async with gateway(discord) as socket:
        await socket.identify(bot)
        message = await alice.say(general, "https://example.org")
        discord.unfurl(message, "https://example.org", "Exemple")
        update = await socket.event("MESSAGE_UPDATE")
        assert update["embeds"][0]["title"] == "Exemple"
        assert update["edited_timestamp"] is None


async def test_a_bot_that_joins_or_leaves_is_told(discord: Discord, bot: Bot) -> None:
    async with gateway(discord) as socket:
        await socket.identify(bot)
        await socket.names()
        other = discord.server("Ailleurs")
        other.join(bot)
        assert (await socket.event("GUILD_CREATE"))["name"] == "Ailleurs"
        other.leave(bot)
        assert (await socket.event("GUILD_DELETE"))["id"] == str(other.id)


async def test_a_bot_that_writes_joins_and_is_told_of_the_thread_again(
    discord: Discord, server: Server, bot: Bot, alice: Person, rest: Rest
) -> None:
    async with gateway(discord) as socket:
        await socket.identify(bot, MESSAGES)
        post = await alice.post(server.forum("questions"), "Froid", "x")
        assert (await socket.event("THREAD_CREATE"))["newly_created"]
        await socket.names()
        await rest.say(post.id)
        assert [frame["t"] for frame in [await socket.receive() for _ in "abc"]] == [
            "THREAD_CREATE",
            "THREAD_MEMBERS_UPDATE",
            "MESSAGE_CREATE",
        ]
        assert "newly_created" not in socket.frames[-3]["d"]


async def test_a_server_may_be_unavailable_for_a_while(
    discord: Discord, server: Server, bot: Bot
) -> None:
    async with gateway(discord) as socket:
        await socket.identify(bot)
        await socket.names()
        server.go_down()
        assert (await socket.event("GUILD_DELETE"))["unavailable"]
        server.come_back()
        assert (await socket.event("GUILD_CREATE"))["id"] == str(server.id)


async def test_a_session_goes_on_over_one_connection(discord: Discord, bot: Bot) -> None:
    async with gateway(discord) as old, gateway(discord) as new:
        ready = await old.identify(bot)
        data = {"token": bot.token, "session_id": ready["session_id"], "seq": 2}
        await new.send(6, data)
        assert (await new.receive())["t"] == "RESUMED"
        assert await old.closed() == 4000
        assert bot.online


async def test_a_private_thread_is_shown_to_a_bot_that_is_added(
    discord: Discord, bot: Bot, general: Channel, alice: Person
) -> None:
    async with gateway(discord) as socket:
        await socket.identify(bot)
        await socket.names()
        thread = await alice.open_thread(general, "Entre nous", private=True)
        await alice.say(thread, "Secret")
        assert await socket.names() == []
        await alice.add(thread, bot)
        shown = await socket.event("THREAD_CREATE")
        assert shown["member"]["user_id"] == str(bot.id)
        await alice.say(thread, "Bienvenue")
        assert (await socket.event("MESSAGE_CREATE"))["type"] == 1
        assert (await socket.event("MESSAGE_CREATE"))["content"] == "Bienvenue"
