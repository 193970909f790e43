"""What is said without a model: in every language, to everybody as they are addressed."""

import re
from typing import Any, Literal

import pytest

from palabre.chassis.languages import LANGUAGES, texts as read
from palabre.contracts.v1.turns_pb2 import Passage
from palabre.llm import categories, replies
from palabre.llm.courtesies import courtesy
from palabre.llm.engines import Material
from palabre.llm.engines.extractive import compose
from palabre.llm.engines.telling import tell
from palabre.llm.languages import choose

from .a_turn import DEPOSIT

ADDRESSES: tuple[Literal["vous", "tu"], ...] = ("vous", "tu")
FRENCH = Passage(title=DEPOSIT.title, text=DEPOSIT.text, language="fr")
NUMBERS = {
    "self-harm": ("3114", "15", "112"),
    "violence": ("3919", "17", "112", "114"),
    "child-danger": ("119", "17", "112", "114"),
    "threat": ("17", "112"),
    "hate": ("39\N{NO-BREAK SPACE}28",),
}
# Languages that do not address one person in two ways, or are written so as to avoid it.
ONE_ADDRESS = ("en", "ar")


def texts(language: str) -> dict[str, Any]:
    return read("palabre.llm", language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("address", ADDRESSES)
def test_everything_is_said_in_every_language(
    language: str, address: Literal["vous", "tu"]
) -> None:
    assert texts(language).keys() == texts("fr").keys()
    say, french = replies.of(language, address), replies.of("fr", address)
    for key in texts(language):
        said = say(key, title="Titre")
        assert len(said) > 3
        assert ("Titre" in said) == ("Titre" in french(key, title="Titre"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_file_is_in_its_language(language: str) -> None:
    said = [replies.of(language, a)(key, title="X") for a in ADDRESSES for key in texts(language)]
    long = [text for text in said if len(text.split()) > 4 or language == "zh"]
    assert len(long) > 20
    assert [text for text in long if choose(text, "", ("nl",)) != language] == []


@pytest.mark.parametrize("language", sorted({*LANGUAGES} - {*ONE_ADDRESS}))
def test_a_person_is_addressed_in_one_way_throughout(language: str) -> None:
    both = {key: text for key, text in texts(language).items() if not isinstance(text, str)}
    assert {"hello", "thanks", "unavailable", "self-harm", "insult"} <= both.keys()
    for text in both.values():
        assert text.keys() == {"vous", "tu"}
        assert text["vous"] != text["tu"]


def test_what_speaks_to_a_french_person_exists_in_both_forms() -> None:
    to_somebody = re.compile(r"\b(vous|votre|vos|tu|te|toi|ton|ta|tes)\b|\bt'|\w+ez\b", re.I)
    written = texts("fr").items()
    one = [key for key, text in written if isinstance(text, str) and to_somebody.search(text)]
    assert one == []
    formal = [key for key, text in written if not isinstance(text, str)]
    wrong = [key for key in formal if re.search(r"\b(vous|votre|vos)\b", texts("fr")[key]["tu"])]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("category", NUMBERS)
def test_help_lines_are_the_right_ones(language: str, category: str) -> None:
    for address in ADDRESSES:
        said = replies.of(language, address)(category)
        assert all(f"**{number}**" in said for number in NUMBERS[category])


def test_every_category_has_words() -> None:
    keys = {*categories.REFUSED, *categories.SAID_FIRST.values(), *categories.ALONE.values()}
    assert keys <= texts("fr").keys()


def test_a_language_without_texts_gets_english() -> None:
    assert replies.of("nl")("hello").startswith("Hello")
    assert replies.of("fr-CA")("hello").startswith("Bonjour")
    assert replies.of("pt-BR")("hello").startswith("Olá")
    assert replies.of("")("hello").startswith("Bonjour")


@pytest.mark.parametrize("language", LANGUAGES)
def test_quotes_stay_in_the_documents_language_and_it_is_said_once(language: str) -> None:
    question = "Quand le dépôt de garantie est-il rendu ?"
    say, sentence = replies.of(language), replies.of(language)("quoted_as_written")
    answer = "".join(compose(Material(question, (FRENCH,), language)))
    assert answer.startswith(say("according_to", title=FRENCH.title))
    assert "dans un délai d'un mois [1]." in answer
    assert answer.count(sentence) == (language != "fr")
    story = "".join(tell(Material(question, (FRENCH,), language, mode="story")))
    assert story.count(sentence) == (language != "fr")


def test_of_a_document_whose_language_nobody_knows_nothing_is_said() -> None:
    answer = "".join(compose(Material("deposit?", (DEPOSIT,), "en")))
    assert replies.of("en")("quoted_as_written") not in answer


def test_a_french_sentence_of_the_space_does_not_stand_for_one_in_the_askers_language() -> None:
    french = "Je ne trouve pas la réponse. Appelez le 01 99 00 12 34."
    spoken = "".join(compose(Material("¿Cuándo?", (), "es", where_to_turn=french)))
    assert spoken == f"{replies.of('es')('unknown')}\n\n{french}"
    assert "".join(compose(Material("Quand ?", (), "fr", where_to_turn=french))) == french


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Hola, ¡buenos días!", "hello"),
        ("Cześć", "hello"),
        ("你好！", "hello"),
        ("السلام عليكم", "hello"),
        ("Muito obrigado", "thanks"),
        ("Çok teşekkürler", "thanks"),
        ("Дякую!", "thanks"),
        ("La revedere", "goodbye"),
        ("Guten Tag, wie hoch ist die Kaution?", ""),
    ],
)
def test_courtesies_are_known_in_every_language(text: str, key: str) -> None:
    assert courtesy(text) == key
