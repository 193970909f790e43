"""Ingestion: what is searched is always one whole version, whatever dies when."""

import datetime as dt
from typing import Any

import pytest
from qdrant_client import AsyncQdrantClient

from palabre.chassis.blobs import MemoryObjects
from palabre.chassis.testing import collect
from palabre.contracts.v1.retriever_pb2 import DocumentEntry, DocumentHeader
from palabre.retriever.catalogue import Catalogue, MemoryBucket
from palabre.retriever.errors import InvalidDocument, UnknownDocument, UnknownVersion
from palabre.retriever.index.generations import Generations
from palabre.retriever.index.qdrant import QdrantCollections
from palabre.retriever.knowledge import Knowledge, Limits
from palabre.retriever.search import Question, Search

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
OLD = "# Guide\n\nPartie commune.\n\n## Horaires\n\nL'accueil ouvre à neuf heures.\n"
NEW = "# Guide\n\nPartie commune.\n\n## Horaires\n\nL'accueil ouvre à dix heures.\n"


@pytest.fixture
def knowledge(index: Generations, bucket: MemoryBucket, originals: MemoryObjects) -> Knowledge:
    return Knowledge(index, Catalogue(bucket), originals, lambda: NOW)


async def ingest(
    knowledge: Knowledge, text: str, document: str = "guide.md", **header: Any
) -> DocumentEntry:
    sent = DocumentHeader(space="demo", document=document, **header)
    progress = await collect(knowledge.ingest(sent, text.encode(), "fr"))
    return progress[-1].done


async def texts(index: Generations, *tiers: str) -> set[str]:
    asked = Question("demo", ["accueil ouvre commune"], tiers or ("public",), ("fr",), 50, 0.0)
    return {passage.text for passage in (await Search(index).find(asked)).passages}


async def test_an_ingested_document_is_found_listed_and_read(
    knowledge: Knowledge, index: Generations
) -> None:
    entry = await ingest(knowledge, OLD)
    assert (entry.title, entry.language, entry.tier) == ("Guide", "fr", "public")
    assert (entry.passages, entry.changed) == (2, 2)
    assert entry.ingested_at.ToDatetime(dt.UTC) == NOW
    assert await texts(index) == {"Partie commune.", "L'accueil ouvre à neuf heures."}
    assert await knowledge.documents("demo") == [entry]
    read = await knowledge.passages("demo", entry)
    assert [p.text for p in read] == ["Partie commune.", "L'accueil ouvre à neuf heures."]
    assert read[0].version == entry.version


async def test_progress_is_told_step_by_step(knowledge: Knowledge) -> None:
    sent = DocumentHeader(space="demo", document="guide.md")
    progress = await collect(knowledge.ingest(sent, OLD.encode(), "fr"))
    names = [p.step.name for p in progress if p.HasField("step")]
    assert names == ["read", "stored", "embedded", "switched"]
    assert progress[-1].HasField("done")


async def test_a_new_version_writes_only_what_changed(
    knowledge: Knowledge, index: Generations
) -> None:
    await ingest(knowledge, OLD)
    entry = await ingest(knowledge, NEW)
    assert (entry.passages, entry.changed) == (2, 1)
    assert await texts(index) == {"Partie commune.", "L'accueil ouvre à dix heures."}
    assert await index.count("demo") == 2
    passages = await Search(index).find(Question("demo", ["commune"], ("public",), ("fr",), 5))
    assert {p.version for p in passages.passages} == {entry.version}


async def test_the_same_document_again_changes_nothing(
    knowledge: Knowledge, originals: MemoryObjects
) -> None:
    first = await ingest(knowledge, OLD)
    again = await ingest(knowledge, OLD)
    assert (again.changed, again.version) == (0, first.version)


async def test_the_sender_counts_before_the_document_and_both_before_the_default(
    knowledge: Knowledge,
) -> None:
    text = "---\ntitle: Dit\nlanguage: en\n---\nTexte."
    entry = await ingest(knowledge, text, title="Voulu", tier="rh", url="https://example.org")
    assert (entry.title, entry.language) == ("Voulu", "en")
    assert (entry.tier, entry.url) == ("rh", "https://example.org")


async def test_a_document_without_a_title_has_its_name(knowledge: Knowledge) -> None:
    assert (await ingest(knowledge, "Texte.", "rh/congés.txt")).title == "congés"


