"""A turn that is asked again for comparing: any model, no budget, nothing that others notice."""

from typing import Any

import pytest

from palabre.chassis import replays
from palabre.chassis.budgets import Budgets
from palabre.chassis.descriptions import MemoryDescriptions
from palabre.chassis.errors import Reject
from palabre.chassis.testing import MemoryCounters, MemoryHistories, MemoryLeases, collect
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Attachment, Exchange
from palabre.llm import handlers
from palabre.llm.answer import Answering
from palabre.llm.comprehend import Comprehension
from palabre.llm.engines.extractive import Extractive
from palabre.llm.engines.scripted import Scripted
from palabre.llm.errors import Broken
from palabre.llm.ladder import Ladder
from palabre.llm.prompts import Prompting

from .a_turn import known, make_space, received, retrieved, spending, vision

BLOB = "logement/" + "a" * 64


def replay(event: pb.Event) -> pb.Event:
    event.channel = replays.CHANNEL
    return event


class House:
    """Both stages of a space where a person may ask once a day; its persona asks small@mine."""

    def __init__(self, model: Scripted) -> None:
        self.ladder = Ladder({"mine": model, "extractive": Extractive()})
        self.space = known(
            make_space(persona={"models": ["small@mine"]}, budgets={"turns_per_person_per_day": 1})
        )
        self.histories, self.counters = MemoryHistories(), MemoryCounters()
        self.descriptions = MemoryDescriptions()
        self.spending = spending(budgets=Budgets(self.counters))
        self.vision = vision(self.ladder, descriptions=self.descriptions)

    async def understood(self, event: pb.Event) -> pb.UtteranceUnderstood:
        by = Comprehension(self.ladder, Prompting(), timeout_s=5.0)
        handle = handlers.comprehender(self.space, self.histories, by, self.vision, self.spending)
        [found] = await collect(handle(event))
        return found.utterance_understood

    async def answered(self, event: pb.Event) -> pb.Event:
        async def unshown(event: pb.Event) -> bool:
            return False

        by = Answering(
            self.space, MemoryLeases(), self.histories, self.ladder, self.vision, shown=unshown
        )
        *_, last = await collect(handlers.answerer(by, self.spending)(event))
        return last


IMAGE = Attachment(name="a.jpg", blob=BLOB, media_type="image/jpeg", width=1, height=1)


async def test_a_replay_is_answered_by_the_model_that_was_named_and_by_no_model_else() -> None:
    house = House(model := Scripted([[Broken("cut")]]))
    again = replay(retrieved(model="huge@mine", replay=True, carries_history=True))
    completed = (await house.answered(again)).answer_completed
    assert [asked.model for asked in model.asked] == ["huge"]
    assert completed.usage.engine == "extractive"


async def test_a_replay_counts_against_nobody_s_budget() -> None:
    house = House(Scripted())
    for _ in range(2):
        said: dict[str, Any] = {"replay": True, "carries_history": True}
        assert (
            await house.understood(replay(received("Quand ?", **said)))
        ).understanding.spent == ""
    person = await house.understood(received("Quand ?"))
    assert person.understanding.spent == ""  # the first that counts


async def test_a_replay_leaves_no_history() -> None:
    house = House(Scripted())
    again = replay(retrieved(replay=True))
    await house.answered(again)
    assert await house.histories.read(again) == []


async def test_a_replay_looks_at_no_image_that_was_not_described() -> None:
    house = House(model := Scripted(seeing=True))
    again = replay(received("Qu'est-ce ?", attachments=[IMAGE], replay=True, carries_history=True))
    assert list((await house.understood(again)).understanding.images) == [""]
    assert model.asked == []
    await house.descriptions.write(BLOB, "Un chauffe-eau.")
    again = replay(received("Qu'est-ce ?", attachments=[IMAGE], replay=True, carries_history=True))
    assert list((await house.understood(again)).understanding.images) == ["Un chauffe-eau."]


@pytest.mark.parametrize("channel", ["web", "discord", "api", "sms", "phone"])
async def test_a_replay_in_a_channel_of_people_is_refused_by_both_stages(channel: str) -> None:
    house = House(Scripted())
    for handle, event in (
        (house.understood, received("Quand ?", replay=True)),
        (house.answered, retrieved(replay=True)),
    ):
        event.channel = channel
        with pytest.raises(Reject, match="replay"):
            await handle(event)


async def test_nor_is_a_person_s_turn_taken_for_a_replay() -> None:
    with pytest.raises(Reject, match="replay"):
        await House(Scripted()).understood(replay(received("Quand ?")))


async def test_a_replay_has_the_history_that_it_brings() -> None:
    house = House(Scripted())
    past = [Exchange(turn="t-0", question="Qui paie ?", answer="Le bailleur.")]
    again = replay(received("Et quand ?", replay=True, carries_history=True, carried_history=past))
    assert [e.answer for e in (await house.understood(again)).history] == ["Le bailleur."]
