"""Summaries that a person of a channel asks for: images, budgets, and who pays."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest

from palabre.chassis.blobs import MemoryObjects
from palabre.chassis.budgets import Bearer, Budgets
from palabre.chassis.descriptions import MemoryDescriptions
from palabre.chassis.errors import Unavailable
from palabre.chassis.spaces import Price
from palabre.chassis.testing import MemoryCounters, until
from palabre.contracts.v1 import events_pb2, llm_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Attachment, Author, Usage
from palabre.llm.engines.extractive import Extractive
from palabre.llm.engines.scripted import Scripted
from palabre.llm.ladder import Ladder
from palabre.llm.prices import Prices

from .a_turn import Stub, make_space, served, spending, vision

NOON = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)
EACH = Price(input=0, output=1_000, currency="USD")  # a thousandth of a dollar for each token
LETTER = "Une mise en demeure de payer 412 euros."
PAUL = Author(id="paul", groups=["public", "team"])
POINTS = {"points": [{"text": "La chaudière du hall fuit.", "sources": [1]}]}


class House:
    """LlmService over one space; the persona's model sees, and says `LETTER` of every image."""

    def __init__(self, *, seeing: bool = True, verdict_after: float = 0.0, **budgets: Any) -> None:
        self.model = Scripted([[LETTER]], POINTS, verdict_after, seeing=seeing)
        self.ladder = Ladder({"e0": self.model, "extractive": Extractive()}, ["e0"])
        self.space = make_space(budgets=budgets, persona={"models": ["e0"]})
        self.counters, self.facts = MemoryCounters(), list[events_pb2.Event]()
        self.blobs, self.descriptions = MemoryObjects(), MemoryDescriptions()
        self.budgets = Budgets(self.counters, lambda: NOON)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Stub]:
        for number in range(30):
            await self.blobs.put(image(number).blob, b"\xff\xd8")
        pays = spending(self.facts, Prices({}, {"@scripted": EACH}), self.budgets)
        sees = vision(self.ladder, blobs=self.blobs, descriptions=self.descriptions)
        async with served(self.ladder, space=self.space, pays=pays, sees=sees) as stub:
            yield stub

    async def summary(self, request: pb.SummariseRequest) -> list[pb.SummariseResponse]:
        async with self.open() as stub:
            return [piece async for piece in stub.Summarise(request, timeout=30)]

    async def used(self) -> list[int]:
        bearer = Bearer.of("logement", self.space, "camille", "discord", PAUL)
        return [standing.used for standing in await self.budgets.standings(bearer)]


class Away(MemoryObjects):
    async def get(self, key: str) -> bytes:
        raise Unavailable("blobs")


def image(number: int) -> Attachment:
    return Attachment(name="image.png", media_type="image/jpeg", blob=f"logement/{number:064x}")


def request(*images: Sequence[int], **more: Any) -> pb.SummariseRequest:
    """A message, then one for each sequence of images."""
    messages = [pb.ThreadMessage(id="m0", author="Nadia", text="La chaudière du hall fuit.")]
    messages += [
        pb.ThreadMessage(id=f"m{place}", author="Paul", attachments=map(image, numbers))
        for place, numbers in enumerate(images, 1)
    ]
    given: dict[str, Any] = {"author": PAUL, "channel": "discord"} | more
    return pb.SummariseRequest(space="logement", messages=messages, **given)


async def test_what_images_show_is_part_of_the_thread_and_of_its_cost() -> None:
    house = House()
    house.model.verdict = {
        "points": [{"text": "Paul a reçu une mise en demeure de 412 euros.", "sources": [2]}]
    }
    pieces = await house.summary(request([1]))
    told = house.model.judged[0].messages[-1].content
    assert f"[2] Paul : [image] {LETTER}" in told
    [point] = [piece.point for piece in pieces if piece.HasField("point")]
    assert list(point.sources) == ["m1"]
    end = pieces[-1].end
    assert (end.images, end.images_left_out, end.calls) == (1, 0, 1)
    [fact] = house.facts
    assert len(fact.spending_recorded.calls) == 2
    assert sum(usage.prompt_tokens for usage in end.usage) == sum(
        call.prompt_tokens for call in fact.spending_recorded.calls
    )


async def test_each_image_is_described_once_and_those_of_the_newest_messages_first() -> None:
    house = House()
    end = (await house.summary(request([1], [2, 2], [3], [2, 4], max_images=2)))[-1].end
    assert len(house.model.asked) == 2
    assert (end.images, end.images_left_out) == (2, 2)
    assert [await house.descriptions.read(image(n).blob) for n in (2, 4)] == [LETTER, LETTER]
    again = (await house.summary(request([2], [4])))[-1].end
    assert len(house.model.asked) == 2
    assert again.images == 2


