"""Passages that say the same take one place in what a search finds."""

import pytest

from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.documents import Block, Section
from palabre.retriever.index.generations import Generations
from palabre.retriever.passages import Indexed, cut
from palabre.retriever.search import Found, Question, Search
from palabre.retriever.twins import Twins

CHAUFFAGE = (
    "La panne de chauffage se signale à la loge, qui appelle le dépanneur dans la journée et"
    " prévient les voisins par une affiche dans le hall ; un radiateur est prêté en attendant."
)
LOYER = (
    "Le loyer de la résidence est fixé chaque année par le conseil, il est de {} € par mois à"
    " partir du premier janvier {}, charges de chauffage comprises pour tous les logements."
)


def passage(document: str, text: str, **said: str) -> Indexed:
    common = Passage(document=document, **({"title": "Guide", "language": "fr"} | said))  # type: ignore[arg-type]
    common.tier = said.get("tier", "public")
    return cut([Section((), (Block(text),))], common)[0]


async def put(index: Generations, *passages: Indexed) -> None:
    [shelf] = await index.shelves("demo")
    await shelf.add(passages)
    for each in passages:
        await shelf.switch([each.passage.id], each.passage.tier, "1", [])


async def find(index: Generations, question: str, *tiers: str, limit: int = 4) -> Found:
    asked = Question("demo", [question], ("public", *tiers), ("fr", "en"), limit, floor=0.0)
    return await Search(index).find(asked)


def documents(found: Found) -> list[str]:
    return [each.document for each in found.passages]


async def test_copies_take_one_place_and_are_named(index: Generations) -> None:
    copies = [passage(f"copie-{n}.md", CHAUFFAGE) for n in range(20)]
    others = [passage(f"autre-{w}.md", f"Le chauffage est {w}.") for w in ("collectif", "coupé")]
    await put(index, *copies, *others)
    found = await find(index, "panne de chauffage")
    [first, *rest] = found.passages
    assert first.text == CHAUFFAGE
    assert sorted(each.document for each in rest) == ["autre-collectif.md", "autre-coupé.md"]
    assert len(first.also_in) == 8
    assert first.document not in first.also_in
    assert found.below_floor == 0


async def test_a_copy_with_a_few_other_words_is_one_too(index: Generations) -> None:
    edited = CHAUFFAGE.replace("une affiche", "une petite affiche")
    await put(index, passage("a.md", CHAUFFAGE), passage("b.md", edited))
    assert len(documents(await find(index, "panne de chauffage"))) == 1


async def test_texts_of_which_only_figures_and_dates_differ_keep_their_places(
    index: Generations,
) -> None:
    years = [(512, 2024), (530, 2025), (547, 2026)]
    await put(index, *(passage(f"loyer-{y}.md", LOYER.format(e, y)) for e, y in years))
    found = await find(index, "le loyer de la résidence")
    assert sorted(documents(found)) == ["loyer-2024.md", "loyer-2025.md", "loyer-2026.md"]


async def test_a_hundred_copies_do_not_hide_what_stands_behind_them(index: Generations) -> None:
    copies = [passage(f"copie-{n}.md", CHAUFFAGE) for n in range(120)]
    await put(index, *copies, passage("autre.md", "Le chauffage est collectif et payé à part."))
    assert "autre.md" in documents(await find(index, "panne de chauffage dans la journée"))


async def test_a_copy_above_the_askers_tiers_neither_hides_nor_is_named(
    index: Generations,
) -> None:
    mine = passage("public.md", CHAUFFAGE)
    theirs = passage("interne-2026.md", CHAUFFAGE, title="Guide du chauffage", tier="restricted")
    await put(index, mine, theirs)
    [found] = (await find(index, "panne de chauffage")).passages
    assert (found.document, list(found.also_in)) == ("public.md", [])
    [found] = (await find(index, "panne de chauffage", "restricted")).passages
    assert (found.document, list(found.also_in)) == ("interne-2026.md", ["public.md"])


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"document": "guide-2025.md"}, {"document": "guide-2024.md"}),
        ({"document": "a.md", "title": "Guide 2025"}, {"document": "b.md", "title": "Guide 2019"}),
        ({"document": "a.md", "language": "fr"}, {"document": "b-2026.md", "language": "en"}),
    ],
)
def test_the_latest_in_the_askers_language_stands_for_all(
    better: dict[str, str], worse: dict[str, str], order: int
) -> None:
    both = [passage(text=CHAUFFAGE, **said) for said in (better, worse)][::order]
    [kept] = Twins().collapse("demo", both, ("fr", "en"))
    assert kept.passage.document == better["document"]
    assert list(kept.passage.also_in) == [worse["document"]]


def test_the_most_relevant_one_stands_for_all() -> None:
    both = [passage("b-2026.md", CHAUFFAGE), passage("a.md", CHAUFFAGE)]
    both[1].passage.relevance = 0.9
    [kept] = Twins().collapse("demo", both, ("fr",))
    assert kept.passage.document == "a.md"


@pytest.mark.parametrize(
    ("one", "other", "kept"),
    [
        ("Guide du locataire 2024", "Guide du locataire 2025", 1),
        ("Règlement", "Règlement intérieur (copie)", 1),
        ("FAQ", "Chauffage", 1),
        ("Cabinet médical : que faire ?", "Registre du personnel : que faire ?", 2),
    ],
)
def test_the_same_text_about_something_else_is_another_answer(
    one: str, other: str, kept: int
) -> None:
    both = [passage("a.md", CHAUFFAGE, title=one), passage("b.md", CHAUFFAGE, title=other)]
    assert len(Twins().collapse("demo", both, ("fr",))) == kept


def test_places_are_kept_in_order() -> None:
    texts = [CHAUFFAGE, "Un chien est admis.", CHAUFFAGE, "Le bail dure trois ans."]
    found = [passage(f"{n}.md", text) for n, text in enumerate(texts)]
    for each, score in zip(found, (4.0, 3.0, 2.0, 1.0), strict=True):
        each.passage.score = score
    kept = Twins().collapse("demo", found, ("fr",))
    assert [each.passage.score for each in kept] == [4.0, 3.0, 1.0]
