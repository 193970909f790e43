"""Every replica knows which bots there are, wherever they run."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from palabre.chassis.bus import Bus
from palabre.chassis.testing import NatsServer
from palabre.discord.registry import ABSENT_S, Registry
from palabre.discord.routing import Bot

CAMILLE, HUGO = Bot("default", 1, frozenset({10})), Bot("hugo", 2, frozenset({10, 11}))


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[Bus]:
    async with NatsServer(tmp_path) as server:
        bus = await server.bus("discord")
        yield bus
        await bus.close()


async def test_replicas_know_each_others_bots(bus: Bus) -> None:
    one, two = Registry(bus, lambda: [CAMILLE]), Registry(bus, lambda: [HUGO])
    for each in (one, two, one):
        await each.refresh()
    assert one.bots == two.bots == {"default": CAMILLE, "hugo": HUGO}


async def test_a_bot_that_was_not_heard_of_for_long_is_not_reckoned_with(bus: Bus) -> None:
    now = 1_000.0
    gone = Registry(bus, lambda: [HUGO], lambda: now)
    here = Registry(bus, lambda: [CAMILLE], lambda: now)
    await gone.refresh()
    await here.refresh()
    assert set(here.bots) == {"default", "hugo"}
    now += ABSENT_S + 1
    await here.refresh()
    assert set(here.bots) == {"default"}
