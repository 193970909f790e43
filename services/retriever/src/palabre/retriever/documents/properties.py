"""What programs write into a document's properties, where it may be believed."""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import PurePosixPath

_MAX_TITLE = 300
# What programs put there by themselves, in the languages that our users have them in.
_MADE_UP = re.compile(
    r"(microsoft (word|powerpoint)\b.*|(document|untitled|sans[ -]titre|présentation|presentation"
    r"|powerpoint presentation|présentation powerpoint|diapositive|slide|unknown( title)?|none"
    r"|title|titre)[ _-]*\d*"
    r"|.*\.(docx?|odt|pptx?|xlsx?|pdf|indd|tex|dvi|rtf|qxd)|\(.*\)|(about|https?|file):.*"
    r"|[\W\d_]*)",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")
_FRENCH = ("le", "la", "les", "des", "une", "est", "et", "du", "dans", "pour", "que", "qui")
_ENGLISH = ("the", "of", "and", "to", "in", "is", "for", "that", "with", "are", "be", "or")
_SAMPLE = 200
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{2}))?")


def sane_title(said: str | None, name: str) -> str:
    """Empty for what is no title: a file's name, or what a program made up."""
    title = re.sub(r"[^\S\xa0\u202f]+|[\x00-\x1f]+", " ", said or "").strip()
    stem = PurePosixPath(name).stem
    if _MADE_UP.fullmatch(title) or len(title) > _MAX_TITLE or title.lower() == stem.lower():
        return ""
    return title


def sane_language(said: str | None) -> str:
    """`fr`, or `fr-CA`; empty for anything else."""
    found = _LANGUAGE.fullmatch((said or "").strip())
    if not found or found[1].lower() in ("und", "zxx", "mul"):
        return ""
    return found[1].lower() + (f"-{found[2].upper()}" if found[2] else "")


def believed(language: str, texts: Iterable[str]) -> str:
    """Empty for English that is French: what programs say when nobody told them otherwise."""
    if not language.startswith("en"):
        return language
    words = Counter(_WORD.findall(" ".join(islice(texts, _SAMPLE)).lower()))
    french, english = (sum(words[w] for w in each) for each in (_FRENCH, _ENGLISH))
    return "" if french > english else language
