import pytest
from hypothesis import given, settings, strategies as st

from palabre.chassis.segments import MAX_CHARS, MAX_WORD, Cut, Segmenter, spoken

NB = "\u00a0"
NNB = "\u202f"


def cut(*pieces: str) -> list[Cut]:
    segmenter = Segmenter()
    cuts = [found for piece in pieces for found in segmenter.feed(piece)]
    return cuts + segmenter.close()


def sentences(text: str) -> list[str]:
    """Cut after an opening that takes the early cut, so that only sentences are seen."""
    return [found.text.strip() for found in cut("Voilà ce que je sais. " + text)[1:]]


ONE_SENTENCE = [
    "Bonjour M. Dupont, vous allez bien ?",
    "Mme. Durand et le Dr. Martin vous attendent.",
    "Le Pr. Curie et Me Dupond-Moretti sont là.",
    "L'art. 12 de la loi le dit.",
    "L'art. L. 121-1 du code le dit.",
    "Voir p. ex. la page de garde.",
    "Voir chap. IV de ce livre.",
    "Des pommes, des poires, etc. sont vendues.",
    "C'était en 52 av. J.-C. dans la plaine.",
    "J.-P. Sartre est né à Paris.",
    "Un texte de J. R. R. Tolkien est connu.",
    "Le dossier n° 12.5 est prêt.",
    "Il faut env. 20 minutes pour venir.",
    "Le prix est de 1 234,56 € par an.",
    f"Le prix est de 1{NNB}234,56{NNB}€ par an.",
    "La valeur de 3.14 est connue.",
    "Le rendez-vous est à 14h30 précises.",
    "C'est la version 3.12.1 du programme.",
    "Voir https://exemple.fr/a.b?c=1.2 pour la suite.",
    "Écrire à jean.d@ex.fr pour la suite.",
    "« Oui ! » dit-il en riant.",
    f"«{NB}Oui{NB}!{NB}» dit-il en riant.",
    "« Vous venez ? » demanda Marie.",
    "La fiche « Impayés : que faire ? Qui appeler ? » répond à tout.",
    f"La fiche «{NB}Impayés{NB}: que faire{NNB}? Qui appeler{NNB}?{NB}» répond à tout.",
    "Il a crié : « Au secours ! À moi ! » puis s'est tu.",
    "« Vous partez ? Je reste ici », dit-elle.",
    "« Vous partez ?! Je reste ici. »",
    '"Really?" she said to him.',
    "Je ne sais pas… enfin si.",
    "Je ne sais pas... enfin si.",
    "Mr. Smith and Mrs. Jones met Dr. Who.",
    "Use a list, e.g. this one, i.e. mine.",
    "Le code `a. B` est entre accents.",
    "Le délai est de trente jours [1].",
    "Le délai est de trente jours.[1]",
    "Le délai est de trente jours. [1][2]",
    "1. Ouvrir le dossier de demande.",
    "(Voir la page de garde.)",
]


@pytest.mark.parametrize("text", ONE_SENTENCE)
def test_it_is_one_sentence(text: str) -> None:
    assert sentences(text) == [text]