async def test_a_document_that_becomes_restricted_is_hidden_at_once(
    knowledge: Knowledge, index: Generations
) -> None:
    await ingest(knowledge, OLD)
    await ingest(knowledge, OLD, tier="restricted")
    assert await texts(index, "public") == set()
    assert len(await texts(index, "public", "restricted")) == 2


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"tier": "Ré servé"}, "guide.md: tier 'ré servé' is no name: use a-z, 0-9 and -"),
        ({"language": "français"}, "guide.md: language 'français': use a code such as fr"),
        ({"url": "javascript:alert(1)"}, "guide.md: its address is no web address: begin it"),
    ],
)
async def test_a_header_that_makes_no_sense_is_refused(
    knowledge: Knowledge, header: dict[str, str], said: str
) -> None:
    with pytest.raises(InvalidDocument) as refused:
        await ingest(knowledge, OLD, **header)
    assert str(refused.value).startswith(said)


async def test_a_bad_version_leaves_the_old_one(knowledge: Knowledge, index: Generations) -> None:
    await ingest(knowledge, OLD)
    with pytest.raises(InvalidDocument):
        await ingest(knowledge, " ")
    assert len(await texts(index)) == 2


async def test_a_document_above_the_limit_is_refused(
    index: Generations, bucket: MemoryBucket
) -> None:
    small = Limits(max_document_bytes=10)
    knowledge = Knowledge(index, Catalogue(bucket), MemoryObjects(), lambda: NOW, small)
    with pytest.raises(InvalidDocument, match="above the limit"):
        await ingest(knowledge, OLD)


async def test_a_deleted_document_is_gone_with_its_original(
    knowledge: Knowledge, index: Generations, originals: MemoryObjects
) -> None:
    entry = await ingest(knowledge, OLD)
    assert await knowledge.delete("demo", "guide.md") == 2
    assert await texts(index) == set()
    with pytest.raises(UnknownDocument, match="no such document: list the space's documents"):
        await knowledge.entry("demo", "guide.md")
    with pytest.raises(KeyError):
        await originals.get(f"demo/{entry.version}/guide.md")
    with pytest.raises(UnknownDocument):
        await knowledge.delete("demo", "guide.md")


async def test_documents_with_the_same_words_do_not_share_their_fate(
    knowledge: Knowledge, originals: MemoryObjects
) -> None:
    entry = await ingest(knowledge, OLD, "a.md")
    await ingest(knowledge, OLD, "b.md")
    await knowledge.delete("demo", "a.md")
    assert await originals.get(f"demo/{entry.version}/b.md") == OLD.encode()


async def test_an_index_that_was_lost_is_made_again_from_the_originals(
    knowledge: Knowledge, index: Generations
) -> None:
    await ingest(knowledge, OLD)
    await ingest(knowledge, NEW, "autre.md")
    before = await texts(index)
    await index.drop("demo")
    await knowledge.recover()
    assert await texts(index) == before
    assert await index.count("demo") == 4


async def test_an_original_that_was_lost_does_not_stop_the_others(
    knowledge: Knowledge, index: Generations, originals: MemoryObjects
) -> None:
    lost = await ingest(knowledge, OLD)
    await ingest(knowledge, "# Autre\n\nUn accueil.", "autre.md")
    await originals.delete(f"demo/{lost.version}/guide.md")
    await index.drop("demo")
    await knowledge.recover()
    assert await texts(index) == {"Un accueil."}


async def test_two_changes_of_one_document_wait_for_each_other(
    knowledge: Knowledge, index: Generations
) -> None:
    first = knowledge.ingest(DocumentHeader(space="demo", document="g.md"), OLD.encode(), "fr")
    await anext(first)
    second = knowledge.ingest(DocumentHeader(space="demo", document="g.md"), NEW.encode(), "fr")
    await collect(first)
    await collect(second)
    assert await index.count("demo") == 2
    assert "L'accueil ouvre à dix heures." in await texts(index)


async def test_an_ingestion_that_is_broken_off_leaves_nothing_behind(
    knowledge: Knowledge, index: Generations, bucket: MemoryBucket
) -> None:
    await ingest(knowledge, OLD)
    sent = DocumentHeader(space="demo", document="guide.md")
    broken = knowledge.ingest(sent, NEW.encode(), "fr")
    async for progress in broken:
        if progress.step.name == "embedded":
            break
    await broken.aclose()
    assert "L'accueil ouvre à neuf heures." in await texts(index)
    assert await index.count("demo") == 2
    assert await Catalogue(bucket).pending() == []


class Crashed(BaseException):
    """The process is gone."""


class Doomed:
    """Passes calls on until its time has come; then nothing works any more."""

    def __init__(self, real: object, life: "Life") -> None:
        self._real, self._life = real, life

    def __getattr__(self, name: str) -> object:
        self._life.spend()
        return getattr(self._real, name)


