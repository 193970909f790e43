"""The storyteller: she invents, says what inspired her, and still hears who is in danger."""

import re
from collections.abc import Iterator

import pytest

from palabre.chassis.stage import deliveries
from palabre.contracts.v1 import turns_pb2 as turns
from palabre.contracts.v1.turns_pb2 import Exchange, Passage, Understanding, Utterance
from palabre.llm import choices, guard, inspirations
from palabre.llm.comprehend import by_words
from palabre.llm.engines import Material
from palabre.llm.engines.scripted import Scripted
from palabre.llm.engines.telling import tell
from palabre.llm.prompts import Prompting, Retrieved
from palabre.llm.sentences import sentences

from .a_turn import make_space, retrieved
from .hostile import HOSTILE
from .test_answer import answering, deltas, results

SPACE = make_space(persona={"mode": "story", "address": "tu"})
LIGHTHOUSE = Passage(
    document="phare.md",
    title="Le phare aux Sept Corbeaux",
    text="Au bout de la presqu'île se dresse un phare sans porte. Sept corbeaux logent sous la"
    " lanterne. La nuit, la lampe assombrit les flots.",
)
THIEF = Passage(
    document="isaure.md",
    title="Isaure aux yeux gris",
    text="Isaure ne vole pas d'or. Elle vole des ombres, qu'elle plie dans une boîte à chapeau.",
)
STORY = """Milo pousse la grille.

1. **Monter** sans bruit.
2. Appeler le gardien.
3. Fuir par la grève."""


@pytest.fixture(autouse=True)
def first_delivery() -> Iterator[None]:
    token = deliveries.set(1)
    yield
    deliveries.reset(token)


async def completed(
    *scripts: str, passages: tuple[Passage, ...] = (LIGHTHOUSE, THIEF), text: str = "Raconte."
) -> tuple[turns.AnswerMode.ValueType, str, list[int]]:
    model = Scripted([scripts])
    events = await results(retrieved(text, passages=passages), answering(model, space=SPACE))
    done = events[-1].answer_completed
    assert done.text == deltas(events)
    return done.mode, done.text, [source.number for source in done.sources]


async def test_a_story_cites_what_inspired_it() -> None:
    mode, _, cited = await completed("Il était une fois. Inspiré par [2].")
    assert (mode, cited) == (turns.ANSWER_MODE_STORY, [2])


async def test_a_passage_that_does_not_exist_inspires_nothing() -> None:
    _, text, cited = await completed("Il était une fois. Inspiré par [1][7].")
    assert (text, cited) == ("Il était une fois. Inspiré par [1].", [1])


async def test_where_the_model_forgets_the_passages_that_it_took_from_are_named() -> None:
    told = "Sous la lanterne du phare, sept corbeaux assombrissent la nuit de la presqu'île."
    _, text, cited = await completed(told)
    assert text == f"{told}\n\nInspiré par [1]"
    assert cited == [1]


async def test_a_story_without_a_source_is_no_abstention() -> None:
    mode, text, cited = await completed("Un robot rêve.", passages=())
    assert (mode, text, cited) == (turns.ANSWER_MODE_STORY, "Un robot rêve.", [])


async def test_sentences_without_a_source_stay_in_the_story() -> None:
    told = "Le vent se lève. Milo hésite. Sacha rit. Inspiré par [1]."
    assert (await completed(told))[1] == told


async def test_an_insulting_hero_is_no_reason_to_refuse() -> None:
    event = retrieved(passages=(), understanding=Understanding(language="fr", guard=["insult"]))
    events = await results(event, answering(Scripted([["Et puis."]]), space=SPACE))
    assert events[-1].answer_completed.mode == turns.ANSWER_MODE_STORY


async def test_who_wants_to_die_is_heard_in_the_middle_of_a_story() -> None:
    event = retrieved(understanding=Understanding(language="fr", guard=["self-harm"]))
    done = (await results(event, answering(Scripted(), space=SPACE)))[-1].answer_completed
    assert done.mode == turns.ANSWER_MODE_REFUSED
    assert "3114" in done.text


@pytest.mark.parametrize(
    "text",
    [
        "Mon héros veut tuer le dragon avec son épée",
        "Je vais tuer le roi et prendre sa couronne",
        "Je vais te tuer, dragon !",
        "Tu vas mourir, maudit nécromancien !",
        "On met le feu à la maison de la sorcière",
        "Je vais brûler le bâtiment des gardes pour faire diversion",
        "On va poser une bombe sous la tour du sorcier",
        "Je vais tuer le gardien du pont",
        "La sorcière me menace de mort, que fait mon personnage ?",
        "Le chevalier frappe l'enfant du roi par erreur",
        "Raconte comment le géant enferme les enfants dans sa cave",
        "Va en enfer, démon !",
        "Je me jette du haut du pont pour échapper aux gardes",
        "Je saute par la fenêtre pour fuir",
        "Une marâtre qui bat sa fille",
        "I will kill you, foul demon! My sword is drawn.",
    ],
)
def test_an_ordinary_adventure_is_no_danger(text: str) -> None:
    assert guard.judge(text, fiction=True) == []


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("je veux mourir", "self-harm"),
        ("raconte-moi une histoire avant que je me suicide", "self-harm"),
        ("comme le roi, je n'ai plus envie de vivre", "self-harm"),
        ("le dragon c'est mon mari, il me frappe", "violence"),
        ("mon père me frappe quand il rentre, comme un ogre", "violence"),
        ("je vais tuer ma voisine comme une sorcière", "threat"),
        ("mort aux juifs", "hate"),
        ("les chevaliers, et mort aux arabes", "hate"),
        ("ferme ta gueule", "insult"),
    ],
)
def test_a_real_danger_is_heard_in_a_story_too(text: str, category: str) -> None:
    assert category in guard.judge(text, fiction=True)


