"""The lease of a conversation: the same promises from the real one and the fake."""

import asyncio
import time

import pytest

from palabre.chassis.bus import Bus
from palabre.chassis.errors import Busy, Unavailable
from palabre.chassis.leases import Lease, Leases, MemoryLeases, NatsLeases
from palabre.chassis.streams import LEASE_TTL_S


@pytest.fixture(params=["nats", "memory"])
def leases(request: pytest.FixtureRequest) -> Leases:
    if request.param == "memory":
        return MemoryLeases()
    return NatsLeases(request.getfixturevalue("llm"))


async def test_a_held_conversation_is_busy(leases: Leases) -> None:
    async with leases.hold("a"):
        with pytest.raises(Busy):
            async with leases.hold("a"):
                pass


async def test_another_conversation_is_free(leases: Leases) -> None:
    async with leases.hold("a"), leases.hold("b"):
        pass


async def test_attempts_only_grow(leases: Leases) -> None:
    attempts = []
    for key in ("a", "b", "a", "a"):
        async with leases.hold(key) as attempt:
            attempts.append(attempt)
        await asyncio.sleep(0.05)
    assert attempts == sorted(set(attempts))


async def test_a_lease_whose_holder_failed_may_be_taken_again_at_once(leases: Leases) -> None:
    attempts = []

    async def fail() -> None:
        async with leases.hold("a") as attempt:
            attempts.append(attempt)
            raise RuntimeError

    for _ in range(20):
        with pytest.raises(RuntimeError):
            await fail()
    assert attempts == sorted(set(attempts))
    assert len(attempts) == 20


async def test_a_lease_taken_over_cancels_its_holder_and_is_not_released_by_it(
    llm: Bus,
) -> None:
    leases = NatsLeases(llm, renew_every_s=0.2)

    async def lose_it() -> None:
        async with leases.hold("a"):
            await llm.js.publish("$KV.leases.a", b"")  # as the next holder does after the TTL
            await asyncio.sleep(5)

    with pytest.raises(Unavailable, match="the lease was lost"):
        await lose_it()
    await asyncio.sleep(0.05)
    with pytest.raises(Busy):
        async with leases.hold("a"):
            pass


async def test_a_held_lease_is_renewed(llm: Bus) -> None:
    leases = NatsLeases(llm, renew_every_s=0.05)
    async with leases.hold("a"):
        await asyncio.sleep(0.3)
        info = await llm.js.stream_info("KV_leases")
        assert info.state.last_seq > 2
        with pytest.raises(Busy):
            async with leases.hold("a"):
                pass


async def test_a_holder_is_sure_only_while_nobody_else_can_have_it(llm: Bus) -> None:
    async with NatsLeases(llm).lease("a") as lease:
        assert lease.is_sure
    old = Lease(llm, "a", 1, time.monotonic() - LEASE_TTL_S)
    assert not old.is_sure
