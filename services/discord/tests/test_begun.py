"""Commands that a restart breaks off, on a real bus."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from palabre.chassis.testing import NatsServer
from palabre.discord.begun import Begun
from palabre.discord.interactions import Interaction
from palabre.discord.messages import Person
from palabre.discord.posts import said_at

ASKED = Interaction(
    id=1_400_000_000_000_000_000,
    token="token",
    kind="command",
    name="resume",
    person=Person(7, "Mona", roles=(1, 2), manages_messages=True),
    channel=3,
    server=4,
    values={"sujet": "l'ascenseur en panne", "public": True},
)


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[NatsServer]:
    (tmp_path / "nats").mkdir()
    async with NatsServer(tmp_path / "nats") as server:
        yield server


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


async def begin(begun: Begun) -> asyncio.Task[None]:
    entered = asyncio.Event()

    async def run() -> None:
        async with begun.noted(ASKED):
            entered.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(run())
    await entered.wait()
    return task


async def test_what_is_broken_off_is_taken_once_and_leaves_no_words(
    nats: NatsServer, tmp_path: Path
) -> None:
    bus = await nats.bus("discord")
    begun = Begun("default", bus, lambda: said_at(ASKED.id) + 60)
    task = await begin(begun)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await Begun("hugo", bus).left() == []
    assert await begun.left() == [ASKED]
    assert await begun.left() == []
    assert b"ascenseur en panne" not in everything_in(tmp_path)
    await bus.close()


async def test_what_is_over_or_too_old_is_not_run_again(nats: NatsServer) -> None:
    bus = await nats.bus("discord")
    begun = Begun("default", bus, lambda: said_at(ASKED.id) + 60)
    with pytest.raises(ValueError, match="wrong"):
        async with begun.noted(ASKED):
            raise ValueError("wrong")
    assert await begun.left() == []
    task = await begin(begun)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await Begun("default", bus, lambda: said_at(ASKED.id) + 15 * 60).left() == []
    await bus.close()
