"""Who needs help, or goes too far: found by words alone, in French and English.

Tolerates missing accents, doubled or missing double letters, figures for letters and the short
spellings of text messages. Idioms ("je me tue à vous le dire") and what others said to the person
("il me traite de…") are not meant so.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from palabre.llm import categories, lexicon, words

LONGEST = 4_000  # characters that are looked at
WINDOW = 45  # characters before a word in which a verb of saying makes it somebody else's

_SHORT = {
    "jveux": "je veux", "jveu": "je veux", "veu": "veux", "jve": "je vais",
    "jvoudrai": "je voudrais", "jvoudrais": "je voudrais", "voudrai": "voudrais",
    "jvai": "je vais", "jvais": "je vais", "vai": "vais", "jme": "je me", "jm": "je me",
    "jte": "je te", "jvous": "je vous", "jvs": "je vous", "chui": "je suis", "chuis": "je suis",
    "jsuis": "je suis", "jsui": "je suis", "ssui": "suis", "jui": "je suis", "g": "j ai",
    "jai": "j ai", "ge": "j ai", "jen": "j en", "jpense": "je pense", "jpens": "je pense",
    "pens": "pense", "tt": "tout", "pr": "pour", "ds": "dans", "dan": "dans", "qd": "quand",
    "kan": "quand", "ke": "que", "k": "que", "ki": "qui", "c": "c est", "e": "est", "vi": "vie",
    "ct": "c etait", "vs": "vous", "mn": "mon", "ac": "avec", "avc": "avec", "bcp": "beaucoup",
    "plu": "plus", "envi": "envie", "envis": "envie", "anvie": "envie", "anvi": "envie",
    "murir": "mourir", "mourire": "mourir", "mourrir": "mourir", "mourrire": "mourir",
    "sucider": "suicider", "suissider": "suicider", "suisider": "suicider", "sucide": "suicide",
    "suiside": "suicide", "mtue": "me tue", "mtuer": "me tuer", "msuicider": "me suicider",
    "frap": "frappe", "tap": "tape", "esk": "est ce que", "stp": "", "svp": "", "ptn": "",
    "putin": "", "mm": "meme", "tjr": "toujours", "tjrs": "toujours", "tlt": "tout le temps",
    "hubby": "husband", "bf": "boyfriend", "dont": "don t", "im": "i m", "ill": "i l",
    "ima": "i m gona", "wanna": "wana", "gonna": "gona", "shoot": "shot", "konar": "connard",
    "connar": "connard", "conar": "connard", "connart": "connard", "enculer": "encule",
    "batar": "batard", "fils2pute": "fils de pute", "filsdepute": "fils de pute", "vasy": "",
    "pk": "pourquoi", "pkoi": "pourquoi", "ya": "il y a", "yen": "il y en", "jsais": "je sais",
    "jc": "je sais", "ojd": "aujourd hui",
}  # fmt: skip
_LEET = str.maketrans("0134578@$€", "oieastbase")
_MIXED = re.compile(r"\b(?=\w*[a-z])(?=[\w@$€]*[0-9@$€])[\w@$€]+")
_ORDINAL = re.compile(r"\d+(?:e|er|eme|ieme|h\d*|m2|m|ans?|kg|eur|euros)?")
_CLAUSE = re.compile(r"[,;:.!?…()\n«»\"“”]+")
_OTHER = re.compile(r"[^a-z0-9,]+")
_DOUBLE = re.compile(r"([a-z])\1+")
_SPELLED = re.compile(r"\b(?:\w[.\-*_·]){3,}\w\b")
_BETWEEN = re.compile(r"[.\-*_·]")
_NEGATED = re.compile(r"\b(?:pas|jamais|aucunement|not|never)\b")


def judge(text: str, *, fiction: bool = False) -> list[str]:
    """The categories of `categories.ALL` that the words themselves show, in a constant order.

    In fiction a dragon may be slain: what is said of characters is nobody's danger.
    """
    folded = fold(text[:LONGEST])
    meant = _IDIOMS.sub(" , ", folded)
    found = {category for category, pattern in _PATTERNS if _applies(category, pattern, meant)}
    if "insult" not in found and _is_called_names(meant):
        found.add("insult")
    return categories.known(found - _imagined(meant) if fiction else found)


def _imagined(text: str) -> set[str]:
    """Categories that are about characters: not where the person's own family is spoken of, and
    never a wish to die.
    """
    told, daring = _CHARACTERS.search(text), _DARING.sub(" , ", text)
    harm = [pattern for category, pattern in _PATTERNS if category == "self-harm"]
    only = {"self-harm"} if not any(_applies("self-harm", p, daring) for p in harm) else set()
    own = _OWN_PEOPLE.search(text)
    return only | ({"threat", "insult", "violence", "child-danger"} if told and not own else set())


@lru_cache(maxsize=1024)
def fold(text: str) -> str:
    """As `lexicon` expects it."""
    text = words.fold(text.replace("’", "'"))
    text = _MIXED.sub(lambda m: _unmask(m[0]), text)
    text = _CLAUSE.sub(" , ", _spelled(text))
    tokens = _OTHER.sub(" ", text).split()
    written = " ".join(filter(None, (_SHORT.get(token, token) for token in tokens)))
    return _DOUBLE.sub(r"\1", written)


def _unmask(token: str) -> str:
    """Figures for letters, but not the third floor or eight o'clock."""
    return token if _ORDINAL.fullmatch(token) else token.translate(_LEET)


def _spelled(text: str) -> str:
    """c.o.n.n.a.r.d and s-u-i-c-i-d-e without what stands between the letters."""
    return _SPELLED.sub(lambda m: _BETWEEN.sub("", m[0]), text)


def _applies(category: str, pattern: re.Pattern[str], text: str) -> bool:
    return any(_is_meant(category, match) for match in pattern.finditer(text))


def _is_meant(category: str, match: re.Match[str]) -> bool:
    if category in ("self-harm", "threat") and _NEGATED.search(match[0]):
        return _AWAY_FROM_LIFE.search(match[0]) is not None
    return category not in ("insult", "hate") or not _is_reported(match)


def _is_reported(match: re.Match[str]) -> bool:
    """Somebody else's words; an insult that opens the clause is the person's own."""
    before = match.string[max(0, match.start() - WINDOW) : match.start()]
    return bool(_REPORTED.search(before))


def _is_called_names(text: str) -> bool:
    for match in _VOCATIVE.finditer(text):
        before = (match["before"] or "").strip()
        if before not in lexicon.ABOUT_ANOTHER and not _is_reported(match):
            return True
    return False


def _compiled(pattern: str) -> re.Pattern[str]:
    pattern = _DOUBLE.sub(r"\1", pattern.replace("…", r"(?: \w+){0,2} "))
    begin = "" if pattern.startswith("(?:^") else r"\b"
    return re.compile(rf"{begin}(?:{pattern})\b")


def _all() -> Iterator[tuple[str, re.Pattern[str]]]:
    for category, pattern in lexicon.patterns():
        yield category, _compiled(pattern)


_PATTERNS = tuple(_all())
_IDIOMS = _compiled("|".join(lexicon.IDIOMS))
_REPORTED = _compiled(lexicon.REPORTED)
_CHARACTERS = _compiled(lexicon.CHARACTERS)
_DARING = _compiled("|".join(lexicon.DARING))
_OWN_PEOPLE = _compiled(lexicon.OWN_PEOPLE)
_VOCATIVE = _compiled(lexicon.VOCATIVE)
# "plus envie de vivre": the negation is what is meant.
_AWAY_FROM_LIFE = re.compile(r"vivre|vie\b|live|alive|exist|wake")
