"""Numbers that count nothing, in French: accounts, books, firms, files, number plates."""

import re

from palabre.tts.normalise.aligned import Rule
from palabre.tts.normalise.french_numbers import digits

_GROUPS = r"(?!\d{1,3}(?: \d{3})+(?![ \d]))\d+(?: \d+){4,}"


def _group(text: str) -> str:
    """One group: four figures, and more than five, by pairs; letters one by one."""
    if not text.isdigit():
        return " ".join(digits(part) if part.isdigit() else " ".join(part)
                        for part in re.findall(r"\d+|\D", text))  # fmt: skip
    if len(text) == 4 or len(text) > 5:
        return " ".join(digits(text[i : i + 2]) for i in range(0, len(text), 2))
    return digits(text)


def _groups(text: str) -> str:
    return ", ".join(map(_group, re.split("[ -]+", text.strip())))


def _account(match: re.Match[str]) -> str:
    """An IBAN (ISO 13616): the country, its check figures, then groups of four."""
    rest = match["rest"].replace(" ", "")
    fours = " ".join(rest[i : i + 4] for i in range(0, len(rest), 4))
    return f"{' '.join(match['country'])} {digits(match['check'])}, {_groups(fours)}"


def _firm(match: re.Match[str]) -> str:
    """SIREN: three times three figures; SIRET: five more."""
    return match["name"] + ", ".join(digits(part) for part in match.groups()[1:] if part)


def _dashed(match: re.Match[str]) -> str:
    return " tiret ".join(_file_part(part) for part in match[0].split("-"))


def _file_part(text: str) -> str:
    return _group(text) if not text.isdigit() or len(text) > 5 else digits(text)


CODES: tuple[Rule, ...] = (
    (re.compile(r"\b(?P<country>[A-Z]{2})(?P<check>\d\d)(?P<rest>(?: ?[\dA-Z]{4}){2,7}"
                r"(?: ?[\dA-Z]{1,3})?)(?!\w)"), _account),
    (re.compile(r"\b(?P<name>SIRE[NT](?: n°)? ?:? ?)(\d{3}) ?(\d{3}) ?(\d{3})(?: ?(\d{5}))?(?!\d)"),
     _firm),
    (re.compile(r"\b(ISBN ?:? ?)(97[89](?:[ -]?\d){9}[ -]?[\dX]|\d(?:[ -]?\d){8}[ -]?[\dX])(?!\d)"),
     lambda m: m[1] + _groups(m[2])),
    (re.compile(r"\b([A-Z]{2})-(\d{3})-([A-Z]{2})(?![\w-])"),
     lambda m: f"{' '.join(m[1])} {digits(m[2])} {' '.join(m[3])}"),
    (re.compile(r"(?<![\w-])(?=[A-Z\d-]*\d)(?=[A-Z\d-]*[A-Z])[A-Z\d]+(?:-[A-Z\d]+){2,}(?![\w-])"),
     _dashed),
    (re.compile(r"\b[A-Z]+\d[A-Z\d]*-[A-Z\d]+(?![\w-])|(?<=\b[A-Z] )\d+-\d+(?![\w-])"), _dashed),
    (re.compile(r"(?<=\bnuméro )\d+(?: \d+){2,}(?![\d,.]\d)"), lambda m: _groups(m[0])),
    (re.compile(r"(?<=\bnuméro )\d+(?:-\d+)+(?![\w-])"), _dashed),
    (re.compile(r"(?<=\d{5})\*(?=\d\d(?!\d))"), " étoile "),
    (re.compile(rf"(?<![\w,.+]){_GROUPS}(?![\d,.]\d)"), lambda m: _groups(m[0])),
)  # fmt: skip
