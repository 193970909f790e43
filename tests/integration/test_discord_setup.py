"""`palabre discord invite` and `check` against the stand-in of Discord."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from palabre.channels.testing import ScriptedAnswers
from palabre.chassis import directory, streams, toml_text
from palabre.chassis.spaces import Space
from palabre.chassis.testing import NatsServer
from palabre.cli.discord_bots import app
from palabre.cli.server import Trouble
from palabre.discord.permissions import bits, wanted
from tests.integration.discord_service import Community, running
from tests.standins.discord import Discord, Intents, Permissions

INVITED = Permissions(bits(wanted(marks=True)))


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    error: str


@pytest.fixture
def community(discord: Discord) -> Community:
    """Its bot came by the link; nobody else may do anything."""
    found = Community(discord)
    found.server.set_permissions(found.server.everyone, Permissions(0))
    found.server.leave(found.bot)
    found.server.join(found.bot, permissions=INVITED)
    return found


async def palabre(community: Community, *words: str, **settings: str) -> Said:
    environment = {"PALABRE_DISCORD_TOKEN": "token", "PALABRE_DISCORD_API": community.discord.api}
    runner = CliRunner(env=environment | settings)
    result = await asyncio.to_thread(runner.invoke, app, words)
    trouble = result.exception if isinstance(result.exception, Trouble) else ""
    return Said(result.exit_code, result.stdout, str(trouble))


async def checked(community: Community, folder: Path, space: Space, **settings: str) -> Said:
    for name, text in toml_text.files(directory.plain(space)).items():
        file = folder / "demo" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return await palabre(community, "check", str(folder / "demo"), **settings)


async def test_the_link_asks_for_what_the_code_needs_and_for_nothing_else(
    community: Community,
) -> None:
    for marks, options in ((False, ()), (True, ("--solved",))):
        said = await palabre(community, "invite", "--application", "42", *options)
        assert said.code == 0
        needed = wanted(marks=marks)
        assert (
            f"client_id=42&scope=bot+applications.commands&permissions={bits(needed)}" in said.out
        )
        for permission in needed:
            assert Permissions[permission.name.upper()] == permission.bit
            assert permission.label in said.out
    assert not community.discord.calls


async def test_who_has_no_token_or_a_wrong_one_is_told_what_to_do(community: Community) -> None:
    said = await palabre(community, "invite", PALABRE_DISCORD_TOKEN="")
    assert said.code == 1
    assert "set PALABRE_DISCORD_TOKEN" in said.error
    said = await palabre(community, "invite", PALABRE_DISCORD_TOKEN="wrong")
    assert said.code == 1
    assert "Reset Token" in said.error


async def test_what_is_set_up_as_the_space_says_is_found_well(
    community: Community, tmp_path: Path
) -> None:
    role = community.server.role("locataires")
    forum = forum_of(community, tags={"Humains": {"answer": "never"}}, solved_tag="résolu")
    space = community.space(
        forums=[forum],
        allowed_channels=[str(community.general.id), str(community.forum.id)],
        groups={str(role.id): ["locataires"]},
        summaries={"log_channel": str(community.general.id), "roles": [str(role.id)]},
    )
    said = await checked(community, tmp_path, space)
    assert "→" not in said.out
    assert said.code == 0
    assert "Everything is as the spaces say" in said.out
    assert not community.bot.sessions
    assert {call.method for call in community.discord.calls} == {"GET"}


async def test_everything_that_is_wrong_in_a_space_is_named_with_a_remedy(
    community: Community, tmp_path: Path
) -> None:
    gone = str(community.discord.ids.new())
    tagged = forum_of(community, tags={"urgent": {"answer": "once"}}, solved_tag="fini")
    space = community.space(
        servers=[str(community.server.id), gone],
        bots={"camille": "hugo"},
        forums=[tagged, {"channel": str(community.general.id)}, {"channel": gone}],
        denied_channels=[gone],
        denied_roles=[gone],
        summaries={"log_channel": gone},
    )
    said = await checked(community, tmp_path, space)
    assert said.code == 1
    faults = (
        "no bot « hugo » has logged in",
        f"none of its bots is on the server {gone}",
        "it has no tag « urgent »: there are chauffage, humains, résolu",
        "it has no tag « fini »",
        "« général » is no forum",
        f"demo, forums: no server of the space has a channel {gone}",
        f"demo, denied_channels: no server of the space has a channel {gone}",
        f"demo, denied_roles: no server of the space has a role {gone}",
        f"demo, summaries.log_channel: no server of the space has a channel {gone}",
    )
    for fault in faults:
        assert fault in said.out
    assert said.out.count("→") == len(faults)


async def test_permissions_that_a_forum_takes_away_are_named(
    community: Community, tmp_path: Path
) -> None:
    taken = Permissions.EMBED_LINKS | Permissions.SEND_MESSAGES_IN_THREADS
    community.server.deny(community.forum, community.bot, taken)
    said = await checked(community, tmp_path, community.space())
    assert said.code == 1
    assert "the bot default lacks Send Messages in Threads, Embed Links" in said.out


async def test_without_the_message_content_intent_a_forum_is_not_answered_and_check_says_so(
    community: Community, tmp_path: Path
) -> None:
    community.bot.privileged = Intents(0)
    said = await checked(community, tmp_path, community.space())
    assert said.code == 1
    assert "switch on the message content intent" in said.out
    named = await checked(community, tmp_path, community.space(forums=[]))
    assert named.code == 0
    assert "may not read posts" in named.out


async def test_a_bot_that_is_refused_leaves_the_others_looked_at(
    community: Community, tmp_path: Path
) -> None:
    tokens = '{"hugo": "wrong"}'
    said = await checked(community, tmp_path, community.space(), PALABRE_DISCORD_TOKENS=tokens)
    assert said.code == 1
    assert "bot hugo: Discord does not know this token" in said.out
    assert "the bot default may answer" in said.out


async def test_the_spaces_that_are_live_are_looked_at_where_no_folder_is_named(
    nats: NatsServer, community: Community
) -> None:
    reach: dict[str, str] = {
        "PALABRE_NATS_URL": nats.url,
        "PALABRE_NATS_PASSWORD": nats.users[streams.OPERATOR],
    }
    none = await palabre(community, "check", **reach)
    assert none.code == 1
    assert "no space has bots on Discord" in none.out
    await nats.apply("demo", community.space())
    some = await palabre(community, "check", **reach)
    assert some.code == 0
    assert "demo, forum « questions »: the bot default may answer" in some.out


async def test_a_bot_answers_posts_in_a_forum_where_it_may_open_none(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> None:
    everybody = Permissions.VIEW_CHANNEL | Permissions.SEND_MESSAGES
    community.server.set_permissions(community.server.everyone, everybody)
    community.server.deny(community.forum, community.bot, Permissions.SEND_MESSAGES)
    async with running(nats, community.discord, {"demo": community.space()}):
        await community.discord.until(lambda: community.bot.online)
        await community.answered(await community.ask())


def forum_of(community: Community, **rules: Any) -> dict[str, Any]:
    return {"channel": str(community.forum.id)} | rules
