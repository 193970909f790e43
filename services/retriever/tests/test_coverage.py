import pytest
from hypothesis import given, strategies as st

from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.coverage import (
    EVERY_WORD,
    MENTIONED,
    ORDINARY,
    OTHERWISE,
    Coverage,
    words_of,
)
from palabre.retriever.index import Index
from palabre.retriever.passages import Indexed
from palabre.retriever.wording import spelled_out

FRENCH = ("fr",)
LETTERS = st.text("abcdefghijklmnopqrstuvwxyzéèà ' ", max_size=60)


class EqualWords:
    """An index that finds every word equally rare, and nothing else."""

    async def rarity(self, space: str, terms: list[int], tiers: object) -> list[float]:
        return [0.0] * len(terms)


async def relevance(question: str, text: str, title: str = "", *headings: str) -> float:
    passage = Passage(id=text, text=text, title=title, heading_path=headings, language="fr")
    passage.document = "scan-0815.pdf"
    index: Index = EqualWords()  # type: ignore[assignment]
    await Coverage(index).judge("demo", question, FRENCH, ("public",), [Indexed(passage)])
    return passage.relevance


async def test_a_word_counts_whole_in_the_title_and_less_in_the_text() -> None:
    assert await relevance("le chauffage", "Rien.", "Le chauffage") == pytest.approx(1.0)
    assert await relevance("le chauffage", "Rien.", "Guide", "Chauffage") == pytest.approx(1.0)
    assert await relevance("le chauffage", "Le chauffage.", "Guide") == pytest.approx(MENTIONED)
    assert await relevance("le chauffage", "Rien.", "Guide") == 0.0


@pytest.mark.parametrize("title", ["", "scan-0815"])
async def test_where_nothing_stands_above_the_text_counts_whole(title: str) -> None:
    assert await relevance("le chauffage", "Le chauffage.", title) == pytest.approx(1.0)


async def test_what_documents_write_for_a_word_counts_nearly_as_much() -> None:
    asked = await relevance("mon proprio", "Le propriétaire paie.")
    assert asked == pytest.approx(OTHERWISE)


async def test_a_misspelt_word_counts_by_its_letters_another_word_does_not() -> None:
    assert 0.3 < await relevance("chaufage", "Le chauffage.") < OTHERWISE
    assert await relevance("chameau", "Le chauffage.") == 0.0


async def test_a_short_word_is_not_guessed_by_its_letters() -> None:
    assert await relevance("bal", "Le bail.") == 0.0


async def test_half_a_question_is_half_covered() -> None:
    assert EVERY_WORD == 1.0
    assert await relevance("girafe, chauffage", "Le chauffage.") == pytest.approx(0.5)


async def test_of_a_long_question_a_share_counts_more_but_never_all() -> None:
    asked = "ma girafe, mon éléphant, mon zèbre, mon lion, mon tigre : le chauffage"
    long, words = await relevance(asked, "Le chauffage."), len(words_of(asked, FRENCH))
    assert words > ORDINARY
    assert long == pytest.approx((1 / words) ** (ORDINARY / words) ** 0.5)
    assert 1 / words < long < 1
    assert await relevance(asked, "Rien.") == 0.0
    assert await relevance(asked, asked) == pytest.approx(1.0)


@given(LETTERS, LETTERS, LETTERS)
async def test_relevance_is_a_share_and_more_text_never_covers_less(
    question: str, text: str, more: str
) -> None:
    less = await relevance(question, text, "Guide")
    assert 0.0 <= less <= await relevance(question, f"{text} {more}", "Guide") <= 1.0


@given(LETTERS)
async def test_a_passage_that_repeats_the_question_as_its_title_covers_it(question: str) -> None:
    said = await relevance(question, "Rien.", spelled_out(question, FRENCH))
    assert said == pytest.approx(1.0 if words_of(question, FRENCH) else 0.0)
