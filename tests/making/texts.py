"""French texts of our own, by number: headings, paragraphs, lists, tables and notes."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

_WHO = (
    "Le locataire",
    "La gardienne",
    "L’œuvre sociale",
    "Mme Lefèvre",
    "Le syndic",
    "Chaque élève",
)
_DOES = ("règle", "déclare", "reçoit", "prévoit", "contrôle", "réclame", "vérifie", "rembourse")
_WHAT = (
    "la caution de {n} €",
    "l’état des lieux n° {n}",
    "les charges de l’année {y}",
    "un cœur de réseau à {n} %",
    "le préavis de {n} mois",
    "sa boîte aux lettres",
    "l’aide « Coup de pouce » ({n} €)",
    "les maïs, les noëls et les aiguës",
)
_WHEN = (
    "avant le {d} mars {y}",
    "dès l’été",
    "à l’échéance du {d}/0{m}/{y}",
    "où qu’il habite",
    "au plus tard à 18 h {d}",
    "sauf s’il a déjà payé",
    "jusqu’à Noël",
    "peut-être demain",
)
_TOPICS = (
    *("Résiliation", "Réparations", "Dépôt de garantie", "Assurances", "Voisinage", "Chauffage"),
    *("Œuvres sociales", "Congés payés", "Équipements", "Ascenseur", "Événements", "Énergie"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """Below a heading. The second row of `table` repeats cells that a format may merge."""

    heading: str
    paragraphs: list[str]
    items: list[str]
    table: list[list[str]]
    note: str
    details: str


@dataclass(frozen=True, slots=True)
class Text:
    title: str
    parts: list[Part] = field(default_factory=list)

    def words(self) -> Iterator[str]:
        """All that a reader sees."""
        yield self.title
        for part in self.parts:
            yield from (part.heading, *part.paragraphs, *part.items, part.note, part.details)
            yield from (cell for row in part.table for cell in row)


def text(number: int, parts: int = 4, space: str = "\N{NO-BREAK SPACE}") -> Text:
    """Always the same one. `space` stands before French punctuation."""
    chance = random.Random(number)  # noqa: S311 - not a secret
    topics = chance.sample(_TOPICS, parts)
    made = [_part(chance, topic, place) for place, topic in enumerate(topics, 1)]
    title = f"Guide {number}{space}: {_TOPICS[number % len(_TOPICS)].lower()} et règlement"
    return Text(title, made)


def _part(chance: random.Random, topic: str, place: int) -> Part:
    rows = [[f"{c}{place}", f"{chance.randint(1, 99)} €", chance.choice(_WHEN[1:2])] for c in "AB"]
    return Part(
        heading=f"{topic} ({place})",
        paragraphs=[_paragraph(chance, chance.randint(2, 6)) for _ in range(chance.randint(2, 4))],
        items=[_sentence(chance) for _ in range(3)],
        table=[["Zone", "Montant", "Échéance"], *rows],
        note=_sentence(chance),
        details=f"Détails de {topic.lower()}",
    )


def _paragraph(chance: random.Random, sentences: int) -> str:
    return " ".join(_sentence(chance) for _ in range(sentences))


def _sentence(chance: random.Random) -> str:
    said = " ".join(chance.choice(words) for words in (_WHO, _DOES, _WHAT, _WHEN))
    n, d, y, m = (chance.randint(*r) for r in ((2, 950), (1, 28), (2019, 2031), (1, 9)))
    mark = chance.choice((".", ".", "\N{NO-BREAK SPACE}!", "\N{NO-BREAK SPACE}; voilà."))
    return said.format(n=n, d=d, y=y, m=m) + mark
