"""Rules that several languages share: abbreviations, acronyms, signs."""

import re
from collections.abc import Iterable, Mapping

from palabre.tts.normalise.aligned import Rule

# Syllables that begin and end as words do: PACS and CNIL, but neither PTAC nor FICP.
_VOWELS, _CONSONANT = "[AEIOUYÉ]{1,2}", "[^AEIOUYÉ]"
_READABLE = re.compile(
    rf"(?:{_CONSONANT}|[BCDFGKPTV][LR]|[CPTS]H|S[CKMNPQT]|CN|PS|GN)?{_VOWELS}"
    rf"(?:{_CONSONANT}{{1,2}}{_VOWELS})*"
    rf"(?:{_CONSONANT}|[LMNRS]{_CONSONANT}|[CPT]S|[CP]H|FF|LL)?"
)
_CAPITAL = "A-ZÀ-ÖØ-Þ"

TYPOGRAPHY: tuple[Rule, ...] = (
    (re.compile(r"[\u00a0\u202f\u2009\t]"), " "),
    (re.compile("[’ʼ]"), "'"),
    (re.compile("[\u200b\u200c\u2060\ufeff\u00ad]"), ""),
    (re.compile("[₀-₉]"), lambda m: str(ord(m[0]) - ord("₀"))),
)


def one_of(names: Iterable[str]) -> str:
    """A pattern of any of the names, the longest first."""
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


def abbreviations(names: Mapping[str, str], before: str, after: str) -> Rule:
    """A full stop at the very end still ends the sentence."""

    def say(match: re.Match[str]) -> str:
        ends = match[0].endswith(".") and _ends(match)
        return names[match[0]] + ("." if ends else "")

    return re.compile(f"{before}(?:{one_of(names)}){after}"), say


def acronyms(read: frozenset[str], spelled: frozenset[str]) -> tuple[Rule, ...]:
    """Spelled letter by letter, unless it is `read`, or long and pronounceable (none has 7)."""

    def say(match: re.Match[str]) -> str:
        name = match["name"]
        if name in read or _shouted(match.string):
            return name.lower()
        readable = len(name) > 6 or (len(name) > 3 and _READABLE.fullmatch(name))
        if readable and name not in spelled:
            return name.lower()
        return " ".join(name)

    return (
        (re.compile(r"\b(?:[A-Z]\.){2,}(?!\w)"), _letters),
        (re.compile(rf"\b([{_CAPITAL}])\.[ -]?(?=[{_CAPITAL}])"), r"\1 "),
        (re.compile(rf"(?<!\w)(?P<name>[{_CAPITAL}]{{2,}})s?(?!\w)"), say),
    )


def signs(names: Mapping[str, str]) -> tuple[Rule, ...]:
    """Signs in words, what has none away, and no blank too many."""
    return (
        (re.compile(r"[©®™*_|\\^]+"), " "),
        (re.compile(r"(?<=\w) ?/ ?(?=\w)"), " "),
        (re.compile(r" ?(?:→|⇒|->|=>) ?"), ", "),
        (re.compile(rf"\s*({one_of(names)})\s*"), lambda m: f" {names[m[1]]} "),
        (re.compile(r"\s{2,}"), " "),
        (re.compile(r"(?<=\() "), ""),
        (re.compile(r" (?=[,.](?!\w))"), ""),
    )


def _letters(match: re.Match[str]) -> str:
    return " ".join(match[0].replace(".", "")) + ("." if _ends(match) else "")


def _ends(match: re.Match[str]) -> bool:
    return not match.string[match.end() :].strip()


def _shouted(text: str) -> bool:
    """Most words are in capitals, long ones too: they are no acronyms."""
    found = re.findall(r"[^\W\d_]{2,}", text)
    shouted = [word for word in found if word.isupper()]
    return len(found) > 2 and len(shouted) > len(found) * 0.6 and max(map(len, shouted)) > 5
