from dataclasses import replace

import pytest

from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.coverage import MENTIONED, words_of
from palabre.retriever.documents import Block, Section
from palabre.retriever.index.edge import EdgeIndex
from palabre.retriever.index.ranking import Ranked
from palabre.retriever.passages import cut
from palabre.retriever.search import (
    COVERED,
    RRF_K,
    WEIGHTS,
    Found,
    Question,
    Search,
    diverse,
    fuse,
)

GUIDE = {
    "bail": ["Le bail dure trois ans.", "Le bail est signé par tous.", "Le bail se renouvelle."],
    "preavis": ["Le préavis est de trois mois, réduit à un mois en zone tendue."],
    "loyer": ["Le loyer est payé le cinq du mois, par prélèvement ou par chèque."],
    "animaux": ["Un chien est admis dans le logement s'il ne dérange personne."],
    "rent": ["The rent is paid on the fifth of the month."],
}


@pytest.fixture
async def search(edge: EdgeIndex) -> Search:
    for document, texts in GUIDE.items():
        common = Passage(
            document=document,
            title=document,
            language="en" if document == "rent" else "fr",
            tier="restricted" if document == "loyer" else "public",
        )
        sections = [Section((str(n),), (Block(text),)) for n, text in enumerate(texts)]
        indexed = cut(sections, common, ("caution",) if document == "bail" else ())
        ids = [i.passage.id for i in indexed]
        [shelf] = await edge.shelves("demo")
        await shelf.add(indexed)
        await shelf.switch(ids, common.tier, "1", [])
    return Search(edge)


async def find(search: Search, *forms: str, limit: int = 5, floor: float | None = None) -> Found:
    return await search.find(Question("demo", forms, ("public",), ("fr", "en"), limit, floor))


def documents(found: Found) -> list[str]:
    return [passage.document for passage in found.passages]


async def test_the_best_passage_comes_first_with_what_it_covers(search: Search) -> None:
    found = await find(search, "quel est le préavis en zone tendue ?")
    best = found.passages[0]
    assert best.document == "preavis"
    assert best.relevance == pytest.approx(MENTIONED + (1 - MENTIONED) / 3)
    assert best.score > 0
    assert found.search_ms > 0


async def test_a_question_in_another_language_of_the_space_finds_its_documents(
    search: Search,
) -> None:
    assert documents(await find(search, "when do I pay the rent?"))[0] == "rent"


async def test_a_question_that_nothing_covers_finds_nothing(search: Search) -> None:
    found = await find(search, "quelle est la capitale de la Mongolie ?")
    assert documents(found) == []


async def test_half_a_question_is_below_a_high_floor_and_counted(search: Search) -> None:
    question = "le préavis des girafes"
    assert documents(await find(search, question, floor=0.2)) == ["preavis"]
    found = await find(search, question, floor=0.9)
    assert (documents(found), found.below_floor > 0) == ([], True)


async def test_who_reads_is_given_what_is_doubtful_and_no_noise(search: Search) -> None:
    question, floor = "un préavis pour les girafes du zoo", 0.5
    quoted = await find(search, question, floor=floor)
    asked = Question("demo", [question], ("public",), ("fr",), 5, floor, read=True)
    read = await search.find(asked)
    assert (documents(quoted), quoted.doubtful) == ([], False)
    assert (documents(read)[0], read.doubtful) == ("preavis", True)
    assert all(floor / 2 <= passage.relevance < floor for passage in read.passages)
    noise = await search.find(replace(asked, forms=["les girafes du zoo de la ville, un préavis"]))
    assert (noise.passages, noise.doubtful) == ([], False)


async def test_who_reads_is_not_told_to_doubt_what_reached_the_floor(search: Search) -> None:
    asked = Question("demo", ["le préavis de trois mois"], ("public",), ("fr",), 5, read=True)
    found = await search.find(asked)
    assert (documents(found)[0], found.doubtful) == ("preavis", False)


async def test_without_a_floor_all_candidates_are_given(search: Search) -> None:
    assert "preavis" in documents(await find(search, "le préavis des girafes", floor=0.0))


