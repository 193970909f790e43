"""Posts of a forum are answered, by real nextcord on the stand-in and over a real bus."""

from collections.abc import AsyncIterator

import pytest

from palabre.channels.testing import ScriptedAnswers
from palabre.chassis.service import Context
from palabre.chassis.testing import NatsServer
from tests.integration.discord_service import Community, running
from tests.standins.discord import Discord


@pytest.fixture
async def discord() -> AsyncIterator[Discord]:
    async with Discord().serving() as serving:
        yield serving


@pytest.fixture
def community(discord: Discord) -> Community:
    return Community(discord)


@pytest.fixture
async def service(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> AsyncIterator[Context]:
    async with running(nats, community.discord, {"demo": community.space()}) as context:
        await community.discord.until(lambda: community.bot.online)
        yield context


async def test_a_post_is_answered_below_it_with_its_sources(
    community: Community, service: Context, llm: ScriptedAnswers
) -> None:
    post = await community.alice.post(community.forum, "Loyer", "Quand dois-je payer ?")
    answer = await community.discord.seen(post, lambda m: "Guide" in m.shown)
    assert "Le loyer est dû le cinq" in answer.content
    assert answer.reference == post.id
    assert not answer.pinged
    asked = llm.heard[0].utterance_received.utterance
    assert asked.text == "Loyer\n\nQuand dois-je payer ?"
    assert asked.replaceable
    assert answer.versions[0].content.startswith("⏳")
