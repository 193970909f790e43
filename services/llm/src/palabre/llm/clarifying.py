"""Questions that say too little to be answered, found by words alone, in French and English.

What counts is how many words say what it is about: neither courtesies nor cries for help, neither
that something does not work nor "my computer". A search may still find what few words are about.
"""

import re
from functools import lru_cache
from typing import Literal

from palabre.contracts.v1.events_pb2 import PassagesRetrieved
from palabre.llm.courtesies import courtesy
from palabre.llm.lexicon import vagueness
from palabre.llm.replies import PROMPTED
from palabre.llm.words import fold, stem, stems, words

Lack = Literal["", "hello", "image", "details", "thin"]

FEW = 2  # words that say what it is about
LONGEST = 2_000  # characters that are looked at


@lru_cache(maxsize=256)
def lack(text: str, *, shows: bool = False, follows: bool = False) -> Lack:
    """What a message lacks: all but a greeting, the question about its image, what it is about.

    `thin`: it says so little that only a search can tell whether it is enough. `shows`: images
    are attached; `follows`: a conversation goes before, which may say the rest.
    """
    said = "\n".join(line for line in text[:LONGEST].splitlines() if line.strip()).strip()
    if not said:
        return "image" if shows and not follows else ""
    if polite := courtesy(said):
        return "hello" if polite == "hello" and not follows else ""
    return "" if is_personal(said) else _by_weight(said, follows=follows)


def is_personal(text: str) -> bool:
    """It is about who answers, or how the person feels: neither lacks anything."""
    plain = _plain(text[:LONGEST])
    return bool(_HEARTFELT.search(plain) or _ABOUT_US.search(plain.replace("-", " ")))


def question(found: Lack, received: PassagesRetrieved, *, quotable: bool) -> str:
    """The key of what is asked back; empty where the turn is answered.

    What a model that read the conversation says is missing is asked for where a search finds
    nothing, and where the words alone say too little; that nothing is missing, in place of `thin`.
    """
    understood = received.understanding
    if found in ("hello", "image"):
        return f"ask_{found}"
    if found == "details":
        enough = understood.engine and received.history and not understood.missing
        return "" if enough else "ask_for" if understood.missing else "ask_details"
    if quotable:
        return ""
    if understood.missing:
        return "ask_for"
    known = understood.engine or (received.passages and understood.read)
    supported = understood.language.split("-")[0] in PROMPTED
    return "ask_details" if found == "thin" and supported and not known else ""


def _by_weight(said: str, *, follows: bool) -> Lack:
    plain = _plain(said)
    found = set(words(plain)) | set(stems(plain))
    in_trouble, cries = bool(found & _TROUBLE), bool(found & _CRIES)
    light = _LIGHT | _ANYTHING if in_trouble or found & _MENDING else _LIGHT
    weighty = {s for s in stems(plain) if s not in light}
    if not weighty:
        return "details" if not follows or in_trouble or cries else ""
    weight = sum(2 if any(map(str.isdigit, each)) else 1 for each in weighty)
    asks = _ASKING.search(said.lower().replace("’", "'"))
    few = weight <= (FEW if in_trouble else 1)
    return "thin" if few and not asks and not follows else ""


def _plain(text: str) -> str:
    return fold(text.replace("’", "'"))


def _set(*listed: str) -> frozenset[str]:
    """As they are, and their stems."""
    found = frozenset(word for each in listed for word in each.split())
    return found | {stem(word) for word in found}


_TROUBLE = _set(vagueness.TROUBLE)
_MENDING = _set(vagueness.MENDING)
_CRIES = _MENDING | _set(vagueness.HELP)
_LIGHT = _TROUBLE | _CRIES | _set(vagueness.WRAPPING)
_ANYTHING = _set(vagueness.ANYTHING)
_HEARTFELT = re.compile(vagueness.HEARTFELT)
_ABOUT_US = re.compile(vagueness.ABOUT_US)
_ASKING = re.compile(vagueness.ASKING)
