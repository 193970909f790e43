"""The discord service as processes of their own, which are stopped, killed and woken again."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from palabre.channels.testing import ScriptedAnswers, completed, delta, source
from palabre.chassis.testing import NatsServer, service_process
from palabre.cli.testing import running
from palabre.contracts.v1 import events_pb2 as pb
from tests.integration.discord_service import Community
from tests.standins.discord import Thread

TEXT = "Le loyer est dû le cinq du mois, et la caution vous est rendue en deux mois [1]."


@pytest.fixture
def script() -> Callable[[pb.Event], Iterable[Any]]:
    """An answer of three seconds."""

    def play(event: pb.Event) -> Iterable[Any]:
        for place in range(0, len(TEXT), 4):
            yield delta(TEXT[place : place + 4], place)
            yield 0.15
        yield completed(TEXT, source())

    return play


@pytest.fixture
async def settings(nats: NatsServer, community: Community) -> Mapping[str, str]:
    await nats.apply("demo", community.space())
    return {
        "PALABRE_DISCORD_TOKEN": "token",
        "PALABRE_DISCORD_API": community.discord.api,
        "PALABRE_DISCORD_EDIT_S": "0.5",
    }


@contextlib.asynccontextmanager
async def replica(
    nats: NatsServer, settings: Mapping[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    async with service_process(nats, "discord", settings) as process:
        yield process


async def begun(community: Community) -> Thread:
    """A post whose answer is being written."""
    post = await community.ask()
    await community.discord.seen(post, lambda m: "Le loyer" in m.content)
    return post


async def test_a_process_that_is_killed_in_the_middle_of_an_answer_finishes_it_once(
    nats: NatsServer, community: Community, llm: ScriptedAnswers, settings: Mapping[str, str]
) -> None:
    async with replica(nats, settings) as process:
        await community.discord.until(lambda: community.bot.online, 15)
        post = await begun(community)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    async with replica(nats, settings):
        await community.answered(post)
    assert len(llm.heard) == 1


async def test_a_process_that_is_stopped_loses_its_bot_and_does_nothing_when_it_wakes_up(
    nats: NatsServer, community: Community, llm: ScriptedAnswers, settings: Mapping[str, str]
) -> None:
    async with replica(nats, settings) as first:
        await community.discord.until(lambda: community.bot.online, 15)
        async with replica(nats, settings):
            post = await begun(community)
            first.send_signal(signal.SIGSTOP)
            meanwhile = await community.ask()
            answer = await community.answered(post)
            await community.answered(meanwhile)
            seen = len(answer.versions)
            first.send_signal(signal.SIGCONT)
            await community.answered(await community.ask())
            await asyncio.sleep(1.0)
            assert len(answer.versions) == seen
            assert TEXT in answer.content
            assert len(community.bot.sessions) <= 2
            await community.answered(meanwhile)
    assert len(llm.heard) == 3


async def test_palabre_run_starts_the_bots_that_have_a_token_and_shows_them(
    community: Community, tmp_path: Path
) -> None:
    values = {"PALABRE_DISCORD_TOKEN": "token", "PALABRE_DISCORD_API": community.discord.api}
    system = running(tmp_path, values, spaces=_space(community, tmp_path / "spaces"))
    started = await asyncio.to_thread(system.__enter__)
    try:
        await community.discord.until(lambda: community.bot.online, 15)
        post = await community.ask()
        answer = await community.discord.seen(post, lambda m: "loyer" in m.shown.lower(), 20)
        assert answer.author is community.bot.user
        shown = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "palabre.cli", "status"),
            env=os.environ | started.environment,
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await shown.communicate()
        assert "discord" in output.decode()
    finally:
        await asyncio.to_thread(system.__exit__, None, None, None)


def _space(community: Community, folder: Path) -> Path:
    (folder / "demo" / "personas").mkdir(parents=True)
    (folder / "demo" / "knowledge").mkdir()
    (folder / "demo" / "space.toml").write_text(
        f"""
schema = 1
name = "Démonstration"
languages = ["fr"]
default_persona = "camille"
greeting = {{ fr = "Bonjour !" }}
[channels.discord]
[discord]
servers = ["{community.server.id}"]
[[discord.forums]]
channel = "{community.forum.id}"
""",
        encoding="utf-8",
    )
    (folder / "demo" / "personas" / "camille.toml").write_text(
        'name = "Camille"\nidentity = { fr = "Vous êtes Camille." }\n', encoding="utf-8"
    )
    (folder / "demo" / "knowledge" / "loyer.md").write_text(
        "# Le loyer\n\nLe loyer est dû le cinq de chaque mois. Pour le payer, utilisez le"
        " prélèvement automatique ou le virement.\n",
        encoding="utf-8",
    )
    return folder
