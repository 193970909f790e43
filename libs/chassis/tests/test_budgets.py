"""Budgets: never more than one request over, nothing counted twice, nothing held for ever."""

import asyncio
import datetime as dt
import json
import sys
from typing import Any

import pytest

from palabre.chassis import spaces
from palabre.chassis.budgets import Bearer, Budgets, Cost, Delivery, person_of
from palabre.chassis.counters import Counters, MemoryCounters, NatsCounters
from palabre.chassis.errors import Unavailable
from palabre.chassis.spaces import InvalidSpace, Space
from palabre.chassis.testing import NatsServer, until

NOON = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)
LATER = NOON.timestamp() + 300


@pytest.fixture(params=["nats", "memory"])
def counters(request: pytest.FixtureRequest) -> Counters:
    if request.param == "memory":
        return MemoryCounters()
    return NatsCounters(request.getfixturevalue("llm"))


class Clock:
    def __init__(self, now: dt.datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now


def space(**budgets: Any) -> Space:
    persona = {"name": "Camille", "identity": {"fr": "Vous êtes Camille."}}
    return spaces.parse(
        {
            "schema": 1, "name": "Essai", "languages": ["fr"], "default_persona": "camille",
            "greeting": {"fr": "Bonjour."}, "personas": {"camille": persona},
            "budgets": budgets,
        }
    )  # fmt: skip


def bearer(person: str = "p", member_of: tuple[str, ...] = (), **budgets: Any) -> Bearer:
    return Bearer("demo", space(**budgets), "camille", person, member_of)


def delivery(turn: str, number: int = 1, stage: str = "answer") -> Delivery:
    return Delivery(turn, stage, number, LATER)


async def total(counters: Counters, who: Bearer) -> int:
    [limit] = who.limits
    return (await counters.totals([who.counter(limit, NOON)]))[0]


async def test_what_was_added_is_not_added_again(counters: Counters) -> None:
    name = "palabre.v1.budgets.demo.turns.space.all.2026-11-28"
    assert await counters.totals([name]) == [0]
    assert await counters.add(name, 5, "a") == 5
    assert await counters.add(name, 5, "a") == 5
    assert await counters.add(name, -2, "b") == 3
    assert await counters.totals([f"{name}9", name]) == [0, 3]


async def test_records_are_found_by_a_part_of_their_key_until_released(counters: Counters) -> None:
    place = await counters.hold("t-1.answer.1", b"one")
    await counters.hold("t-2.answer.1", b"two")
    assert [h.record for h in await counters.held("t-1.answer.*")] == [b"one"]
    assert len(await counters.held(">")) == 2
    await counters.release(place)
    await counters.release(place)

    async def gone() -> bool:
        return not await counters.held("t-1.answer.*")

    await until(gone)


async def test_a_turn_over_the_limit_is_told_when_it_opens_again(counters: Counters) -> None:
    budgets, who = Budgets(counters, Clock()), bearer(turns_per_person_per_day=2)
    for turn in ("t-1", "t-2"):
        assert (await budgets.reserve(who, delivery(turn), turns=1)).spent is None
    assert await budgets.reached(who)
    refused = await budgets.reserve(who, delivery("t-3"), turns=1)
    assert refused.spent
    assert refused.spent.limit.name == "turns_per_person_per_day"
    assert refused.spent.opens.isoformat() == "2026-11-29T00:00:00+01:00"
    await budgets.settle(refused, 0, refused=True)
    assert await total(counters, who) == 2
    assert (
        await budgets.reserve(bearer("q", turns_per_person_per_day=2), delivery("t-4"))
    ).spent is None


GROUPS = {
    "members": {"turns_per_person_per_day": 5, "cost_per_person_per_month": 2.5},
    "helpers": {"turns_per_person_per_day": 9},
    "team": {"turns_per_person_per_day": 0},
}


@pytest.mark.parametrize(
    ("groups", "day", "month"),
    [
        ((), 2, 500_000),
        (("public", "strangers"), 2, 500_000),
        (("members",), 5, 2_500_000),
        (("helpers",), 9, 500_000),
        (("members", "helpers"), 9, 2_500_000),
        (("members", "team"), None, 2_500_000),
    ],
)
def test_a_person_of_several_groups_has_the_largest_of_their_limits(
    groups: tuple[str, ...], day: int | None, month: int
) -> None:
    limits = bearer(
        member_of=groups, turns_per_person_per_day=2, cost_per_person_per_month=0.5,
        turns_per_space_per_day=50, groups=GROUPS,
    ).limits  # fmt: skip
    most = {limit.name: limit.most for limit in limits}
    assert most.get("turns_per_person_per_day") == day
    assert most["cost_per_person_per_month"] == month
    assert most["turns_per_space_per_day"] == 50


async def test_a_group_may_be_all_that_is_limited(counters: Counters) -> None:
    budgets, given = Budgets(counters, Clock()), {"new": {"turns_per_person_per_day": 1}}
    new, old = bearer("n", ("new",), groups=given), bearer("o", groups=given)
    assert new.space.budgets.all
    for who, refused in ((new, True), (old, False)):
        await budgets.reserve(who, delivery(f"{who.person}-1"), turns=1)
        again = await budgets.reserve(who, delivery(f"{who.person}-2"), turns=1)
        assert bool(again.spent) == refused


async def test_a_role_that_is_taken_away_counts_what_was_used_with_it(counters: Counters) -> None:
    budgets = Budgets(counters, Clock())
    limits: dict[str, Any] = {"turns_per_person_per_day": 2, "groups": GROUPS}
    for turn in range(4):
        made = await budgets.reserve(
            bearer("p", ("helpers",), **limits), delivery(f"t-{turn}"), turns=1
        )
        assert made.spent is None
    assert (await budgets.reserve(bearer("p", **limits), delivery("t-5"), turns=1)).spent


async def test_a_person_is_told_what_is_left_of_what_binds_them(counters: Counters) -> None:
    limits: dict[str, Any] = {
        "turns_per_person_per_day": 3, "cost_per_person_per_month": 1, "turns_per_space_per_day": 9,
    }  # fmt: skip
    budgets, who = Budgets(counters, Clock()), bearer(**limits)
    held = await budgets.reserve(who, delivery("t-1"), turns=1, cost=Cost(700_000))
    assert [
        (s.limit.name, s.used, s.left, f"{s.opens:%d %B}") for s in await budgets.standings(who)
    ] == [
        ("turns_per_person_per_day", 1, 2, "29 November"),
        ("cost_per_person_per_month", 700_000, 300_000, "01 December"),
        ("turns_per_space_per_day", 1, 8, "29 November"),
    ]
    await budgets.settle(held, 1_200_000)
    assert [s.left for s in await budgets.standings(who)] == [2, 0, 8]
    assert await budgets.standings(bearer()) == []


async def test_an_event_that_is_delivered_twice_takes_once(counters: Counters) -> None:
    budgets, who = Budgets(counters, Clock()), bearer(turns_per_person_per_day=9)
    for number in (1, 2, 3):
        await budgets.reserve(who, delivery("t-1", number), turns=1)
    assert await total(counters, who) == 1


async def test_what_was_held_becomes_what_it_cost(counters: Counters) -> None:
    budgets, who = Budgets(counters, Clock()), bearer(cost_per_space_per_day=1)
    made = await budgets.reserve(who, delivery("t-1"), cost=Cost(900_000))
    assert await total(counters, who) == 900_000
    for _ in range(2):
        await budgets.settle(made, 250_000)
    assert await total(counters, who) == 250_000


async def test_at_most_one_request_goes_over_a_cost(counters: Counters) -> None:
    budgets, who = Budgets(counters, Clock()), bearer(cost_per_space_per_day=1)
    reserved = await asyncio.gather(
        *(budgets.reserve(who, delivery(f"t-{n}"), cost=Cost(300_000)) for n in range(12))
    )
    taken = [made for made in reserved if made.spent is None]
    assert len(taken) == 4  # 0.9 is under the limit, 1.2 is the one over


async def test_what_costs_nothing_is_not_held_up_by_a_cost_that_is_spent(
    counters: Counters,
) -> None:
    budgets, who = Budgets(counters, Clock()), bearer(cost_per_space_per_day=1)
    await budgets.reserve(who, delivery("t-1"), cost=Cost(1_000_000))
    assert (await budgets.reserve(who, delivery("t-2"), turns=1)).spent is None
    assert (await budgets.reserve(who, delivery("t-3"), cost=Cost(0))).spent


async def test_who_is_refused_by_a_narrow_limit_takes_nothing_of_a_wide_one(
    counters: Counters,
) -> None:
    who = bearer(turns_per_person_per_day=1, turns_per_space_per_month=100)
    budgets = Budgets(counters, Clock())
    wide = who.limits[1]
    await budgets.reserve(who, delivery("t-1"), turns=1)
    assert (await budgets.reserve(who, delivery("t-2"), turns=1)).spent
    assert await counters.totals([who.counter(wide, NOON)]) == [1]


async def test_of_two_limits_the_one_that_opens_later_is_told(counters: Counters) -> None:
    who = bearer(turns_per_space_per_day=1, turns_per_space_per_month=1)
    budgets = Budgets(counters, Clock())
    await budgets.reserve(who, delivery("t-1"), turns=1)
    refused = await budgets.reserve(who, delivery("t-2"), turns=1)
    assert refused.spent
    assert refused.spent.opens.isoformat() == "2026-12-01T00:00:00+01:00"


async def test_a_new_day_of_the_space_begins_at_its_midnight(counters: Counters) -> None:
    clock, who = (
        Clock(dt.datetime(2026, 11, 28, 22, 59, tzinfo=dt.UTC)),
        bearer(turns_per_space_per_day=1),
    )
    budgets = Budgets(counters, clock)
    await budgets.reserve(who, delivery("t-1"), turns=1)
    assert await budgets.reached(who)
    clock.now += dt.timedelta(minutes=1)
    assert await budgets.reached(who) is None


async def test_the_next_delivery_settles_what_a_dead_one_held(counters: Counters) -> None:
    budgets, who = Budgets(counters, Clock()), bearer(cost_per_space_per_day=1)
    cost = Cost(500_000, 20_000, b"a call")
    await budgets.reserve(who, delivery("t-1"), cost=cost)  # and then it dies
    again = await budgets.reserve(who, delivery("t-1", 2), cost=cost)
    assert again.left == [b"a call"]
    assert await total(counters, who) == 520_000
    await budgets.settle(again, 100_000)
    assert await total(counters, who) == 120_000


async def test_what_nobody_settles_comes_back_once_the_turn_s_time_is_over(
    counters: Counters,
) -> None:
    clock, who = Clock(), bearer(cost_per_space_per_day=1)
    budgets, other = Budgets(counters, clock), Budgets(counters, clock)
    await budgets.reserve(who, delivery("t-1"), cost=Cost(500_000, 20_000))
    assert await budgets.sweep() == 0
    clock.now += dt.timedelta(minutes=6)
    await asyncio.gather(budgets.sweep(), other.sweep())
    assert await total(counters, who) == 20_000


async def test_one_that_dies_before_it_has_taken_anything_costs_what_its_call_may_have(
    counters: Counters,
) -> None:
    clock, who = Clock(), bearer(cost_per_space_per_day=1)
    name = who.counter(who.limits[0], NOON)
    record = {"costs": {name: 500_000}, "least": 20_000, "note": "", "until": 0.0}
    await counters.hold("t-1.answer.1", json.dumps(record | {"at": NOON.timestamp()}).encode())
    await Budgets(counters, clock).sweep()
    assert await total(counters, who) == 20_000


async def test_one_that_settles_after_the_sweep_frees_nothing_twice(counters: Counters) -> None:
    clock, who = Clock(), bearer(cost_per_space_per_day=1)
    budgets = Budgets(counters, clock)
    made = await budgets.reserve(who, delivery("t-1"), cost=Cost(500_000))
    clock.now += dt.timedelta(minutes=6)
    await budgets.sweep()
    await budgets.settle(made, 300_000)
    assert await total(counters, who) == 0


async def test_a_server_that_was_killed_still_knows_what_was_added(server: NatsServer) -> None:
    name = "palabre.v1.budgets.demo.turns.space.all.2026-11-28"
    bus = await server.bus("llm")
    assert await NatsCounters(bus).add(name, 1, "a") == 1
    await bus.close()
    await server.kill()
    await server.start()
    bus = await server.bus("llm")
    assert await NatsCounters(bus).add(name, 1, "a") == 1
    await bus.close()


async def test_counters_that_are_away_are_unavailable(server: NatsServer) -> None:
    bus = await server.bus("llm")
    await server.kill()
    with pytest.raises(Unavailable):
        await NatsCounters(bus).add("palabre.v1.budgets.a", 1, "a")
    await bus.close()


@pytest.mark.parametrize("user", ["gateway", "discord"])
async def test_a_channel_may_look_and_not_spend(server: NatsServer, user: str) -> None:
    bus = await server.bus(user)
    counters, who = NatsCounters(bus), bearer(turns_per_space_per_day=1)
    assert await Budgets(counters, Clock()).reached(who) is None
    assert [each.left for each in await Budgets(counters, Clock()).standings(who)] == [1]
    with pytest.raises(Unavailable):
        await counters.add("palabre.v1.budgets.a", 1, "a")
    await bus.close()


@pytest.mark.parametrize(
    ("people", "budgets"),
    [
        (7, {"turns_per_space_per_day": 37, "turns_per_person_per_day": 100}),
        (1, {"turns_per_person_per_day": 5, "groups": {"team": {"turns_per_person_per_day": 37}}}),
    ],
)
async def test_200_requests_on_two_replicas_get_what_is_left_and_no_more(
    server: NatsServer, people: int, budgets: dict[str, Any]
) -> None:
    """Each replica is a process of its own; 37 turns are left for 200 that come at once."""
    replicas = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", _REPLICA, server.url, server.users["llm"], name, str(people),
            json.dumps(budgets),
            stdout=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.PIPE,
        )
        for name in ("a", "b")
    ]  # fmt: skip
    for replica in replicas:
        assert replica.stdout
        assert await replica.stdout.readline() == b"ready\n"
    told = await asyncio.gather(*(replica.communicate(b"go\n") for replica in replicas))
    taken = [int(out.split()[0]) for out, _ in told]
    assert sum(taken) == 37


