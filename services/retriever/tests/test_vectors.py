import pytest

from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.passages import Indexed
from palabre.retriever.vectors import LETTERS, STORED, TEXT, TITLE, of_passage, of_question

FRENCH = ("fr",)


def stems(text: str, *languages: str) -> set[int]:
    return set(of_question(text, languages or FRENCH)[TEXT].terms)


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
