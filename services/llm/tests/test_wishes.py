"""What a person chose for one turn: a model that their channel offers, tu or vous."""

from typing import Any

import pytest

from palabre.chassis.spaces import Space
from palabre.chassis.testing import MemoryHistories, MemoryLeases, collect
from palabre.contracts.v1 import events_pb2 as pb
from palabre.llm import handlers, metrics
from palabre.llm.answer import Answering
from palabre.llm.comprehend import Comprehension
from palabre.llm.engines.extractive import Extractive
from palabre.llm.engines.scripted import Scripted
from palabre.llm.errors import Broken
from palabre.llm.ladder import Ladder
from palabre.llm.prompts import Prompting

from .a_turn import known, make_space, received, retrieved, spending, vision

OFFERED = {"models": ["small@mine", "large@mine", "gone@elsewhere"]}


class House:
    """Both stages; "mine" and "theirs" are endpoints, and the persona's model is small@mine."""

    def __init__(self, mine: Scripted, theirs: Scripted | None = None, **space: Any) -> None:
        engines = {"mine": mine, "theirs": theirs or Scripted(name="theirs")}
        self.ladder = Ladder(engines | {"extractive": Extractive()})
        given: dict[str, Any] = {"persona": {"models": ["small@mine"]}, "discord": OFFERED} | space
        self.space: Space = make_space(**given)

    async def answered(self, **utterance: Any) -> pb.AnswerCompleted:
        async def unshown(event: pb.Event) -> bool:
            return False

        by = Answering(
            known(self.space), MemoryLeases(), MemoryHistories(), self.ladder,
            vision(self.ladder), shown=unshown,
        )  # fmt: skip
        handle = handlers.answerer(by, spending())
        *_, last = await collect(handle(retrieved(**utterance)))
        return last.answer_completed

    async def ignored(self, **utterance: Any) -> bool:
        counter = metrics.MODELS_IGNORED.labels("logement")
        before = counter._value.get()
        by = Comprehension(self.ladder, Prompting(), timeout_s=5.0)
        handle = handlers.comprehender(
            known(self.space), MemoryHistories(), by, vision(self.ladder), spending()
        )
        await collect(handle(received("Quand ?", **utterance)))
        return bool(counter._value.get() > before)


async def test_a_chosen_model_answers_this_turn_and_no_other() -> None:
    house = House(model := Scripted())
    await house.answered(model="large@mine")
    await house.answered()
    assert [asked.model for asked in model.asked] == ["large", "small"]


async def test_the_persona_s_own_models_follow_when_it_fails() -> None:
    house = House(model := Scripted([[Broken("cut")], ["Un mois [1]."]]))
    completed = await house.answered(model="large@mine")
    assert completed.text == "Un mois [1]."
    assert [asked.model for asked in model.asked] == ["large", "small"]


async def test_so_do_the_deployment_s_where_the_persona_names_none() -> None:
    model = Scripted([[Broken("cut")], ["Un mois [1]."]])
    house = House(model, persona={})
    house.ladder = Ladder({"mine": model, "extractive": Extractive()}, ["own@mine"])
    assert (await house.answered(model="large@mine")).text == "Un mois [1]."
    assert [asked.model for asked in model.asked] == ["large", "own"]


@pytest.mark.parametrize("model", ["huge@mine", "large@theirs", "gone@elsewhere", "theirs"])
async def test_a_model_that_is_not_offered_or_not_set_up_is_ignored_and_counted(model: str) -> None:
    house = House(own := Scripted(), theirs := Scripted(name="theirs"))
    await house.answered(model=model)
    assert [asked.model for asked in own.asked] == ["small"]
    assert theirs.asked == []
    assert await house.ignored(model=model)
    assert not await house.ignored(model="large@mine")
    assert not await house.ignored()


@pytest.mark.parametrize("own", ["vous", "tu"])
@pytest.mark.parametrize("wanted", ["tu", "vous", "thou", ""])
async def test_a_model_is_told_how_to_address_the_person(own: str, wanted: str) -> None:
    house = House(model := Scripted(), persona={"models": ["small@mine"], "address": own})
    await house.answered(address=wanted)
    as_tu = (wanted if wanted in ("tu", "vous") else own) == "tu"
    assert ("Tutoyez" in model.asked[0].messages[0].content) == as_tu


async def test_our_own_words_address_them_so_too() -> None:
    house = House(Scripted(), persona={"models": ["extractive"]})
    assert "Pose-moi ta question" in (await house.answered(text="Bonjour", address="tu")).text
    assert "Posez-moi votre" in (await house.answered(text="Bonjour", address="thou")).text
