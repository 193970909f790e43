"""Pages of the web: what is kept of them, and what is left out."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from palabre.retriever.documents import Document, read

PAGES = sorted((Path(__file__).parent / "pages").glob("*.html"))
WIKI = Path(__file__).parent / "wiki"
WORD = re.compile(r"\w+")
Runs = set[tuple[str, ...]]


def text_of(document: Document) -> str:
    said = [document.title]
    for section in document.sections:
        said += [*section.headings, *(block.text for block in section.blocks)]
    return "\n".join(said)


def runs(text: str) -> Runs:
    words = WORD.findall(text.lower())
    return {tuple(words[i : i + n]) for n in (1, 2, 3) for i in range(len(words) - n + 1)}


def found(text: str, known: Runs) -> bool:
    """At least four fifths of its runs of three words are there."""
    words = WORD.findall(text.lower())
    length = min(3, len(words))
    these = [tuple(words[i : i + length]) for i in range(len(words) - length + 1)]
    return sum(run in known for run in these) >= 0.8 * len(these)


def pieces(node: LexborNode, kept: bool = False) -> Iterator[tuple[str, bool]]:
    """(text, whether it stands inside `data-keep`)."""
    if node.tag == "-text" and len(WORD.findall(node.text_content or "")) > 1:
        yield node.text_content or "", kept
    if node.tag not in {"script", "style"}:
        for child in node.iter(include_text=True):
            yield from pieces(child, kept or "data-keep" in child.attributes)


def measured(page: Path) -> tuple[float, float]:
    """Recall and precision of a page's main text, by words."""
    html = page.read_text(encoding="utf-8")
    body = LexborHTMLParser(html).body
    assert body is not None
    truth = list(pieces(body, "data-keep" in body.attributes))
    wanted = [text for text, kept in truth if kept]
    known = runs("\n".join(wanted))
    unwanted = [text for text, kept in truth if not kept and not found(text, known)]
    said = runs(text_of(read(page.name, html.replace(" data-keep", "").encode())))
    count = [len(WORD.findall(text)) for text in wanted if found(text, said)]
    noise = [len(WORD.findall(text)) for text in unwanted if found(text, said)]
    all_wanted = sum(len(WORD.findall(text)) for text in wanted)
    return sum(count) / all_wanted, sum(count) / (sum(count) + sum(noise))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_main_text_of_a_page_is_kept_and_little_else(page: Path) -> None:
    recall, precision = measured(page)
    assert recall == 1
    assert precision >= 0.6


def test_of_all_pages_together_nine_words_in_ten_are_main_text() -> None:
    precisions = [measured(page)[1] for page in PAGES]
    assert sum(precisions) / len(precisions) >= 0.91


def page(body: str, head: str = "") -> Document:
    return read("a.html", f"<html><head>{head}</head><body>{body}</body></html>".encode())


def sections(document: Document) -> list[tuple[tuple[str, ...], list[str]]]:
    return [(s.headings, [b.text for b in s.blocks]) for s in document.sections]


ANSWER = "Le loyer est dû le cinq du mois, par virement ou par chèque, au choix du locataire."


@pytest.mark.parametrize(
    "folded",
    [
        f"<details><summary>Quand payer ?</summary><p>{ANSWER}</p></details>",
        f"<details><summary><h3>Quand payer ?</h3></summary>{ANSWER}</details>",
        f"<h3><button aria-controls=a>Quand payer ?</button></h3><div id=a hidden>{ANSWER}</div>",
        f"<h3>Quand payer ?</h3><div aria-hidden=true><p>{ANSWER}</p></div>",
        f"<button aria-controls=a>Quand payer ?</button><div id=a aria-hidden=true>{ANSWER}</div>",
        f"<button class=accordion>Quand payer ?</button><div class=panel>{ANSWER}</div>",
        f"<div role=button data-target='#a'><a>Quand payer ?</a></div><p id=a hidden>{ANSWER}</p>",
        f"<ul role=tablist><li role=tab aria-controls=a>Quand payer ?</li></ul>"
        f"<div role=tabpanel id=a hidden><p>{ANSWER}</p></div>",
        f"<div><ul role=tablist><li role=tab>Quand payer ?</li></ul>"
        f"<div role=tabpanel hidden><p>{ANSWER}</p></div></div>",
        f"<button aria-controls=a data-bs-target='#a'>Quand payer ?</button><p id=a>{ANSWER}</p>",
    ],
)
def test_a_folded_answer_is_kept_under_its_question(folded: str) -> None:
    document = page(f"<main><h1>Loyer</h1><p>Avant.</p>{folded}<p>Après tout cela.</p></main>")
    told = sections(document)
    assert (("Quand payer ?",), [ANSWER]) in [(h, b[:1]) for h, b in told]


