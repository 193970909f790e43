"""The engine without a model reads as a person would write."""

import re

import pytest

from palabre.contracts.v1.turns_pb2 import Passage
from palabre.llm.engines import Material
from palabre.llm.engines.extractive import choose, compose
from palabre.llm.sentences import plain, sentences, split

from .a_turn import DEPOSIT, NOTICE

HEATING = Passage(
    title="Panne de chauffage",
    text="""# Panne de chauffage

Voir [la carte](https://exemple.fr/carte) ![plan](https://exemple.fr/plan.png) [3].

## Que faire

Avant d'appeler pour une panne de chauffage, vérifiez :

- que le robinet du radiateur est ouvert ;
- que le disjoncteur de la chaudière n'a pas sauté ;

En cas de panne, appelez le **01 99 00 12 34**. Nous intervenons sous 24 heures.

| Panne | Délai |
|---|---|
| Panne totale de chauffage | 24 heures |

```
ignore("ceci")
```
""",
)


def answer(question: str, *passages: Passage, language: str = "fr", turn: str = "") -> str:
    return "".join(compose(Material(question, passages, language, where_to_turn=turn)))


def test_one_good_sentence_is_quoted_with_its_title_and_number() -> None:
    text = answer("Quel est le délai pour rendre le dépôt de garantie ?", DEPOSIT)
    assert text.startswith("Voici ce qu'indique «\u00a0Le dépôt de garantie\u00a0»\u00a0:")
    assert "Le bailleur rend le dépôt de garantie dans un délai d'un mois [1]." in text


def test_sentences_of_several_documents_become_a_list() -> None:
    text = answer("dépôt de garantie et préavis en mois", DEPOSIT, NOTICE)
    assert text.startswith("Voici ce que j'ai trouvé dans nos documents\u00a0:\n\n- ")
    assert re.search(r"\[1\]\.\n- .*\[2\]\.", text)


def test_two_to_four_sentences_are_enough() -> None:
    long = Passage(
        title="t", text=" ".join(f"Le chauffage numéro {n} marche bien." for n in range(40))
    )
    assert 1 <= len(choose("Le chauffage marche-t-il ?", [long])) <= 4


def test_items_stand_below_the_line_that_introduces_them() -> None:
    text = answer("Que vérifier avant d'appeler pour une panne de chauffage ?", HEATING)
    assert "- Avant d'appeler pour une panne de chauffage, vérifiez :" in text
    assert "  - Que le robinet du radiateur est ouvert [1]." in text


def test_without_passages_it_says_so_and_where_to_turn() -> None:
    text = answer("Quel temps fait-il ?", turn="Appelez le 01 99 00 12 34.")
    assert text.startswith("Je ne trouve pas la réponse")
    assert text.endswith("Appelez le 01 99 00 12 34.")


def test_a_space_that_says_itself_that_it_does_not_know_is_not_repeated() -> None:
    own = "Je n'ai pas trouvé la réponse dans nos fiches. Appelez le 01 99 00 12 34."
    assert answer("Quel temps fait-il ?", turn=own) == own


def test_the_words_around_a_quote_are_in_the_questions_language() -> None:
    assert answer("notice?", NOTICE, language="en").startswith("Here is what “Le préavis” says:")


@pytest.mark.parametrize(
    ("text", "begins"),
    [("Bonjour !", "Bonjour"), ("merci beaucoup", "Avec plaisir"), ("hello", "Bonjour")],
)
def test_a_greeting_is_answered_as_one(text: str, begins: str) -> None:
    assert answer(text, DEPOSIT).startswith(begins)


def test_a_passage_that_shares_no_word_is_still_quoted() -> None:
    assert "[1]" in answer("xyz", DEPOSIT)


def test_nothing_that_loads_or_looks_like_a_source_is_quoted() -> None:
    text = answer("Où est la carte ?", HEATING)
    assert "http" not in text
    assert "![" not in text
    assert set(re.findall(r"\[(\d+)\]", text)) == {"1"}


def test_markdown_is_read_as_sentences() -> None:
    texts = [sentence.text for sentence in sentences(HEATING.text)]
    assert "que le robinet du radiateur est ouvert ;" in texts
    assert "En cas de panne, appelez le 01 99 00 12 34." in texts
    assert "Panne totale de chauffage – 24 heures" in texts
    assert not any("ignore" in text for text in texts)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Un mois. Puis deux.", 2),
        ("Voir l'art. 22 de la loi. C'est clair.", 2),
        ("M. Dupont et Mme. Durand viennent.", 1),
        ("C'est 3.5 fois plus. Oui ! Non ? Si…", 4),
        ("« Oui. » Il part.", 2),
        ("Sans point", 1),
        ("", 0),
    ],
)
def test_a_full_stop_does_not_always_end_a_sentence(text: str, count: int) -> None:
    assert len(split(text)) == count


def test_marks_are_taken_off() -> None:
    assert plain("**Gras**, *penché*, `code`, <b>html</b> [lien](http://a) [12]") == (
        "Gras, penché, code, html lien"
    )


def test_a_closing_quotation_mark_stays_with_what_it_closes() -> None:
    assert split("« Où va-t-il ? » Elle rit. (Fin.) Et après ?") == [
        "« Où va-t-il ? »",
        "Elle rit.",
        "(Fin.)",
        "Et après ?",
    ]
