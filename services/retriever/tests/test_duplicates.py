"""What the keepers of documents learn of passages that say the same."""

import random
import re
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from palabre.chassis.blobs import MemoryObjects
from palabre.contracts.v1.retriever_pb2 import DocumentEntry, DocumentHeader
from palabre.retriever.catalogue import Catalogue, MemoryBucket
from palabre.retriever.duplicates import Duplicates, Group
from palabre.retriever.index.generations import Generations
from palabre.retriever.knowledge import Knowledge

NOW = datetime(2026, 11, 20, tzinfo=UTC)
SUBJECTS = re.findall(
    r"\w+", "antenne ascenseur balcon boîte cave chauffage clé digicode eau escalier"
)
VERBS = re.findall(
    r"\w+", "signaler réparer poser nettoyer prêter vérifier remplacer garder peindre fermer"
)
PLACES = re.findall(r"\w+", "loge hall cour bureau couloir garage jardin local palier toit")


def text(seed: int, sentences: int = 8) -> str:
    """Prose of its own for each seed."""
    rng = random.Random(seed)  # noqa: S311
    return " ".join(
        f"Pour {rng.choice(VERBS)} et {rng.choice(VERBS)} chaque {rng.choice(SUBJECTS)} ou"
        f" {rng.choice(SUBJECTS)}, passez par le {rng.choice(PLACES)} puis le"
        f" {rng.choice(PLACES)} avec {rng.choice(SUBJECTS)} et {rng.choice(PLACES)}."
        for _ in range(sentences)
    )


@pytest.fixture
def knowledge(index: Generations) -> Knowledge:
    return Knowledge(index, Catalogue(MemoryBucket()), MemoryObjects(), lambda: NOW)


async def put(
    knowledge: Knowledge, document: str, *texts: str, tier: str = "", groups: Iterable[str] = ()
) -> DocumentEntry:
    """Each text is a passage: it stands under a heading of its own."""
    body = "".join(f"## Partie {'abcdefghij'[n]}\n\n{each}\n\n" for n, each in enumerate(texts))
    header = DocumentHeader(space="demo", document=document, tier=tier, groups=groups)
    steps = knowledge.ingest(header, f"# Guide\n\n{body}".encode(), "fr")
    return [step async for step in steps][-1].done


def named(groups: Iterable[Group]) -> list[list[str]]:
    return [[passage.document for passage in group.passages] for group in groups]


async def test_what_says_the_same_is_found_the_largest_group_first(knowledge: Knowledge) -> None:
    await put(knowledge, "a.md", text(1), text(2), text(3))
    await put(knowledge, "b.md", text(2), text(4))
    await put(knowledge, "c.md", text(5), text(2), text(3))
    groups, total = await knowledge.duplicates.groups("demo", {"public"})
    assert named(groups) == [["a.md", "b.md", "c.md"], ["a.md", "c.md"]]
    assert (total, groups[0].similarity, groups[0].total) == (2, 1.0, 3)
    assert {passage.text for passage in groups[0].passages} == {text(2)}


async def test_nothing_says_the_same_as_itself_alone(knowledge: Knowledge) -> None:
    await put(knowledge, "a.md", *(text(n) for n in range(10)))
    assert await knowledge.duplicates.groups("demo", {"public"}) == ([], 0)
    assert await Duplicates(knowledge.duplicates._index).groups("x", {"public"}) == ([], 0)


async def test_a_threshold_takes_in_what_is_less_alike(knowledge: Knowledge) -> None:
    changed = text(1).replace("puis le", "ensuite le", 4)
    await put(knowledge, "a.md", text(1))
    await put(knowledge, "b.md", changed)
    assert (await knowledge.duplicates.groups("demo", {"public"}, 0.95))[1] == 0
    [group], _ = await knowledge.duplicates.groups("demo", {"public"}, 0.6)
    assert 0.6 < group.similarity < 0.95


async def test_other_figures_are_another_passage(knowledge: Knowledge) -> None:
    await put(knowledge, "a.md", f"{text(1)} Le loyer 2024 est de 512 €.")
    await put(knowledge, "b.md", f"{text(1)} Le loyer 2025 est de 530 €.")
    assert (await knowledge.duplicates.groups("demo", {"public"}, 0.5))[1] == 0