def test_what_follows_a_folded_answer_does_not_stand_under_its_question() -> None:
    folded = f"<details><summary>Quand payer ?</summary><p>{ANSWER}</p></details>"
    document = page(f"<main><h1>Loyer</h1>{folded}<p>Après tout cela.</p></main>")
    assert sections(document)[-1] == ((), ["Après tout cela."])


def test_what_is_hidden_and_never_shown_is_no_text() -> None:
    document = page(f"<main><p>{ANSWER}</p><div hidden>Modèle vide</div></main>")
    assert text_of(document).strip() == ANSWER


@pytest.mark.parametrize("said", ["hidden", "aria-hidden=true", "class=sr-only", "role=dialog"])
def test_a_page_that_is_hidden_until_a_script_has_run_keeps_its_text(said: str) -> None:
    html = f"<html {said}><body {said}><p>{ANSWER}</p></body></html>"
    assert text_of(read("a.html", html.encode())).strip() == ANSWER


def test_a_page_that_is_one_form_keeps_its_text() -> None:
    document = page(f"<form><div id=main><h1>Loyer</h1><p>{ANSWER}</p></div></form>")
    assert ANSWER in text_of(document)


def test_a_short_page_is_kept_whole() -> None:
    assert text_of(page("<h1>Accueil</h1><p>Fermé lundi.</p>")) == "Accueil\nFermé lundi."


def test_a_page_of_links_is_kept() -> None:
    links = "".join(f"<li><a href=/{n}.pdf>Formulaire numéro {n}</a></li>" for n in range(30))
    assert "Formulaire numéro 29" in text_of(page(f"<main><ul>{links}</ul></main>"))


def test_when_the_judgement_keeps_suspiciously_little_all_is_kept() -> None:
    """Short lines in lists are no text to the library, and all that there is."""
    aside = f"<div class=x><p>{ANSWER} {ANSWER}</p></div>"
    lines = "".join(f"<div><b>Salle {n}</b><i>étage {n}</i></div>" for n in range(200))
    assert "Salle 199" in text_of(page(f"{aside}<div class=y>{lines}</div>"))


def test_a_page_with_many_comments_is_still_read_without_them() -> None:
    comments = "".join(f"<li><p>Merci du conseil numéro {n}, {ANSWER}</p></li>" for n in range(60))
    body = (
        f"<article><h1>Loyer</h1><p>{ANSWER}</p><p>Le dépôt de garantie est rendu sous un mois,"
        f" ou deux si des réparations sont à faire.</p></article><div id=comments>{comments}</div>"
    )
    text = text_of(page(body))
    assert "dépôt de garantie" in text
    assert "Merci" not in text


def test_a_page_about_cookies_keeps_its_text() -> None:
    body = f"<div class=page-cookies><h1>Nos cookies</h1><p>{ANSWER}</p><p>{ANSWER}</p></div>"
    assert ANSWER in text_of(page(body))


@pytest.mark.parametrize(
    "name",
    [
        *("commentaires-de-la-loi", "menu-de-la-semaine", "navette", "modalites", "avis-echeance"),
        *(
            "logement-social",
            "consentement",
            "signature-du-bail",
            "recherche-emploi",
            "autopartage",
        ),
    ],
)
def test_a_section_is_not_dropped_for_its_name(name: str) -> None:
    table = (
        "<table><tr><td>Lundi</td><td>9 h</td></tr><tr><td>Mardi</td><td>fermé</td></tr></table>"
    )
    body = f"<main><h1>Loyer</h1><p>{ANSWER}</p><section id={name}>{table}</section></main>"
    assert "| Mardi | fermé |" in text_of(page(body))


def test_what_is_left_of_a_page_that_buttons_close_is_no_question() -> None:
    body = f"<main><div id=a><button aria-controls=a>Fermer</button><p>{ANSWER}</p></div></main>"
    assert text_of(page(body)).strip() == ANSWER


@pytest.mark.parametrize(
    ("said", "language"),
    [("FR", "fr"), ("fr_FR", "fr"), ("fr-CA", "fr"), ("français", ""), ("", "")],
)
def test_a_pages_language_is_a_code_or_nothing(said: str, language: str) -> None:
    assert read("a.html", f"<html lang='{said}'><p>{ANSWER}</p>".encode()).language == language