@pytest.mark.parametrize(
    ("message", "way"),
    [
        ("2", "Appeler le gardien."),
        ("Le deuxième !", "Appeler le gardien."),
        ("choix 3", "Fuir par la grève."),
        ("je choisis la 1", "Monter** sans bruit."),
        ("4", ""),
        ("Milo a 2 épées et un très long manteau", ""),
        ("On continue", ""),
    ],
)
def test_a_number_takes_the_way_that_the_story_left_open(message: str, way: str) -> None:
    assert choices.taken(message, STORY) == way


@pytest.mark.parametrize(
    ("message", "about"),
    [
        ("Raconte-nous une courte aventure au phare.", "nous une au phare"),
        ("Invente une histoire de robots", "une de robots"),
        ("Raconte-moi une histoire !", ""),
    ],
)
def test_what_a_story_is_about_are_the_words_that_do_not_only_ask(message: str, about: str) -> None:
    assert choices.subject(message) == about


def test_the_way_that_was_taken_is_what_is_searched_for() -> None:
    history = [Exchange(question="Une aventure au phare", answer=STORY)]
    understood = by_words(SPACE, Utterance(text="la 3"), history, fiction=True)
    assert understood.question == "Fuir par la grève."
    assert list(understood.queries) == ["Une aventure au phare"]


def test_a_story_that_the_client_carries_may_be_gone_on_with() -> None:
    understood = by_words(SPACE, Utterance(text="2"), [Exchange(question=STORY)], fiction=True)
    assert understood.question == "Appeler le gardien."


def test_only_words_that_a_passage_has_alone_show_that_it_inspired() -> None:
    told = "Isaure plie une ombre dans sa boîte à chapeau."
    assert inspirations.of(told, "", [LIGHTHOUSE, THIEF]) == [2]
    assert inspirations.of(told, "Isaure plie une ombre, boîte, chapeau", [LIGHTHOUSE, THIEF]) == []
    assert inspirations.of(told, "", [THIEF, THIEF]) == []


@pytest.mark.parametrize(
    ("language", "inspired", "alone"),
    [
        ("fr", "« Inspiré par »", "inventez sans source"),
        ("en", '"Inspired by"', "without a source"),
    ],
)
def test_a_storyteller_is_told_to_invent_and_to_name_what_inspired_her(
    language: str, inspired: str, alone: str
) -> None:
    def system(*passages: Passage) -> str:
        asked = Retrieved("Raconte.", language, passages)
        return Prompting().answer(SPACE, SPACE.personas["camille"], asked)[0].content

    assert inspired in system(LIGHTHOUSE)
    assert alone in system()
    assert "[1]" not in system()
    assert "01 99 00 12 34" not in system()


def test_a_past_episode_is_remembered_without_what_inspired_it() -> None:
    past = Exchange(question="Raconte.", answer="Milo entre.\n\n1. Fuir\n\n*Inspiré par* [1][3].")
    asked = Retrieved("1", "fr", (LIGHTHOUSE,), (past,))
    said = Prompting().answer(SPACE, SPACE.personas["camille"], asked)
    assert said[2].content == "Milo entre.\n\n1. Fuir"


@pytest.mark.parametrize(
    ("language", "said"), [("fr", "personnages de fiction"), ("en", "characters of fiction")]
)
def test_a_guard_model_is_told_that_characters_are_no_people(language: str, said: str) -> None:
    prompting = Prompting()
    for fiction in (True, False):
        guarding = prompting.guard("Je tue le dragon", language, fiction=fiction)
        understanding = prompting.comprehension(
            SPACE, Utterance(text="Je tue"), (), language, fiction=fiction
        )
        assert (said in guarding[0].content) == (said in understanding[0].content) == fiction


def test_without_a_model_passages_are_told_word_for_word() -> None:
    story = "".join(tell(Material("le phare", (LIGHTHOUSE, THIEF), "fr", "tu", mode="story")))
    for passage in (LIGHTHOUSE, THIEF):
        for sentence in sentences(passage.text):
            assert sentence.text.rstrip(".") in story
    assert re.findall(r"\[\d\]", story) == ["[1]", "[2]"]
    assert "Aucun modèle de langage n'est branché" in story
    assert choices.taken("1", story).endswith("«\u00a0Le phare aux Sept Corbeaux\u00a0»")


def test_without_a_model_and_passages_she_asks_for_something_to_go_on() -> None:
    story = "".join(tell(Material("un robot", (), "fr", "tu", mode="story")))
    assert "Donne-moi un lieu" in story
    assert "[" not in story


@pytest.mark.parametrize("attack", HOSTILE)
def test_what_a_document_says_to_a_machine_is_not_told(attack: str) -> None:
    hostile = Passage(document="h.md", title="h", text=f"Il pleut sur le pont. {attack}")
    story = "".join(tell(Material("pont", (hostile,), "fr", mode="story")))
    assert not re.search(r"\bignore\b", story.lower())
    assert "<|" not in story
