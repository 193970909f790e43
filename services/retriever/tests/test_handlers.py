import pytest

from palabre.chassis import events
from palabre.chassis.directory import Spaces
from palabre.chassis.errors import Reject
from palabre.chassis.spaces import Space, parse
from palabre.chassis.testing import collect
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Author, Exchange, Passage, Understanding, Utterance
from palabre.retriever.access import tiers_of
from palabre.retriever.documents import Block, Section
from palabre.retriever.handlers import retriever
from palabre.retriever.index.edge import EdgeIndex
from palabre.retriever.passages import cut
from palabre.retriever.search import Search


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
async def search(edge: EdgeIndex) -> Search:
    for tier, text in (
        ("public", "Le préavis est de trois mois."),
        ("restricted", "Le préavis interne est de trois mois, sans plus."),
    ):
        common = Passage(document=f"{tier}.md", title="Préavis", language="fr", tier=tier)
        indexed = cut([Section((), (Block(text),))], common)
        [shelf] = await edge.shelves("demo")
        await shelf.add(indexed)
        await shelf.switch([i.passage.id for i in indexed], tier, "1", [])
    return Search(edge)


async def retrieve(
    search: Search, event: pb.Event, persona_tier: str = "public"
) -> pb.PassagesRetrieved:
    handle = retriever(search, Spaces({"demo": space(persona_tier)}))
    [result] = await collect(handle(event))
    assert (result.turn, result.cause) == (event.turn, event.id)
    return result.passages_retrieved


async def test_an_understood_utterance_gets_its_passages(search: Search) -> None:
    event = understood()
    body = await retrieve(search, event)
    assert [p.text for p in body.passages] == ["Le préavis est de trois mois."]
    assert body.search_ms > 0


async def test_what_the_turn_carries_is_passed_on(search: Search) -> None:
    event = understood()
    body, cause = await retrieve(search, event), event.utterance_understood
    assert body.utterance == cause.utterance
    assert body.understanding == cause.understanding
    assert list(body.history) == list(cause.history)


async def test_without_a_rewritten_question_the_words_themselves_are_searched(
    search: Search,
) -> None:
    event = understood()
    event.utterance_understood.understanding.Clear()
    assert (await retrieve(search, event)).passages


async def test_a_model_that_reads_gets_what_may_answer_told_as_doubtful(search: Search) -> None:
    event = understood("trois mois de préavis pour chaudière, garage, cave et jardin")
    assert not (await retrieve(search, event)).passages
    event.utterance_understood.understanding.read = True
    body = await retrieve(search, event)
    assert ([p.document for p in body.passages], body.doubtful) == (["public.md"], True)


async def test_nothing_found_is_an_answer_too(search: Search) -> None:
    body = await retrieve(search, understood("la capitale de la Mongolie"))
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
    search: Search, groups: list[str], persona_tier: str, documents: set[str]
) -> None:
    event = understood(author=Author(id="a", groups=groups))
    body = await retrieve(search, event, persona_tier)
    assert {p.document for p in body.passages} == documents


async def test_what_would_be_no_answer_may_inspire_a_story(search: Search) -> None:
    event = understood("une épopée de pirates, de sirènes et de dragons où trois mois passent")
    for mode, found in (("answer", 0), ("story", 1)):
        handle = retriever(search, Spaces({"demo": space(mode=mode)}))
        [result] = await collect(handle(event))
        assert len(result.passages_retrieved.passages) == found


async def test_a_persona_that_does_not_exist_is_rejected(search: Search) -> None:
    with pytest.raises(Reject, match="no persona 'x'"):
        await retrieve(search, understood(persona="x"))


async def test_a_space_that_does_not_exist_is_rejected(search: Search) -> None:
    handle = retriever(search, Spaces())
    with pytest.raises(Reject, match="no space 'demo'"):
        await collect(handle(understood()))


async def test_an_event_with_a_long_history_still_fits(search: Search) -> None:
    event = understood()
    event.utterance_understood.history.add(answer="x" * (events.MAX_BYTES - 1_200))
    handle = retriever(search, Spaces({"demo": space()}))
    [result] = await collect(handle(event))
    assert result.ByteSize() <= events.MAX_BYTES


def test_tiers_are_those_of_the_person_capped_by_the_persona() -> None:
    assert tiers_of(["rh", "restricted"], "public") == {"public"}
    assert tiers_of(["rh", "restricted"], "rh") == {"public", "rh"}
    assert tiers_of(["restricted"], "rh") == {"public"}
    assert tiers_of(["rh", "restricted"]) == {"public", "rh", "restricted"}
