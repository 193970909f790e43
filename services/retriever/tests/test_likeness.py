import random

import pytest

from palabre.retriever.likeness import SKETCH, estimate, pairs, similarity, sketch
from palabre.retriever.twins import SAME

RULE = (
    "Le locataire prévient la loge avant de poser une antenne sur le balcon. Le gardien note la"
    " demande dans le registre et transmet le dossier au bureau technique. La pose se fait aux"
    " frais du locataire, par un installateur assuré, et la façade doit rester intacte. En fin de"
    " bail le support est retiré et les trous sont rebouchés proprement avec un enduit adapté."
)
WORDS = sorted({word for word in RULE.split() if word.isalpha() and word.islower()})


def alike(one: str, other: str) -> float:
    return similarity(pairs(one), pairs(other))


def edited(text: str, share: float, rng: random.Random) -> str:
    """Words of the text replaced, left out or doubled; those that state facts stay."""
    words = text.split(" ")
    places = [place for place, word in enumerate(words) if word.isalpha() and word.islower()]
    for place in rng.sample(places, round(len(words) * share)):
        words[place] = rng.choice([rng.choice(WORDS), "", f"{words[place]} bien"])
    return " ".join(filter(None, words))


def test_the_same_text_is_the_same_however_it_is_set() -> None:
    again = RULE.upper().lower().replace(". ", ".\n\n").replace(",", " ;")
    assert alike(RULE, RULE) == 1.0
    assert alike(RULE.lower(), again) == 1.0


def test_lines_and_blanks_say_nothing() -> None:
    text = f"{RULE} Écrire à l'agence de Nantes, au Service technique, avec Une copie."
    words = text.split(" ")
    reflowed = " ".join(word if n % 7 else f"{word} " for n, word in enumerate(words))
    assert alike(text, reflowed) == 1.0
    lines = "".join(f"{word}\n" if n % 9 == 8 else f"{word} " for n, word in enumerate(words))
    assert alike(text, lines) == 1.0


def test_a_few_edits_leave_a_text_the_same_and_many_do_not() -> None:
    rng = random.Random(5)  # noqa: S311
    assert all(alike(RULE, edited(RULE, 0.04, rng)) >= SAME for _ in range(50))
    assert all(alike(RULE, edited(RULE, 0.3, rng)) < SAME for _ in range(50))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2024 : 512 €", "2025 : 530 €"),
        ("le 3 mars", "le 3 avril"),
        ("deux mois", "trois mois"),
        ("est admis", "n'est pas admis"),
        ("avec un préavis", "sans un préavis"),
        ("à Nantes", "à Rennes"),
        ("de l'Office", "de l'Agence"),
        (
            "dans les départements :\n\n- Nièvre\n- Cher\n",
            "dans les départements :\n\n- Nièvre\n- Jura\n",
        ),
        ("(CAF)", "(CPAM)"),
        ("dossier z12k", "dossier z13k"),
        ("lundi matin", "mardi matin"),
    ],
)
def test_texts_that_state_other_facts_are_not_alike_at_all(one: str, other: str) -> None:
    assert alike(f"{RULE} Le loyer est fixé, {one} pour tous.", f"{RULE} Le loyer est fixé, "
                 f"{other} pour tous.") == 0.0  # fmt: skip


def test_a_word_that_begins_a_sentence_is_no_name() -> None:
    assert alike(RULE, f"Bonjour. {RULE}") > 0.95


@pytest.mark.parametrize("text", ["", "?", "oui", "— … —"])
def test_a_text_of_hardly_a_word_is_like_itself(text: str) -> None:
    assert alike(text, text) == 1.0
    assert len(sketch(pairs(text))) == 1


def test_hashes_are_the_same_in_every_process() -> None:
    assert sketch(pairs("Le bail dure trois ans."))[:2] == [1206016259, 1786236678]


def test_a_sketch_estimates_the_similarity_of_texts() -> None:
    rng = random.Random(3)  # noqa: S311
    errors = []
    for _ in range(200):
        one, other = pairs(RULE * 2), pairs(edited(RULE * 2, 0.1, rng))
        errors.append(estimate(sketch(one), sketch(other)) - similarity(one, other))
        assert len(sketch(one)) <= SKETCH
    assert abs(sum(errors) / len(errors)) < 0.05
    assert max(map(abs, errors)) < 0.3
