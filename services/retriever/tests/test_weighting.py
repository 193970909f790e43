"""Vectors that another process computes: the same ones, and nothing is lost when it dies."""

import asyncio
import datetime as dt
import os
import subprocess
import sys
import time
from array import array
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from palabre.chassis.blobs import MemoryObjects
from palabre.chassis.testing import collect
from palabre.contracts.v1.retriever_pb2 import DocumentHeader
from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.catalogue import Catalogue, MemoryBucket
from palabre.retriever.index.edge import EdgeIndex
from palabre.retriever.knowledge import Knowledge
from palabre.retriever.passages import Indexed
from palabre.retriever.search import Question, Search
from palabre.retriever.vectors import of_passage
from palabre.retriever.weighting import Weighting

PASSAGES = [
    Indexed(Passage(title="Le bail", heading_path=["Durée"], text="Trois ans.", language="fr")),
    Indexed(Passage(text="L’élève « Zoë » a_b 12,5 % — œuvre \U0001f333", language="fr"), ("clé",)),
    Indexed(Passage(title="Lease", text="Three years. Not four.", language="en")),
    Indexed(Passage(title="Naa kita", text="x", language="wo")),
    Indexed(Passage(text="mot " * 2_000, language="fr")),
]


@pytest.fixture
async def weighting() -> AsyncIterator[Weighting]:
    """With a child that computes."""
    begun = Weighting(starts_after=1, cores=2)
    await started(begun)
    yield begun
    await begun.close()


async def started(weighting: Weighting) -> int:
    async with asyncio.timeout(30):
        while not weighting.pid:
            await weighting.of(PASSAGES)
            await asyncio.sleep(0.01)
    return weighting.pid


def vectors(passages: list[Indexed]) -> list[dict[str, tuple[list[int], list[float]]]]:
    """As an index keeps them: in 32 bits."""
    return [
        {name: (list(v.terms), array("f", v.weights).tolist()) for name, v in of_passage(p).items()}
        for p in passages
    ]


async def test_the_same_passages_have_the_same_vectors_wherever_they_are_computed(
    weighting: Weighting,
) -> None:
    weighted = list(await weighting.of(PASSAGES))
    assert weighted == PASSAGES
    assert all(each.vectors for each in weighted)
    assert vectors(weighted) == vectors(PASSAGES)


async def test_those_who_ask_at_once_each_get_their_own(weighting: Weighting) -> None:
    many = [
        [Indexed(Passage(text=f"{n} {m} euros par mois", language="fr")) for m in range(n)]
        for n in range(20)
    ]
    weighted = await asyncio.gather(*(weighting.of(batch) for batch in many))
    assert [vectors(list(each)) for each in weighted] == [vectors(batch) for batch in many]


async def test_one_that_no_longer_waits_takes_nothing_from_the_next(weighting: Weighting) -> None:
    waiting = asyncio.create_task(weighting.of(PASSAGES[:2]))
    await asyncio.sleep(0)
    waiting.cancel()
    weighted = await weighting.of(PASSAGES[2:])
    assert vectors(list(weighted)) == vectors(PASSAGES[2:])
    assert waiting.cancelled()


async def test_a_little_is_computed_without_a_child() -> None:
    weighting = Weighting(starts_after=len(PASSAGES) + 1, cores=2)
    assert await weighting.of(PASSAGES) is PASSAGES
    await asyncio.sleep(0)
    assert not weighting.pid
    await weighting.close()


async def test_nobody_waits_for_the_child_to_start() -> None:
    weighting = Weighting(starts_after=1, cores=2)
    assert await weighting.of(PASSAGES) is PASSAGES
    await weighting.close()
    assert not weighting.pid


async def test_with_one_core_there_is_no_child() -> None:
    weighting = Weighting(starts_after=1, cores=1)
    assert await weighting.of(PASSAGES) is PASSAGES
    await weighting.close()


async def test_a_child_that_was_killed_loses_nothing_and_is_replaced(weighting: Weighting) -> None:
    pid = await started(weighting)
    asked = [asyncio.create_task(weighting.of(PASSAGES)) for _ in range(3)]
    os.kill(pid, 9)
    assert [vectors(list(await each)) for each in asked] == [vectors(PASSAGES)] * 3
    assert await started(weighting) != pid


async def test_a_child_that_nobody_needs_goes_and_comes_back() -> None:
    weighting = Weighting(starts_after=1, idle_s=0.3, cores=2)
    pid = await started(weighting)
    await asyncio.sleep(0.5)
    assert not weighting.pid
    assert await started(weighting) != pid
    await weighting.close()


async def test_documents_come_in_whole_while_the_child_is_killed(
    edge: EdgeIndex, bucket: MemoryBucket, originals: MemoryObjects, weighting: Weighting
) -> None:
    knowledge = Knowledge(
        edge,
        Catalogue(bucket),
        originals,
        lambda: dt.datetime(2026, 11, 20, tzinfo=dt.UTC),
        weighting=weighting,
    )
    for number in range(30):
        text = "\n\n".join(f"## Partie {part}\n\nLoyer {number}." for part in range(10))
        header = DocumentHeader(space="demo", document=f"{number}.md")
        await collect(knowledge.ingest(header, text.encode(), "fr"))
        if number % 10 == 5 and weighting.pid:
            os.kill(weighting.pid, 9)
    assert await edge.count("demo") == 300
    asked = Question("demo", ["loyer 7"], ("public",), ("fr",), 50, 0.0)
    found = (await Search(edge).find(asked)).passages
    assert {p.document for p in found if p.text == "Loyer 7."} == {"7.md"}


ORPHANS = """
import asyncio
from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.passages import Indexed
from palabre.retriever.weighting import Weighting

async def main():
    weighting = Weighting(starts_after=1, cores=2)
    while not weighting.pid:
        await weighting.of([Indexed(Passage(text="x"))])
        await asyncio.sleep(0.01)
    print(weighting.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_the_child_does_not_outlive_a_service_that_was_killed() -> None:
    command = [sys.executable, "-c", ORPHANS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        child = Path(f"/proc/{int(service.stdout.readline())}/cmdline")
        assert b"weighting" in child.read_bytes()
        service.kill()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and child.exists() and child.read_bytes():
        time.sleep(0.02)
    assert not child.exists() or not child.read_bytes()