async def test_ten_images_are_described_where_nobody_says_how_many() -> None:
    pieces = await (house := House()).summary(request(range(15)))
    assert len(house.model.asked) == 10
    moved = [piece.progress for piece in pieces if piece.HasField("progress")]
    assert [each.images for each in moved if not each.parts_total] == list(range(11))
    assert {each.images_total for each in moved} == {10}
    assert (moved[-1].parts, moved[-1].parts_total) == (1, 1)


async def test_images_that_nobody_can_describe_are_left_out() -> None:
    for house in (House(seeing=False), House()):
        house.blobs = Away() if house.model.seeing else house.blobs
        pieces = await house.summary(request([1]))
        assert any(piece.HasField("point") for piece in pieces)
        assert (pieces[-1].end.images, pieces[-1].end.images_left_out) == (0, 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"space": "another"}, "not one of the space"),
        ({"space": ""}, "not one of the space"),
        ({"max_images": 21}, "max_images: at most 20"),
        ({"channel": "a.b"}, "channel"),
    ],
)
async def test_an_image_of_another_space_is_refused(change: dict[str, Any], said: str) -> None:
    asked = request([1])
    if change.get("space") == "another":
        asked.messages[1].attachments[0].blob = "another/1"
    else:
        for name, value in change.items():
            setattr(asked, name, value)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await House().summary(asked)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert said in (refused.value.details() or "")


async def test_a_summary_is_a_turn_and_the_cost_of_who_asks() -> None:
    house = House(turns_per_person_per_day=5, cost_per_person_per_day=50)
    end = (await house.summary(request([1])))[-1].end
    [fact] = house.facts
    assert fact.channel == "discord"
    assert fact.spending_recorded.author.id == "paul"
    cost = sum(usage.cost_micros for usage in end.usage)
    assert cost > 0
    assert await house.used() == [1, cost]


async def test_who_has_used_their_turns_is_refused_and_told_until_when() -> None:
    house = House(turns_per_person_per_day=1)
    await house.summary(request())
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await house.summary(request([1]))
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    when = dict(refused.value.trailing_metadata() or ())
    assert when["palabre-limit"] == "turns_per_person_per_day"
    assert when["palabre-opens"] == "2026-11-29T00:00:00+01:00"
    assert len(house.model.judged) == 1
    assert house.model.asked == []
    assert await house.used() == [1]
    other = request(author=Author(id="nadia"))
    assert (await house.summary(other))[-1].HasField("end")


async def test_members_of_a_group_have_what_it_gives_them() -> None:
    house = House(turns_per_person_per_day=1, groups={"team": {"turns_per_person_per_day": 2}})
    for _ in range(2):
        assert (await house.summary(request()))[-1].HasField("end")
    with pytest.raises(grpc.aio.AioRpcError):
        await house.summary(request())


async def test_of_summaries_at_the_same_time_one_at_most_goes_over_a_cost() -> None:
    house = House(verdict_after=0.2, cost_per_person_per_day=0.5)
    async with house.open() as stub:
        asking = [_read(stub.Summarise(request(), timeout=30)) for _ in range(6)]
        made = await asyncio.gather(*asking, return_exceptions=True)
    refused = [each.code() for each in made if isinstance(each, grpc.aio.AioRpcError)]
    assert refused == [grpc.StatusCode.RESOURCE_EXHAUSTED] * 5


async def test_a_cost_is_held_while_it_is_made_and_settled_also_when_it_is_left() -> None:
    house = House(verdict_after=30.0, cost_per_person_per_day=50)
    async with house.open() as stub:
        call = stub.Summarise(request())
        reading = asyncio.create_task(_read(call))
        await until(lambda: len(house.model.judged) == 1)
        [held] = await house.used()
        assert held > 0
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await until(lambda: bool(house.facts))
    [fact] = house.facts
    [left] = await house.used()
    assert left == sum(call.cost_micros for call in fact.spending_recorded.calls) < held


async def test_a_spent_budget_steps_down_to_a_summary_without_a_model() -> None:
    house = House(turns_per_person_per_day=1, when_spent="step-down")
    await house.summary(request())
    pieces = await house.summary(request([1]))
    assert len(house.model.judged) == 1
    assert house.model.asked == []
    assert pieces[-1].end.parts_without_model == 1
    assert pieces[-1].end.images_left_out == 1


async def test_a_completion_steps_down_too() -> None:
    house = House(cost_per_space_per_day=0.000_001, when_spent="step-down", models=["extractive"])
    asked = pb.CompleteRequest(space="logement", prompt="Dis bonjour.")
    async with house.open() as stub:
        assert [piece async for piece in stub.Complete(asked)]
        with pytest.raises(grpc.aio.AioRpcError) as failed:  # no passages to quote
            assert [piece async for piece in stub.Complete(asked)]
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE
    assert len(house.model.asked) == 1


async def _read(call: Any) -> list[Usage]:
    return [piece async for piece in call]
