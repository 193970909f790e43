"""Tells the rows that name the columns from those that hold data."""

import re
from collections.abc import Sequence
from itertools import pairwise

from palabre.retriever.documents.sheets.grid import ABOVE, EMPTY, LEFT, TEXT, Row
from palabre.retriever.documents.sheets.shapes import DATA, Shape, shape

MAX_HEADER_ROWS = 3
_MAX_NAME = 90
# Words that begin the names of columns, in the sheets of offices, more often than anything else.
_WORDS = """
    adresse age agence aide année arrondissement article bailleur batiment bâtiment catégorie
    chapitre code commentaire commune compte condition conditions contact courriel créneau date
    début délai désignation description descriptif direction document domaine durée email e-mail
    élément échéance étage état fin fonction horaire horaires heure id identifiant immeuble
    intitulé jour libellé lieu ligne logement loyer lot mail matériel modalités mode mois
    montant motif nature nom nombre numéro n° objet observation observations organisme origine
    page pièce poste prénom prestation prix produit programme public quantité quartier question
    rang réf référence remarque réponse résidence responsable rôle rubrique salle service sexe
    sigle signification site situation solde source statut surface tarif tarifs taux tel tél
    téléphone terme thème titre total type unité usager valeur ville zone
    address amount answer category city comments country day department description email end
    from hours item joined location member month name notes number owner phone price quantity
    reference role start state status street time title to topic unit value year
"""
_NAMES = frozenset(_WORDS.split())
_FIRST_WORD = re.compile(r"[^\W\d_]+(?:[-'°][^\W\d_]+)?|n°", re.IGNORECASE)


def header_rows(rows: Sequence[Row]) -> int:
    """How many of the first rows are the header; 0 when they are data already."""
    count = _group_rows(rows)
    if count >= len(rows) or not _is_header(rows[count], rows[count + 1 :], count > 0):
        return 0
    return count + 1


def column_names(head: Sequence[Row]) -> tuple[str, ...]:
    """Each column's names from top to bottom, every one once."""
    filled = [_spread(row) for row in head[:-1]] + [head[-1].texts] if head else []
    names = (dict.fromkeys(text for text in column if text) for column in zip(*filled, strict=True))
    return tuple(" – ".join(" ".join(name.split()) for name in column) for column in names)


def named(words: Sequence[str]) -> int:
    """How many of these words are names of columns in any office."""
    firsts = (_FIRST_WORD.match(word) for word in words)
    return sum(bool(first) and first[0].lower() in _NAMES for first in firsts if first)


def _group_rows(rows: Sequence[Row]) -> int:
    """Rows whose names span several columns, with the rows that part them below."""
    count = 0
    while count + 1 < min(len(rows), MAX_HEADER_ROWS):
        row, below = rows[count], rows[count + 1]
        if not (_spans(row, below) and _may_be_names(row) and _may_be_names(below)):
            break
        count += 1
    return count


def _spans(row: Row, below: Row) -> bool:
    """A name stands over several that differ, one reaches down into the next row, or units follow.

    Where nothing is merged, the second row of a header begins with an empty cell.
    """
    if ABOVE in below.kinds:
        return any(
            kind == ABOVE and row.kinds[at] not in (EMPTY, ABOVE)
            for at, kind in enumerate(below.kinds)
        )
    if any(
        kind == LEFT and below.kinds[at] not in (EMPTY, LEFT) for at, kind in enumerate(row.kinds)
    ):
        return True
    first = min(row.own, default=0)
    return len(row.own) > 1 and below.kinds[first] == EMPTY and len(below.own) > 1


def _spread(row: Row) -> list[str]:
    """A group's name also over the empty cells to its right, as far as the next name."""
    spread, name = list(row.texts), ""
    for at, kind in enumerate(row.kinds):
        name = row.texts[at] if kind != EMPTY else name
        spread[at] = name
    return spread


def _may_be_names(row: Row) -> bool:
    shapes = [_name_shape(row.texts[at], row.kinds[at]) for at in row.own]
    return not any(s in ("phone", "mail", "url", "prose") for s in shapes) and (
        not any(s in DATA for s in shapes) or _is_series(row)
    )


def _is_header(row: Row, below: Sequence[Row], grouped: bool) -> bool:
    if not below or any(len(row.texts[at]) > _MAX_NAME for at in row.own):
        return False
    shapes = {at: _name_shape(row.texts[at], row.kinds[at]) for at in row.own}
    words = [row.texts[at] for at in row.own if row.kinds[at] != ABOVE]
    series = any(s in DATA for s in shapes.values())
    if series and not grouped and not _is_data_series(row, shapes, below):
        return False
    if (len(set(words)) < len(words) and not grouped) or _is_card(row, below):
        return False
    if series or grouped or named(words) * 2 >= len(words) or _has_corner(row, below):
        return not _repeated_below(row, below)
    if _differs(shapes, row, below):
        return not _repeated_below(row, below)
    return len(words) > 2 and not _recurs(row, below) and not _digits(words)


