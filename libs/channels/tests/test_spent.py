"""Whose budget is spent is told before the question is admitted."""

from collections.abc import Sequence
from typing import Any

from palabre.channels.admission import Thread
from palabre.channels.spent import spent
from palabre.chassis import spaces
from palabre.chassis.budgets import Bearer, Budgets, Delivery, person_of
from palabre.chassis.errors import Unavailable
from palabre.chassis.spaces import Space
from palabre.chassis.testing import MemoryCounters
from palabre.contracts.v1.turns_pb2 import Author, Utterance

THREAD = Thread("demo", "discord", "c-1")
ASKED = Utterance(text="Quand ?", author=Author(id="ana"))
ONE_A_DAY = {"turns_per_person_per_day": 1}


class AbsentCounters(MemoryCounters):
    async def totals(self, counters: Sequence[str]) -> list[int]:
        raise Unavailable("counters")


def space(**budgets: Any) -> Space:
    persona = {"name": "Camille", "identity": {"fr": "Vous êtes Camille."}}
    return spaces.parse(
        {
            "schema": 1, "name": "Essai", "languages": ["fr"], "default_persona": "camille",
            "greeting": {"fr": "Bonjour."}, "personas": {"camille": persona}, "budgets": budgets,
        }
    )  # fmt: skip


async def having_asked(person: str, **budgets: Any) -> Budgets:
    made = Budgets(MemoryCounters())
    bearer = Bearer("demo", space(**budgets), "camille", person_of("discord", person))
    await made.reserve(bearer, Delivery("t-1", "comprehend", 1, 0), turns=1)
    return made


async def test_who_has_asked_enough_is_told_until_when() -> None:
    budgets = await having_asked("ana", **ONE_A_DAY)
    reached = await spent(budgets, THREAD, space(**ONE_A_DAY), ASKED)
    assert reached
    assert reached.phrase == "budget_person_day"


async def test_others_may_ask() -> None:
    budgets = await having_asked("bo", **ONE_A_DAY)
    assert await spent(budgets, THREAD, space(**ONE_A_DAY), ASKED) is None
    assert await spent(budgets, THREAD, space(), ASKED) is None


async def test_members_of_a_group_may_ask_as_much_as_it_has() -> None:
    rules = ONE_A_DAY | {"groups": {"team": {"turns_per_person_per_day": 2}}}
    budgets, asked = await having_asked("ana", **rules), Author(id="ana", groups=["team"])
    assert await spent(budgets, THREAD, space(**rules), ASKED)
    assert await spent(budgets, THREAD, space(**rules), Utterance(author=asked)) is None


async def test_a_space_that_steps_down_refuses_nobody() -> None:
    rules = ONE_A_DAY | {"when_spent": "step-down", "models": ["small"]}
    assert await spent(await having_asked("ana", **rules), THREAD, space(**rules), ASKED) is None


async def test_while_counters_are_away_the_turn_decides() -> None:
    assert await spent(Budgets(AbsentCounters()), THREAD, space(**ONE_A_DAY), ASKED) is None
