import datetime as dt
from collections.abc import Callable

import pytest

from palabre.chassis import events, replays
from palabre.chassis.blobs import MemoryObjects
from palabre.chassis.directory import Spaces
from palabre.chassis.errors import Reject
from palabre.chassis.spaces import Space, parse
from palabre.chassis.stage import Handler
from palabre.chassis.testing import collect
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.retriever_pb2 import DocumentEntry, DocumentHeader
from palabre.contracts.v1.turns_pb2 import Author, Exchange, Passage, Understanding, Utterance
from palabre.retriever.access import tiers_of
from palabre.retriever.catalogue import Catalogue, MemoryBucket
from palabre.retriever.documents import Block, Section
from palabre.retriever.handlers import retriever
from palabre.retriever.index.edge import EdgeIndex
from palabre.retriever.knowledge import Knowledge
from palabre.retriever.passages import cut
from palabre.retriever.search import Search
from palabre.retriever.snapshots import Snapshots, Wanted

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
Handling = Callable[[Spaces], Handler]


def space(tier: str = "public", mode: str = "answer") -> Space:
    persona = {"name": "Camille", "identity": {"fr": "Une agente."}, "tier": tier, "mode": mode}
    return parse(
        {
            "schema": 1,
            "name": "Démo",
            "languages": ["fr"],
            "default_persona": "camille",
            "greeting": {"fr": "Bonjour"},
            "personas": {"camille": persona},
        }
    )


def understood(question: str = "le préavis de trois mois", **utterance: object) -> pb.Event:
    said = Utterance(text="et " + question, **utterance)  # type: ignore[arg-type]
    body = pb.UtteranceUnderstood(
        utterance=said,
        understanding=Understanding(language="fr", question=question, queries=["préavis durée"]),
        history=[Exchange(turn="0", question="Bonjour", answer="Bonjour")],
    )
    return events.begin("demo", "web", "c", body)


@pytest.fixture
def knowledge(edge: EdgeIndex, catalogue: Catalogue) -> Knowledge:
    return Knowledge(edge, catalogue, MemoryObjects(), lambda: NOW)


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(MemoryBucket())


@pytest.fixture
def snapshots(edge: EdgeIndex, catalogue: Catalogue, knowledge: Knowledge) -> Snapshots:
    return Snapshots(knowledge, edge, catalogue, lambda: NOW, resting=False)


@pytest.fixture
async def handling(edge: EdgeIndex, snapshots: Snapshots) -> Handling:
    for tier, text in (
        ("public", "Le préavis est de trois mois."),
        ("restricted", "Le préavis interne est de trois mois, sans plus."),
    ):
        common = Passage(document=f"{tier}.md", title="Préavis", language="fr", tier=tier)
        indexed = cut([Section((), (Block(text),))], common)
        [shelf] = await edge.shelves("demo")
        await shelf.add(indexed)
        await shelf.switch([i.passage.id for i in indexed], tier, "1", [])
    return lambda spaces: retriever(Search(edge), spaces, snapshots)


async def retrieve(
    handling: Handling, event: pb.Event, persona_tier: str = "public"
) -> pb.PassagesRetrieved:
    handle = handling(Spaces({"demo": space(persona_tier)}))
    [result] = await collect(handle(event))
    assert (result.turn, result.cause) == (event.turn, event.id)
    return result.passages_retrieved


async def test_an_understood_utterance_gets_its_passages(handling: Handling) -> None:
    event = understood()
    body = await retrieve(handling, event)
    assert [p.text for p in body.passages] == ["Le préavis est de trois mois."]
    assert body.search_ms > 0


async def test_what_the_turn_carries_is_passed_on(handling: Handling) -> None:
    event = understood()
    body, cause = await retrieve(handling, event), event.utterance_understood
    assert body.utterance == cause.utterance
    assert body.understanding == cause.understanding
    assert list(body.history) == list(cause.history)


async def test_without_a_rewritten_question_the_words_themselves_are_searched(
    handling: Handling,
) -> None:
    event = understood()
    event.utterance_understood.understanding.Clear()
    assert (await retrieve(handling, event)).passages


async def test_a_model_that_reads_gets_what_may_answer_told_as_doubtful(handling: Handling) -> None:
    event = understood("trois mois de préavis pour chaudière, garage, cave et jardin")
    assert not (await retrieve(handling, event)).passages
    event.utterance_understood.understanding.read = True
    body = await retrieve(handling, event)
    assert ([p.document for p in body.passages], body.doubtful) == (["public.md"], True)