SEVERAL = [
    ("Il est tard. Je rentre chez moi.", ["Il est tard.", "Je rentre chez moi."]),
    ("Est-ce bien clair ? Oui, très clair.", ["Est-ce bien clair ?", "Oui, très clair."]),
    ("Je ne sais pas… Peut-être bien demain.", ["Je ne sais pas…", "Peut-être bien demain."]),
    ("C'était en 2024. Puis plus rien.", ["C'était en 2024.", "Puis plus rien."]),
    ("C'est bien le 14. Douze autres suivent.", ["C'est bien le 14.", "Douze autres suivent."]),
    ("Voici le plan B. Il est meilleur.", ["Voici le plan B.", "Il est meilleur."]),
    ("En 52 av. J.-C. Ensuite vint César.", ["En 52 av. J.-C.", "Ensuite vint César."]),
    ("Il aime surtout l'art. Elle aussi, beaucoup.",
     ["Il aime surtout l'art.", "Elle aussi, beaucoup."]),
    ("Des pommes, poires, etc. Le reste suivra.",
     ["Des pommes, poires, etc.", "Le reste suivra."]),
    ("Trente jours, pas plus.[1] Ensuite c'est fini.",
     ["Trente jours, pas plus.[1]", "Ensuite c'est fini."]),
    ("Il dit « je pars. » Elle ne répond rien.",
     ["Il dit « je pars. »", "Elle ne répond rien."]),
    ("Lisez « Qui paie ? Et quand ? » Merci beaucoup à vous.",
     ["Lisez « Qui paie ? Et quand ? »", "Merci beaucoup à vous."]),
    ("« Un titre jamais fermé\n\nEst-ce bien clair ? Oui, très clair.",
     ["« Un titre jamais fermé", "Est-ce bien clair ?", "Oui, très clair."]),
    ("Ceci est **très important.** Lisez-le bien vite.",
     ["Ceci est **très important.**", "Lisez-le bien vite."]),
    ("Le titre du texte\n\nLe corps du texte",
     ["Le titre du texte", "Le corps du texte"]),
    ("- un premier point\n- un second point",
     ["- un premier point", "- un second point"]),
    ("## Les délais légaux\nTrente jours au plus.",
     ["## Les délais légaux", "Trente jours au plus."]),
    ("Voici la liste :\n1. Ouvrir le dossier.\n2. Signer la page.",
     ["Voici la liste :", "1. Ouvrir le dossier.", "2. Signer la page."]),
    ("Une ligne pliée\nau milieu d'une phrase. Et une autre phrase.",
     ["Une ligne pliée\nau milieu d'une phrase.", "Et une autre phrase."]),
    ("Voici un exemple :\n```py\na = 1. B\n\nc = 2\n```\nEnsuite on le lance.",
     ["Voici un exemple :", "```py\na = 1. B\n\nc = 2\n```", "Ensuite on le lance."]),
    ("It is done. The rest will follow.", ["It is done.", "The rest will follow."]),
    ("We live in the U.S. They do not.", ["We live in the U.S.", "They do not."]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SEVERAL)
def test_each_sentence_is_a_segment(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Oui, bien sûr, je vous explique tout.", "Oui, bien sûr, "),
        ("Merci pour votre question : voici la réponse.", "Merci pour votre question : "),
        ("Le délai légal de rétractation est long parce que la loi le veut ainsi.",
         "Le délai légal de rétractation est long "),
        ("Yes, of course, I can help.", "Yes, of course, "),
        ("Oui, certes. Mais cela dépend du cas.", "Oui, certes. Mais cela dépend du cas."),
        ("Voir la page « Loyers : qui paie, et quand ? » pour tout savoir, ou presque.",
         "Voir la page « Loyers : qui paie, et quand ? » pour tout savoir, "),
        ("Elle a demandé : « Vous partez ? Déjà ? » et puis rien.", "Elle a demandé : "),
        ("Cela coûte 1 234,56 € par an.", "Cela coûte 1 234,56 € par an."),
    ],
)  # fmt: skip
def test_the_first_segment_ends_as_soon_as_it_can_be_spoken(text: str, first: str) -> None:
    assert cut(text)[0] == Cut(first, 0)


def test_a_segment_is_given_as_soon_as_the_next_word_begins() -> None:
    segmenter = Segmenter()
    assert segmenter.feed("Il est tard. ") == []
    assert segmenter.feed("J") == [Cut("Il est tard. ", 0)]


def test_the_offset_counts_code_points_of_the_answer() -> None:
    text = "Très bien 😀, merci beaucoup à vous. Où êtes-vous donc ? Ici même, à côté."
    assert [text[c.offset : c.offset + len(c.text)] for c in cut(text)] == [
        c.text for c in cut(text)
    ]


def test_fragments_of_one_or_two_words_join_what_follows() -> None:
    assert sentences("Oui. Non. Peut-être. Cela dépend du cas.") == [
        "Oui. Non. Peut-être.",
        "Cela dépend du cas.",
    ]


def test_a_sentence_that_is_too_long_is_cut_at_its_last_comma() -> None:
    found = cut("Voilà tout. " + "un deux trois quatre cinq six sept huit neuf dix, " * 12)
    assert all(len(c.text) <= MAX_CHARS for c in found)
    assert all(c.text.endswith(", ") for c in found[1:-1])