async def test_a_fused_rank_grows_with_what_the_passage_covers(search: Search) -> None:
    found = (await find(search, "préavis en zone tendue, un chien", floor=0.0)).passages
    fused = [p.score / (1 + COVERED * p.relevance) for p in found]
    assert max(fused) <= sum(WEIGHTS.values()) / (RRF_K + 1)
    assert found[0].relevance > found[1].relevance > 0
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)


async def test_a_word_that_is_misspelt_is_found_by_its_letters(search: Search) -> None:
    assert documents(await find(search, "prélèvemant chiens", floor=0.0))[0] == "animaux"


async def test_a_further_form_finds_what_the_first_does_not(search: Search) -> None:
    alone = await find(search, "ouaf", floor=0.0)
    helped = await find(search, "ouaf", "chien logement", floor=0.0)
    assert "animaux" not in documents(alone)
    assert documents(helped)[0] == "animaux"


@pytest.mark.parametrize(
    ("asked", "document"),
    [
        ("slt, ya koi com préavis en zone tendu ?", "preavis"),
        ("jpeux avoir un chien ds le logement svp", "animaux"),
        ("le toutou dans l'appart, c'est ok ?", "animaux"),
        ("LE PREAVIS EN ZONE TENDUE", "preavis"),
        ("l’animal, qu’est-ce qu’on en dit", "animaux"),
        ("prévis zonne tendue", "preavis"),
        ("préavis-zone tendue", "preavis"),
    ],
    ids=["short", "short verb", "everyday", "capitals", "apostrophes", "misspelt", "compound"],
)
async def test_a_question_however_spelled_finds_its_page(
    search: Search, asked: str, document: str
) -> None:
    assert documents(await find(search, asked, floor=0.0))[0] == document


async def test_the_asker_does_not_see_what_is_not_theirs(search: Search) -> None:
    assert "loyer" not in documents(await find(search, "payer le loyer par chèque", floor=0.0))


async def test_keywords_find_a_document_and_count_as_covered(search: Search) -> None:
    found = await find(search, "ma caution")
    assert documents(found)[0] == "bail"
    assert found.passages[0].relevance == pytest.approx(1.0)


@pytest.mark.parametrize("question", ["", "   ", "?", "c'est quoi ?"])
async def test_a_question_without_a_word_of_its_own_finds_nothing(
    search: Search, question: str
) -> None:
    assert documents(await find(search, question)) == []


async def test_the_limit_is_kept_and_one_document_does_not_fill_it(search: Search) -> None:
    found = await find(search, "le bail, le préavis", limit=3)
    assert sorted(documents(found)) == ["bail", "bail", "preavis"]


async def test_the_same_question_finds_the_same_order(search: Search) -> None:
    first = await find(search, "le bail de trois ans", floor=0.0)
    again = await find(search, "le bail de trois ans", floor=0.0)
    assert [p.id for p in first.passages] == [p.id for p in again.passages]


def test_ranks_are_fused_and_scores_are_not() -> None:
    scores = fuse([[Ranked("a", 1), Ranked("b", 2)], [Ranked("b", 1)]], [1.0, 0.5])
    assert scores["a"] == pytest.approx(1 / (RRF_K + 1))
    assert scores["b"] == pytest.approx(1 / (RRF_K + 2) + 0.5 / (RRF_K + 1))


def test_the_first_places_go_to_several_documents_and_nothing_is_lost() -> None:
    passages = [Passage(id=str(n), document=d) for n, d in enumerate("aaabac")]
    assert [p.id for p in diverse(passages, 2)] == ["0", "3", "1", "2", "4", "5"]
    assert [p.id for p in diverse(passages, 3)] == ["0", "3", "5", "1", "2", "4"]


def test_words_of_asking_are_no_part_of_the_question() -> None:
    assert len(words_of("Bonjour, pourriez-vous me dire comment payer le loyer ?", ("fr",))) <= 3
    assert words_of("Comment faire ?", ("fr",)) == []