class Life:
    def __init__(self, calls: int) -> None:
        self.calls = calls

    def spend(self) -> None:
        if self.calls <= 0:
            raise Crashed
        self.calls -= 1


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect")
@pytest.mark.parametrize("change", ["new version", "first version", "delete"])
async def test_a_crash_at_any_step_leaves_one_whole_version_and_is_put_right(change: str) -> None:
    for calls in range(80):
        collections = QdrantCollections(AsyncQdrantClient(":memory:"))
        index = Generations(collections)
        bucket, originals = MemoryBucket(), MemoryObjects()
        healthy = Knowledge(index, Catalogue(bucket), originals, lambda: NOW)
        if change != "first version":
            await ingest(healthy, OLD)
        before = await texts(index)
        life = Life(calls)
        dying = Knowledge(
            Generations(Doomed(collections, life)),  # type: ignore[arg-type]
            Catalogue(Doomed(bucket, life)),  # type: ignore[arg-type]
            Doomed(originals, life),  # type: ignore[arg-type]
            lambda: NOW,
        )
        try:
            await (dying.delete("demo", "guide.md") if change == "delete" else ingest(dying, NEW))
            crashed = False
        except Crashed:
            crashed = True
        after = (
            set() if change == "delete" else {"Partie commune.", "L'accueil ouvre à dix heures."}
        )
        assert await texts(index) in (before, after)
        await healthy.recover()
        await whole(index, bucket, originals, before, after)
        await index.close()
        if not crashed:
            break
    assert not crashed
    assert calls > 5


async def whole(
    index: Generations,
    bucket: MemoryBucket,
    originals: MemoryObjects,
    before: set[str],
    after: set[str],
) -> None:
    """Index, catalogue and originals say the same, and nothing else is left."""
    catalogue = Catalogue(bucket)
    entries = await catalogue.entries("demo")
    found = await texts(index)
    assert found in (before, after)
    assert await index.count("demo") == len(found) == sum(e.passages for e in entries)
    assert await catalogue.pending() == []
    kept = [version for e in entries for version in await catalogue.versions("demo", e.document)]
    assert set(originals._kept) == {f"demo/{e.version}/{e.document}" for e in kept}


TEXTS_IN_TIME = [f"# Guide\n\nL'accueil ouvre à {hour} heures.\n" for hour in range(1, 9)]


async def test_versions_are_listed_newest_first_and_no_more_than_are_kept(
    knowledge: Knowledge, originals: MemoryObjects
) -> None:
    entries = [await ingest(knowledge, text) for text in TEXTS_IN_TIME]
    kept = await knowledge.versions("demo", "guide.md")
    assert [entry.version for entry in kept] == [e.version for e in entries[:-6:-1]]
    assert set(originals._kept) == {f"demo/{entry.version}/guide.md" for entry in kept}


async def test_a_rollback_answers_as_before(knowledge: Knowledge, index: Generations) -> None:
    first = await ingest(knowledge, OLD, tier="restricted", title="Ancien")
    before = await texts(index, "public", "restricted")
    second = await ingest(knowledge, NEW)
    entry = await knowledge.rollback("demo", "guide.md", first.version[:12])
    assert (entry.version, entry.title, entry.tier) == (first.version, "Ancien", "restricted")
    assert await texts(index, "public", "restricted") == before
    assert await texts(index, "public") == set()
    versions = await knowledge.versions("demo", "guide.md")
    assert [v.version for v in versions] == [first.version, second.version]
    again = await knowledge.rollback("demo", "guide.md", second.version)
    assert again.version == second.version
    assert "L'accueil ouvre à dix heures." in await texts(index)
    assert await index.count("demo") == 2


@pytest.mark.parametrize("version", ["", "0000"])
async def test_a_version_that_is_not_kept_is_refused(knowledge: Knowledge, version: str) -> None:
    await ingest(knowledge, OLD)
    with pytest.raises(UnknownVersion, match="is kept: list its versions"):
        await knowledge.rollback("demo", "guide.md", version)
    with pytest.raises(UnknownDocument):
        await knowledge.rollback("demo", "autre.md", version)


async def test_a_deleted_document_leaves_no_version_behind(
    knowledge: Knowledge, originals: MemoryObjects, bucket: MemoryBucket
) -> None:
    for text in TEXTS_IN_TIME[:3]:
        await ingest(knowledge, text)
    await knowledge.delete("demo", "guide.md")
    assert originals._kept == {}
    assert [key for key, kept in bucket._kept.items() if kept.value is not None] == []
    with pytest.raises(UnknownDocument):
        await knowledge.versions("demo", "guide.md")
    await ingest(knowledge, OLD)
    assert len(await knowledge.versions("demo", "guide.md")) == 1