_REPLICA = """
import asyncio, json, sys
from palabre.chassis import spaces
from palabre.chassis.budgets import Bearer, Budgets, Delivery
from palabre.chassis.bus import Bus
from palabre.chassis.counters import NatsCounters

url, word, name, people, budgets = sys.argv[1:]
persona = {"name": "Camille", "identity": {"fr": "Camille."}}
space = spaces.parse({"schema": 1, "name": "Essai", "languages": ["fr"],
    "default_persona": "camille", "greeting": {"fr": "Bonjour."}, "personas": {"camille": persona},
    "budgets": json.loads(budgets)})

async def main():
    bus = await Bus.connect(url, "llm", "llm", word)
    budgets = Budgets(NatsCounters(bus))

    async def ask(n):
        who = Bearer("demo", space, "camille", f"p{n % int(people)}", ("team",))
        made = await budgets.reserve(who, Delivery(f"{name}-{n}", "comprehend", 1, 0.0), turns=1)
        await budgets.settle(made, 0, refused=made.spent is not None)
        return made.spent is None

    print("ready", flush=True)
    sys.stdin.readline()
    print(sum(await asyncio.gather(*(ask(n) for n in range(100)))), flush=True)
    await bus.close()

asyncio.run(main())
"""


def test_a_person_is_a_token_that_tells_nothing() -> None:
    assert person_of("web", "a.b c") != person_of("api", "a.b c")
    assert len(person_of("web", "a.b c")) == 32
    assert person_of("web", "") == ""


def test_money_in_another_currency_needs_a_rate() -> None:
    with pytest.raises(InvalidSpace, match="what a dollar is worth in EUR"):
        space(cost_per_space_per_day=1, currency="EUR")
    assert space(cost_per_space_per_day=1, currency="EUR", rates={"USD": 0.9}).budgets.all


def test_a_time_zone_that_does_not_exist_is_named() -> None:
    with pytest.raises(InvalidSpace, match="Europe/Paname"):
        spaces.parse(json.loads(space().to_json()) | {"timezone": "Europe/Paname"})
