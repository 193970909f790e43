"""The words of a text: folded, stemmed, without those that say nothing."""

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+")
_ELIDED = re.compile(r"\b(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu)['’](?=\w)", re.IGNORECASE)


def _set(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


FRENCH = _set(
    """a ai aie ainsi alors apres as au aucun aucune aussi autre autres aux avait avec avez avoir
    avons beaucoup bien bonjour bonsoir c ca car ce ceci cela celle celles celui ces cet
    cette ceux chaque chez ci comme comment d dans de dehors depuis des dessous dessus deux
    devoir devrait dire dis dit dois doit doivent donc dont du elle elles en encore entre es
    est et etaient etait etant etc ete etes etre eu eux faire fais fait faites faut font
    hors ici il ils j je l la le les leur leurs lors m ma mais me meme mes mien moi moins
    mon n ne ni non nos notre nous on ont ou par parce pas peu peut peuvent peux plus plutot
    pour pourquoi pouvez pouvoir puis puisque qu quand que quel quelle quelles quels qui
    quoi s sa sans savoir se sera ses si sien sois soit son sont sous suis sur t ta tant te
    tel telle tes toi ton tous tout toute toutes tres tu un une vais vas vers veut veux
    voici voila vont vos votre voudrais vouloir vous vu y merci svp stp plait sait sais afin"""
)
ENGLISH = _set(
    """a about after all also am an and any are as at be because been before being but by can could
    did do does doing don for from get got had has have having he her here hers him his how
    i if in into is it its just know like me more most my need no not now of off on once
    only or other our out over please s same she should so some such t tell than thank
    thanks that the their them then there these they this those through to too under until
    up us very want was we were what when where which while who whom why will with would you
    your hello hi"""
)
_STOP = FRENCH | ENGLISH

_FRENCH_ENDINGS = (
    "issements", "issement", "ations", "ateurs", "atrice", "ation", "ateur", "ements", "ement",
    "ments", "ment", "ables", "able", "ances", "ance", "ences", "ence", "euses", "euse", "eurs",
    "eur", "iques", "ique", "ives", "ive", "ifs", "if", "ites", "ite", "ees", "ee", "aient", "ait",
    "ais", "ant", "ent", "ons", "ez", "er", "ir", "re", "aux", "al", "es", "e", "s", "x", "t",
)  # fmt: skip
SHORTEST_STEM = 3
SAME = 0.75  # share of common stems from which two sentences say the same


@lru_cache(maxsize=20_000)
def fold(text: str) -> str:
    """Lower case, without accents and ligatures."""
    text = text.lower().replace("œ", "oe").replace("æ", "ae")
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def words(text: str) -> list[str]:
    """Folded, in order, elided articles and pronouns left out."""
    return _WORD.findall(fold(_ELIDED.sub("", text)))


def stems(text: str) -> list[str]:
    """Of the words that say something, in order."""
    return [stem(word) for word in words(text) if word not in _STOP and len(word) > 1]


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """A light stem of a folded French or English word: the longest known ending is cut off."""
    if word.isdigit():
        return word
    for ending in _FRENCH_ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            return _undouble(word[: -len(ending)])
    return word


def alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Two sentences, by their stems, say the same; one without any says nothing."""
    shorter = min(len(one), len(other))
    return shorter > 0 and len(one & other) >= SAME * shorter


def _undouble(stem: str) -> str:
    if len(stem) > SHORTEST_STEM and stem[-1] == stem[-2]:
        return stem[:-1]
    return stem
