"""Personal data and secrets, taken out of what people wrote before others read it elsewhere."""

import re
from collections.abc import Iterable

MASK = "[…]"

_JUMP = re.compile(r"https?://(?:\w+\.)?discord(?:app)?\.com/channels/[\w@/]+", re.IGNORECASE)
# What an address carries with it may be a session, and names whoever it was given to.
_CARRIED = re.compile(r"(https?://)(?:[^\s/@]+@)?([^\s?#<>]+)[^\s<>]*", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_SECRET = re.compile(
    r"(?i)\b(mot de passe|mdp|password|passwd|code secret|token|jeton|api[ _-]?key"
    r"|cl[ée] api|bearer)"
    r"(\s*(?:[:=]|est|is)\s*|\s+(?=\S*\d))(\S+)"
)
# At least a letter and a digit, of one piece: keys, JWT, hashes.
_TOKEN = re.compile(r"(?<![\w/-])(?=[\w.=+-]*\d)(?=[\w.=+-]*[A-Za-z])[\w=+-][\w.=+-]{22,}[\w=+]")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,4})?\b")
# Of telephones, people, cards and accounts: nine digits or more, however they are parted.
_NUMBER = re.compile(
    r"(?<![\w,.])(?:\+|\(\+?\d+\) ?)?\d(?:[ .\-/()\u00a0\u202f]{0,2}\d){8,24}(?!\w)"
)
_MACHINE = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b|\b(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}\b", re.I)
_NAME_FROM = 3  # letters


def masked(text: str, names: Iterable[str] = ()) -> str:
    """`names` are those of the people who spoke: whole, and each of their parts."""
    text = _CARRIED.sub(_bare, _JUMP.sub(MASK, text))
    text = _SECRET.sub(rf"\1\2{MASK}", text)
    for pattern in (_EMAIL, _IBAN, _TOKEN, _NUMBER, _MACHINE):
        text = pattern.sub(MASK, text)
    return _without(names, text)


def _bare(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}"


def _without(names: Iterable[str], text: str) -> str:
    """Written as they write themselves: "Rose" is somebody, a rose is not."""
    parts = {part for name in names for part in (name, *re.split(r"[\W_]+", name))}
    known = sorted((p for p in parts if len(p) >= _NAME_FROM), key=len, reverse=True)
    if not known:
        return text
    pattern = "|".join(map(re.escape, known))
    return re.sub(rf"(?<!\w)@?(?:{pattern})(?!\w)", MASK, text)