def test_a_long_quotation_is_cut_where_any_text_is() -> None:
    said = "Il a tout dit : « " + "un mot " * 15
    text = said + ", deux mots ? Oui, trois mots. Et voilà. »"
    assert sentences(text) == [said + ", deux mots ?", "Oui, trois mots.", "Et voilà. »"]
    assert cut(text.removeprefix("Il a tout dit : "))[0].text == text[16 : len(said) + 2]


def test_a_long_sentence_without_commas_is_cut_between_words() -> None:
    found = cut("un mot " * 200)
    assert all(len(c.text) <= MAX_CHARS and c.text.endswith(" ") for c in found[:-1])


def test_an_address_is_not_cut_unless_it_is_endless() -> None:
    address = "https://exemple.fr/" + "a" * 600
    assert any(address in c.text for c in cut(f"Voir donc ici {address} et là."))
    assert max(len(c.text) for c in cut("a" * 5000)) == MAX_WORD


def test_nothing_gives_no_segment() -> None:
    assert cut("") == cut(" \n ") == []


PIECES = st.sampled_from(
    ["Bonjour", "M. ", "Mme. ", "art. ", "L. ", "J.-P. ", "12", "3,5", " ", " ", " ", " ", ". ",
     "! ", " ? ", "…", "...", ", ", " : ", ";", "« ", " »", '"', "\n", "\n\n", "- ", "# ", "| ",
     "1. ", "**", "`", "```", "```\n", "\n```", "[1]", " [2", "]", "(", ")", "mais ", "qui ",
     "parce que ", "Le ", "le ", "etc. ", "https://a.fr/b?c=1 ", "😀", "é", "mot", "deux mots ",
     "une assez longue suite de mots ", "x" * 90, NB, NNB, "\t", "   "]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=60).map("".join), st.data())
def test_any_chunking_gives_the_same_cuts(text: str, data: st.DataObject) -> None:
    places = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=20)))
    bounds = list(zip([0, *places], [*places, len(text)], strict=True))
    whole = cut(text)
    assert cut(*text) == whole
    assert cut(*(text[a:b] for a, b in bounds)) == whole


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=60).map("".join) | st.text(max_size=400))
def test_the_cuts_put_together_give_the_text(text: str) -> None:
    joined = "".join(c.text for c in cut(text))
    assert text.startswith(joined)
    assert not text[len(joined) :].strip()


SPOKEN = [
    ("Un **mot** et *un autre* et __encore__ _un_.", "Un mot et un autre et encore un."),
    ("Le délai est de 30 jours [1], parfois plus [2][3].",
     "Le délai est de 30 jours, parfois plus."),
    ("Voir [la page](https://exemple.fr/a_(b)?c=1 \"titre\") ici.", "Voir la page ici."),
    ("Voir ![le plan](plan.png).", "Voir le plan."),
    ("Voir <https://exemple.fr/a>.", "Voir https://exemple.fr/a."),
    ("## Les délais ##", "Les délais"),
    ("# Titre\nTexte", "Titre. Texte"),
    ("- un\n- deux\n- trois.", "un. deux. trois."),
    ("- [ ] à faire\n- [x] fait", "à faire. fait"),
    ("> Une citation\n> sur deux lignes", "Une citation. sur deux lignes"),
    ("Une ligne pliée\nau milieu", "Une ligne pliée au milieu"),
    ("Un paragraphe\n\nUn autre", "Un paragraphe. Un autre"),
    ("| Aide | Montant |\n|---|---:|\n| APL | 200 € |", "Aide, Montant. APL, 200 €"),
    ("Lancez `make run` d'abord.", "Lancez make run d'abord."),
    ("```py\nprint(`a`)\n```", ""),
    ("```py\nun bloc ouvert", ""),
    ("Avant\n\n---\n\nAprès", "Avant. Après"),
    ("Bonjour 😀 !", "Bonjour !"),
    ("un_nom_de_variable et 3 * 4 = 12", "un_nom_de_variable et 3 * 4 = 12"),
    ("Une<br>balise et 3 < 4", "Une balise et 3 < 4"),
    ("~~non~~ oui", "non oui"),
    ("1. Premier\n2. Second", "1. Premier. 2. Second"),
    ("Rien à ôter.", "Rien à ôter."),
    ("[1]", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SPOKEN)
def test_what_is_spoken_has_no_marks(text: str, expected: str) -> None:
    assert spoken(text) == expected
