"""Two hundred conversations and dead letters; `python -m bench.replay` takes 10,000."""

import asyncio
from collections.abc import Sequence

import httpx

from bench.replay import recording
from palabre.chassis import dead_letters
from palabre.chassis.testing import NatsServer
from palabre.cli.replay import identity, recorded
from palabre.gateway.testing import AUTH, RunningGateway


async def test_every_turn_of_two_hundred_conversations_is_rebuilt_as_it_was_archived(
    nats: NatsServer, gateway: RunningGateway
) -> None:
    bus = await nats.bus("operator")
    turns = await recording.conversations(bus, 200)
    await identity.current(bus)
    verdict = identity.Verdict()
    with httpx.Client(base_url=gateway.url, headers=AUTH, timeout=60) as client:

        def rows(ids: Sequence[str]) -> dict[str, identity.Row]:
            return identity.rows(client, ids)

        async for page in recorded.ended(bus):
            await asyncio.to_thread(identity.compare, page, rows, verdict)
    assert (verdict.turns, verdict.differences) == (turns, [])
    await bus.close()


async def test_two_hundred_dead_letters_fall_into_a_few_causes(nats: NatsServer) -> None:
    bus = await nats.bus("operator")
    await recording.letters(bus, 200)
    found = await dead_letters.found(bus)
    assert len(found) == 200
    assert len({(letter.stage, letter.cause) for letter in found}) == 6
    await bus.close()