def _name_shape(text: str, kind: str) -> Shape:
    """As a heading, « 10 entrées » is no number."""
    found = shape(text, kind)
    if found == "number" and kind == TEXT and any(c.isalpha() for c in text):
        return "words"
    return found


def _has_corner(row: Row, below: Sequence[Row]) -> bool:
    """Nothing stands above the names of the rows: names go across, and names go down."""
    filled = sum(r.kinds[0] != EMPTY for r in below)
    return row.kinds[0] == EMPTY and filled > 1 and filled * 2 > len(below)


def _is_card(row: Row, below: Sequence[Row]) -> bool:
    """Two columns, a name and its value on each row: Address, Telephone, Opening hours."""
    if any(len(r.own) > 2 for r in (row, *below)):
        return False
    labels = [r.texts[r.own[0]] for r in below if r.own and len(r.texts[r.own[0]]) <= 40]
    return bool(named([row.texts[row.own[0]]])) and named(labels) >= max(1, len(labels) // 3)


def _is_data_series(row: Row, shapes: dict[int, Shape], below: Sequence[Row]) -> bool:
    """Years, dates or numbers of persons as names, beside names in words."""
    data = [at for at, s in shapes.items() if s in DATA]
    if any(shapes[at] in ("phone", "mail", "url", "prose") for at in data):
        # A question as a name: « Où s'adresser pour en savoir plus ? »
        return all(shapes[at] == "prose" and row.texts[at].endswith("?") for at in data) and (
            len(data) < len(shapes) and all(_prosaic(at, below) for at in data)
        )
    return _is_series(row) and not _goes_on_below(row, data, below)


def _prosaic(at: int, below: Sequence[Row]) -> bool:
    return any(len(row.texts[at]) > 2 * _MAX_NAME for row in below)


def _is_series(row: Row) -> bool:
    """At least two data cells of one shape, in order: 2023, 2024; 1, 2, 3; dates; hours."""
    shapes = [shape(row.texts[at], row.kinds[at]) for at in row.own]
    data = [at for at, s in zip(row.own, shapes, strict=True) if s in DATA]
    if len(data) < 2 or len({s for s in shapes if s in DATA}) > 1 or row.own[0] in data[1:]:
        return False
    if shapes[row.own.index(data[0])] != "number":
        return len({row.texts[at] for at in data}) == len(data)
    numbers = [_integer(row.texts[at]) for at in data]
    return all(a is not None and b is not None and abs(a - b) == 1 for a, b in pairwise(numbers))


def _integer(text: str) -> int | None:
    found = re.match(r"\d{1,4}(?=$|\D)", text)
    return int(found[0]) if found else None


def _goes_on_below(row: Row, data: Sequence[int], below: Sequence[Row]) -> bool:
    """The next row counts on from this one, or has the very shape of it: no names, then."""
    after = below[0]
    if (
        row.own
        and row.own[0] in data
        and shape(after.texts[data[0]], after.kinds[data[0]])
        == (shape(row.texts[data[0]], row.kinds[data[0]]))
    ):
        return True
    kinds = {shape(row.texts[at], row.kinds[at]) for at in data}
    return (
        kinds != {"number"}
        and all(shape(after.texts[at], after.kinds[at]) in kinds for at in data if after.texts[at])
        and any(after.texts[at] for at in data)
    )


def _differs(shapes: dict[int, Shape], row: Row, below: Sequence[Row]) -> bool:
    """In some column the data has a shape that its name has not, or is far longer."""
    for at, own in shapes.items():
        texts = [(r.texts[at], r.kinds[at]) for r in below if r.kinds[at] not in (EMPTY, LEFT)]
        if len(texts) < 2:
            continue
        data = sum(shape(*text) in DATA or shape(*text) == "mark" for text in texts)
        if own not in DATA and own != "mark" and data >= 0.7 * len(texts):
            return True
        mean = sum(len(text) for text, _ in texts) / len(texts)
        if mean > 30 and mean > 2.5 * len(row.texts[at]):
            return True
    return False


def _recurs(row: Row, below: Sequence[Row]) -> bool:
    """A value of this row comes again below it: it is data."""
    return any(
        r.texts[at] == row.texts[at] and r.kinds[at] != ABOVE for r in below for at in row.own
    )


def _repeated_below(row: Row, below: Sequence[Row]) -> bool:
    return any(all(r.texts[at] == row.texts[at] for at in row.own) for r in below[:1])


def _digits(words: Sequence[str]) -> bool:
    """More of the words hold a digit than not."""
    return 2 * sum(any(c.isdigit() for c in word) for word in words) > len(words)