async def test_nothing_found_is_an_answer_too(handling: Handling) -> None:
    body = await retrieve(handling, understood("la capitale de la Mongolie"))
    assert list(body.passages) == []


@pytest.mark.parametrize(
    ("groups", "persona_tier", "documents"),
    [
        ([], "public", {"public.md"}),
        (["restricted"], "public", {"public.md"}),
        ([], "restricted", {"public.md"}),
        (["restricted"], "restricted", {"public.md", "restricted.md"}),
    ],
)
async def test_the_asker_reads_what_both_they_and_the_persona_may(
    handling: Handling, groups: list[str], persona_tier: str, documents: set[str]
) -> None:
    event = understood(author=Author(id="a", groups=groups))
    body = await retrieve(handling, event, persona_tier)
    assert {p.document for p in body.passages} == documents


async def test_what_would_be_no_answer_may_inspire_a_story(handling: Handling) -> None:
    event = understood("une épopée de pirates, de sirènes et de dragons où trois mois passent")
    for mode, found in (("answer", 0), ("story", 1)):
        handle = handling(Spaces({"demo": space(mode=mode)}))
        [result] = await collect(handle(event))
        assert len(result.passages_retrieved.passages) == found


async def test_a_persona_that_does_not_exist_is_rejected(handling: Handling) -> None:
    with pytest.raises(Reject, match="no persona 'x'"):
        await retrieve(handling, understood(persona="x"))


async def test_a_space_that_does_not_exist_is_rejected(handling: Handling) -> None:
    handle = handling(Spaces())
    with pytest.raises(Reject, match="no space 'demo'"):
        await collect(handle(understood()))


async def test_an_event_with_a_long_history_still_fits(handling: Handling) -> None:
    event = understood()
    event.utterance_understood.history.add(answer="x" * (events.MAX_BYTES - 1_200))
    handle = handling(Spaces({"demo": space()}))
    [result] = await collect(handle(event))
    assert result.ByteSize() <= events.MAX_BYTES


async def ingested(knowledge: Knowledge, text: str) -> DocumentEntry:
    header = DocumentHeader(space="demo", document="guide.md")
    return (await collect(knowledge.ingest(header, text.encode(), "fr")))[-1].done


async def test_only_a_replay_is_answered_from_the_knowledge_as_it_was(
    handling: Handling, knowledge: Knowledge, snapshots: Snapshots
) -> None:
    old = await ingested(knowledge, "# Chats\n\nLes girafes dorment debout.")
    await ingested(knowledge, "# Chats\n\nLes girafes dorment couchées.")
    wanted = Wanted(versions={"guide.md": old.version})
    name = (await collect(snapshots.take("demo", wanted)))[-1].snapshot
    event = understood("où dorment les girafes", snapshot=name, replay=True)
    with pytest.raises(Reject, match="only a replay"):
        await retrieve(handling, event)
    event.channel = replays.CHANNEL
    found = await retrieve(handling, event)
    assert [p.text for p in found.passages] == ["Les girafes dorment debout."]
    event.utterance_understood.utterance.replay = False
    with pytest.raises(Reject, match="only a replay"):
        await retrieve(handling, event)


async def test_a_snapshot_that_is_gone_is_told_and_not_taken_for_knowing_nothing(
    handling: Handling, snapshots: Snapshots, knowledge: Knowledge
) -> None:
    await ingested(knowledge, "# Chats\n\nLes girafes dorment debout.")
    name = (await collect(snapshots.take("demo", Wanted())))[-1].snapshot
    await snapshots.drop("demo", name)
    for gone in (name, "guide", "../x"):
        event = understood("où dorment les girafes", snapshot=gone, replay=True)
        event.channel = replays.CHANNEL
        with pytest.raises(Reject, match="make a new one"):
            await retrieve(handling, event)


def test_tiers_are_those_of_the_person_capped_by_the_persona() -> None:
    assert tiers_of(["rh", "restricted"], "public") == {"public"}
    assert tiers_of(["rh", "restricted"], "rh") == {"public", "rh"}
    assert tiers_of(["restricted"], "rh") == {"public"}
    assert tiers_of(["rh", "restricted"]) == {"public", "rh", "restricted"}
