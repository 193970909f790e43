import pytest

from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.passages import Indexed
from palabre.retriever.vectors import (
    LETTERS,
    STORED,
    TEXT,
    TITLE,
    WRITTEN,
    of_passage,
    of_question,
    stems_of,
)

FRENCH = ("fr",)


def stems(text: str, *languages: str) -> set[int]:
    """Of the text's own words."""
    return set(stems_of(text, languages or FRENCH))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("école", "ECOLE"),
        ("l'école", "école"),
        ("l’école", "l'école"),
        ("qu’une", "une"),
        ("déclarer", "déclaration"),
        ("œuvre", "oeuvre"),
        ("locataires", "locataire"),
    ],
)
def test_french_forms_of_a_word_are_the_same_term(one: str, other: str) -> None:
    assert stems(one) == stems(other)


def test_small_words_are_no_terms() -> None:
    assert not stems("le la les d'un qu'est-ce")


def test_a_question_has_the_stems_of_all_languages_of_the_space() -> None:
    assert stems("housing") != stems("housing", "fr", "en") >= stems("housing", "en")


def test_a_language_without_a_stemmer_is_split_into_words() -> None:
    assert len(stems("naa kita", "wo")) == 2


def test_what_documents_write_is_searched_for_too_and_weighs_less() -> None:
    text = of_question("mon proprio", FRENCH)[TEXT]
    weights = dict(zip(text.terms, text.weights, strict=True))
    assert {weights[stem] for stem in stems("proprio")} == {1.0}
    assert {weights[stem] for stem in stems("propriétaire")} == {WRITTEN}


def test_a_word_that_is_asked_and_written_weighs_as_asked() -> None:
    text = of_question("le propriétaire, mon proprio", FRENCH)[TEXT]
    weights = dict(zip(text.terms, text.weights, strict=True))
    assert {weights[stem] for stem in stems("propriétaire")} == {1.0}
    assert len(set(text.terms)) == len(text.terms)


def test_letters_find_a_misspelt_word() -> None:
    right, wrong = (set(of_question(word, FRENCH)[LETTERS].terms) for word in ("numéro", "numeros"))
    assert len(right & wrong) >= 4


def test_a_word_of_one_letter_has_letters_too() -> None:
    assert of_question("y", FRENCH)[LETTERS].terms


def test_a_passage_has_every_field_each_term_once() -> None:
    passage = Passage(title="Le bail", heading_path=["Durée"], text="Trois ans. Trois !")
    vectors = of_passage(Indexed(passage, ("contrat",)))
    assert set(vectors) == set(STORED)
    assert all(len(set(v.terms)) == len(v.terms) == len(v.weights) for v in vectors.values())


def test_keywords_count_as_part_of_the_title() -> None:
    vectors = of_passage(Indexed(Passage(text="x", language="fr"), ("caution",)))
    assert stems("caution") <= set(vectors[TITLE].terms)
    assert not stems("caution") & set(vectors[TEXT].terms)