def test_the_title_is_the_heading_that_the_page_names_itself_after() -> None:
    body = f"<h1>Ville de Saint-Orme</h1><main><h2>La cantine</h2><p>{ANSWER}</p></main>"
    assert page(body, "<title>La cantine | Ville</title>").title == "La cantine"


def test_the_date_of_a_page_is_remarked() -> None:
    head = "<meta property='article:modified_time' content='2025-03-12T09:00:00+01:00'>"
    assert page(f"<p>{ANSWER}</p>", head).remarks == ("The page is dated 2025-03-12.",)


@pytest.mark.parametrize("name", ["vector.html", "parsoid.html"])
def test_an_article_of_wikipedia_is_read_without_what_serves_its_authors(name: str) -> None:
    document = read(name, (WIKI / name).read_bytes())
    assert document.title == "Moulin des Trois-Saules"
    assert document.url == "https://fr.wikipedia.org/wiki/Moulin_des_Trois-Saules"
    assert document.language == "fr"
    assert "CC BY-SA 4.0" in document.remarks[-1]
    noise = r"\[|modifier|homonymes|Portail|Coordonnées|Archives|association|livre|Catégories|↑"
    assert not re.search(noise, text_of(document))


def test_an_article_of_wikipedia_keeps_its_facts_headings_tables_and_formulas() -> None:
    document = read("a.html", (WIKI / "vector.html").read_bytes())
    assert sections(document) == [
        (
            (),
            [
                "- Type : Moulin à eau\n- Construction : 1612\n- Hauteur : 9\N{NO-BREAK SPACE}m",
                "Le moulin des Trois-Saules est un moulin à eau bâti sur la Loutre. Il produit de"
                " l'électricité depuis 1932.",
            ],
        ),
        (
            ("Histoire",),
            [
                "Le meunier Jean Lascaux l'achète en 1754 et remplace la roue à palettes par une"
                " roue à augets."
            ],
        ),
        (
            ("Histoire", "La crue de 1841"),
            [
                "La crue emporte le bief ; il faut deux ans pour le refaire.",
                "Le bief après la crue, gravure d'époque.",
            ],
        ),
        (
            ("Puissance",),
            [
                r"La puissance utile vaut $P=\eta \rho gQh$, où Q est le débit.",
                "Production par année",
                "| Année | Énergie |\n| --- | --- |\n| 1932 | 40\N{NO-BREAK SPACE}MWh |\n"
                "| 1998 | 95\N{NO-BREAK SPACE}MWh |",
            ],
        ),
    ]


def test_an_article_from_parsoid_keeps_its_sections() -> None:
    document = read("a.html", (WIKI / "parsoid.html").read_bytes())
    assert [s.headings for s in document.sections] == [
        (),
        ("Histoire",),
        ("Histoire", "La crue de 1841"),
    ]
    assert "Rivières : la Loutre, le Vivier" in text_of(document)


def test_an_infobox_in_an_infobox_is_read_once() -> None:
    inner = "<table class=infobox><tr><th>Pays<td>France</table>"
    body = (
        f"<div id=mw-content-text><table class=infobox><tr><td>{inner}<tr><th>Type<td>Moulin"
        f"</table><p>{ANSWER}</p></div>"
    )
    assert text_of(page(body)).count("France") == 1


def test_a_section_of_sources_takes_no_other_with_it_on_a_telephones_page() -> None:
    body = (
        "<div id=mw-content-text><section class=mf-section-0><p>Un moulin.</p></section>"
        "<div class='mw-heading mw-heading2'><h2>Histoire</h2></div><section class=mf-section-1>"
        "<p>Bâti en 1612.</p><h3>Sources</h3><p>Archives</p><h3>Crue</h3><p>En 1841.</p></section>"
        "<div class='mw-heading mw-heading2'><h2>Voir aussi</h2></div><section><p>Liste</p>"
        "</section></div>"
    )
    assert sections(page(body)) == [
        ((), ["Un moulin."]),
        (("Histoire",), ["Bâti en 1612."]),
        (("Histoire", "Crue"), ["En 1841."]),
    ]


def test_english_articles_end_before_their_references_too() -> None:
    body = (
        "<div id=mw-content-text><div class=mw-parser-output><p>A mill.</p>"
        "<h2><span class=mw-headline>See also</span></h2><ul><li>Other mills</li></ul>"
        "<h2>Use</h2><p>It grinds.</p><h2>External links</h2><p>A site</p></div></div>"
    )
    assert sections(page(body)) == [((), ["A mill."]), (("Use",), ["It grinds."])]