async def test_a_reader_learns_nothing_of_what_they_may_not_read(knowledge: Knowledge) -> None:
    await put(knowledge, "public.md", text(1), text(2))
    await put(knowledge, "interne.md", text(1), tier="restricted")
    await put(knowledge, "rh.md", text(2), text(1), tier="rh")
    duplicates = knowledge.duplicates
    assert await duplicates.groups("demo", {"public"}) == ([], 0)
    assert named((await duplicates.groups("demo", {"public", "restricted"}))[0]) == [
        ["interne.md", "public.md"]
    ]
    groups, total = await duplicates.groups("demo", {"public", "rh"})
    assert (named(groups), total) == ([["public.md", "rh.md"]] * 2, 2)


async def test_only_so_many_groups_and_passages_are_shown_and_all_are_counted(
    knowledge: Knowledge,
) -> None:
    for number in range(25):
        await put(knowledge, f"{number:02}.md", text(1))
    await put(knowledge, "x.md", text(2))
    await put(knowledge, "y.md", text(2))
    [group], total = await knowledge.duplicates.groups("demo", {"public"}, limit=1)
    assert (len(group.passages), group.total, total) == (20, 25, 2)


async def test_whoever_brings_a_copy_is_told_what_it_copies(knowledge: Knowledge) -> None:
    first = await put(knowledge, "guide-2024.md", text(1), text(2), text(3))
    entry = await put(knowledge, "copie.md", text(1), text(4), text(2))
    assert list(first.remarks) == []
    assert list(entry.remarks) == ["2 passages say the same as guide-2024.md"]


async def test_what_is_told_is_not_kept(knowledge: Knowledge) -> None:
    """The other document may become another tier's, or be erased."""
    await put(knowledge, "a.md", text(1))
    await put(knowledge, "b.md", text(1))
    assert list((await knowledge.entry("demo", "b.md")).remarks) == []


async def test_a_copy_of_what_its_sender_may_not_read_is_not_told(knowledge: Knowledge) -> None:
    """They may write into a tier that they do not read: its texts cannot be guessed at."""
    await put(knowledge, "interne.md", text(1), tier="restricted")
    for tier in ("public", "restricted"):
        assert list((await put(knowledge, f"{tier}.md", text(1), tier=tier)).remarks) == (
            [] if tier == "public" else ["1 passage says the same as public.md"]
        )
    inner = await put(knowledge, "autre.md", text(1), tier="restricted", groups=["restricted"])
    assert sorted(inner.remarks) == [
        f"1 passage says the same as {other}.md" for other in ("interne", "public", "restricted")
    ]


async def test_a_deleted_copy_is_one_no_more(knowledge: Knowledge) -> None:
    await put(knowledge, "a.md", text(1))
    await put(knowledge, "b.md", text(1))
    await knowledge.delete("demo", "b.md")
    assert (await knowledge.duplicates.groups("demo", {"public"}))[1] == 0


async def test_planted_copies_are_found_and_little_else(knowledge: Knowledge) -> None:
    """Copies of which up to one word in twenty was changed, among as many passages without."""
    rng = random.Random(7)  # noqa: S311
    planted = {f"copie-{n}.md": n for n in range(60)}
    for n in range(120):
        await put(knowledge, f"source-{n}.md", text(n))
    for name, n in planted.items():
        words = text(n).split(" ")
        for place in rng.sample(range(len(words)), rng.randint(0, len(words) // 20)):
            words[place] = rng.choice(["aussi", "parfois", "ici"])
        await put(knowledge, name, " ".join(words))
    groups, total = await knowledge.duplicates.groups("demo", {"public"}, limit=500)
    right = [g for g in groups if planted.get(g.passages[0].document) == _number(g)]
    assert len(right) / total >= 0.98
    assert len(right) / len(planted) >= 0.95


def _number(group: Group) -> int:
    """Of the source that a pair of copy and source has; -1 for any other group."""
    names = [passage.document for passage in group.passages]
    fits = len(names) == 2 and names[1].startswith("source-")
    return int(names[1].removeprefix("source-").removesuffix(".md")) if fits else -1
