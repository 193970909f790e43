import asyncio
from collections.abc import Sequence

import pytest

from palabre.chassis.errors import Unavailable
from palabre.chassis.telemetry import ENGINE_FAILURES
from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.documents import Block, Section
from palabre.retriever.engines import Reranker
from palabre.retriever.engines.words import SharedWords
from palabre.retriever.index.edge import EdgeIndex
from palabre.retriever.passages import cut
from palabre.retriever.reranking import Reranking
from palabre.retriever.search import Found, Question, Search

TEXTS = [f"Le bail numéro {n} dure trois ans." for n in range(30)] + ["Un chien est admis."]


class Judge(SharedWords):
    """Likes what names a number best, or does not come to it."""

    def __init__(self, liked: str = "", fault: str = "") -> None:
        self.liked, self.fault, self.calls = liked, fault, 0

    async def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        self.calls += 1
        if self.fault == "late":
            await asyncio.sleep(60)
        if self.fault == "away":
            raise Unavailable("the reranker is away")
        return [0.9 if self.liked in text else 0.1 for text in texts]


@pytest.fixture
async def index(edge: EdgeIndex) -> EdgeIndex:
    for number, text in enumerate(TEXTS):
        common = Passage(document=str(number), title="Bail", language="fr", tier="public")
        indexed = cut([Section((), (Block(text),))], common)
        [shelf] = await edge.shelves("demo")
        await shelf.add(indexed)
        await shelf.switch([i.passage.id for i in indexed], "public", "1", [])
    return edge


async def find(
    index: EdgeIndex, judge: Reranker | None, limit: int = 5, floor: float | None = None
) -> Found:
    reranking = Reranking(judge, budget_s=0.05) if judge else None
    search = Search(index, reranking=reranking)
    return await search.find(Question("demo", ["le bail dure"], ["public"], ["fr"], limit, floor))


def texts(found: Found) -> list[str]:
    return [passage.text for passage in found.passages]


async def test_what_is_judged_best_comes_first_with_its_score(index: EdgeIndex) -> None:
    plain = texts(await find(index, None, limit=20))
    judge = Judge(plain[13].split()[3])
    found = await find(index, judge, limit=5)
    assert found.passages[0].text == plain[13]
    assert found.passages[0].relevance == pytest.approx(0.9)
    assert found.passages[0].score == pytest.approx(0.9)
    assert judge.calls == 1


async def test_the_floor_stands_on_the_rerankers_score(index: EdgeIndex) -> None:
    found = await find(index, Judge("girafe"))
    assert (texts(found), found.below_floor) == ([], 20)
    assert len(texts(await find(index, Judge("girafe"), floor=0.0))) == 5


@pytest.mark.parametrize(("fault", "reason"), [("late", "late"), ("away", "unavailable")])
async def test_a_reranker_that_does_not_answer_changes_nothing_and_is_counted(
    index: EdgeIndex, fault: str, reason: str
) -> None:
    count = ENGINE_FAILURES.labels("reranker:words", reason)._value
    before = count.get()
    plain, found = await find(index, None), await find(index, Judge(fault=fault))
    assert (texts(found), found.below_floor) == (texts(plain), plain.below_floor)
    assert [p.relevance for p in found.passages] == [p.relevance for p in plain.passages]
    assert count.get() - before == 1


async def test_a_question_that_finds_nothing_is_not_judged(index: EdgeIndex) -> None:
    judge = Judge()
    search = Search(index, reranking=Reranking(judge))
    found = await search.find(Question("demo", ["?"], ["public"], ["fr"], 5))
    assert (found.passages, judge.calls) == ([], 0)
