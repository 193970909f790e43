"""A gateway in this process, on a real bus, with scripted answers."""

from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from palabre.channels.testing import ScriptedAnswers, plain_answer
from palabre.chassis.service import Context
from palabre.chassis.testing import NatsServer
from palabre.contracts.v1 import events_pb2 as pb
from palabre.gateway import testing
from palabre.gateway.testing import RunningGateway, Surroundings
from tests.integration.discord_commands import Replicas
from tests.integration.discord_neighbours import Neighbours
from tests.integration.discord_service import Community, running
from tests.standins.discord import Discord


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[NatsServer]:
    folder = tmp_path / "nats"
    folder.mkdir()
    async with NatsServer(folder) as server:
        yield server


@pytest.fixture
async def around() -> AsyncIterator[Surroundings]:
    async with testing.surroundings() as found:
        yield found


@pytest.fixture
async def gateway(
    nats: NatsServer, tmp_path: Path, around: Surroundings
) -> AsyncIterator[RunningGateway]:
    async with testing.running(nats, tmp_path, tts_address=around.address) as running:
        yield running


@pytest.fixture
def script() -> Callable[[pb.Event], Iterable[Any]]:
    """What `llm` answers unless a test says otherwise; a module may have its own."""
    return plain_answer


@pytest.fixture
async def llm(
    nats: NatsServer, script: Callable[[pb.Event], Iterable[Any]]
) -> AsyncIterator[ScriptedAnswers]:
    answers = ScriptedAnswers(await nats.bus("operator"), script)
    await answers.listen()
    yield answers
    await answers.close()


@pytest.fixture
async def discord() -> AsyncIterator[Discord]:
    async with Discord().serving() as serving:
        yield serving


@pytest.fixture
def community(discord: Discord) -> Community:
    return Community(discord)


@pytest.fixture
async def bots(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> AsyncIterator[Context]:
    """The discord service, logged in; answers come from `script`."""
    async with running(nats, community.discord, {"demo": community.space()}) as context:
        await community.discord.until(lambda: community.bot.online)
        yield context


@pytest.fixture
def replicas(
    nats: NatsServer, community: Community, gateway: RunningGateway, llm: ScriptedAnswers
) -> Replicas:
    return Replicas(nats, community, gateway.address)


@pytest.fixture
async def client(gateway: RunningGateway) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's own, with the administrator's token."""
    async with openai.AsyncOpenAI(
        base_url=f"{gateway.url}/v1", api_key=testing.TOKEN, max_retries=0
    ) as made:
        yield made


@pytest.fixture
async def http(gateway: RunningGateway) -> AsyncIterator[httpx.AsyncClient]:
    """With the administrator's token."""
    async with httpx.AsyncClient(base_url=gateway.url, headers=testing.AUTH, timeout=20) as client:
        yield client


@pytest.fixture
def neighbours(nats: NatsServer, discord: Discord) -> Neighbours:
    return Neighbours(nats, Community(discord))
