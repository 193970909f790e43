"""French numbers in words, as they are said in France."""

import re

_UNITS = ("zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix",
          "onze", "douze", "treize", "quatorze", "quinze", "seize", "dix-sept", "dix-huit",
          "dix-neuf")  # fmt: skip
_TENS = ("", "dix", "vingt", "trente", "quarante", "cinquante", "soixante", "soixante",
         "quatre-vingt", "quatre-vingt")  # fmt: skip
_SCALES = ((10**12, "billion"), (10**9, "milliard"), (10**6, "million"))
MAX_DIGITS = 15


def cardinal(number: int, feminine: bool = False) -> str:
    """From 0 to 10^15 - 1; `feminine`: for a feminine noun ("vingt et une")."""
    words = _large(number)
    return re.sub(r"\bun$", "une", words) if feminine else words


def ordinal(number: int, feminine: bool = False) -> str:
    """ "premier" or "première", "deuxième", "vingt et unième"…"""
    if number == 1:
        return "première" if feminine else "premier"
    words = re.sub(
        r"(?<=quatre-vingt)s$|(?<=cent)s$|(?<=llion)s$|(?<=lliard)s$", "", cardinal(number)
    )
    words = words.removesuffix("e") if words.endswith(("quatre", "trente", "mille", "e")) else words
    return re.sub(r"cinq$", "cinqu", re.sub(r"neuf$", "neuv", words)) + "ième"


def decimals(digits: str) -> str:
    """What follows the decimal comma: "5" -> cinq, "05" -> zéro cinq; four digits one by one."""
    if len(digits) > 3:
        return " ".join(cardinal(int(digit)) for digit in digits)
    zeros = len(digits) - len(digits.lstrip("0"))
    rest = digits.lstrip("0")
    return " ".join(["zéro"] * zeros + ([cardinal(int(rest))] if rest else []))


def digits(text: str) -> str:
    """A number as it is written: zeros in front are said, endless ones in pairs."""
    if len(text) > MAX_DIGITS:
        return ", ".join(digits(text[i : i + 2]) for i in range(0, len(text), 2))
    if re.fullmatch("0[1-9]000", text):  # a postal code
        return f"zéro {cardinal(int(text[1]))} mille"
    zeros = len(text) - len(text.lstrip("0")) if int(text) else len(text)
    return " ".join(["zéro"] * zeros + ([cardinal(int(text))] if int(text) else []))


def roman(text: str) -> int:
    """The value of a Roman numeral up to 89; 0 when it is none."""
    if not text or not re.fullmatch(r"L?X{0,3}(?:IX|IV|V?I{0,3})|XL(?:IX|IV|V?I{0,3})", text):
        return 0
    values = [{"I": 1, "V": 5, "X": 10, "L": 50}[letter] for letter in text]
    following = [*values[1:], 0]
    return sum(-v if v < after else v for v, after in zip(values, following, strict=True))


def _large(number: int) -> str:
    for scale, name in _SCALES:
        if number >= scale:
            count, rest = divmod(number, scale)
            head = f"{_large(count)} {name}{'s' if count > 1 else ''}"
            return f"{head} {_large(rest)}" if rest else head
    return _thousands(number)


def _thousands(number: int) -> str:
    count, rest = divmod(number, 1000)
    if not count:
        return _hundreds(rest, last=True)
    head = "mille" if count == 1 else f"{_hundreds(count, last=False)} mille"
    return f"{head} {_hundreds(rest, last=True)}" if rest else head


def _hundreds(number: int, last: bool) -> str:
    """`last`: nothing follows, so that "cents" and "quatre-vingts" take their s."""
    count, rest = divmod(number, 100)
    if not count:
        return _tens(rest, last)
    head = "cent" if count == 1 else f"{_UNITS[count]} cent"
    if rest:
        return f"{head} {_tens(rest, last)}"
    return head + ("s" if last and count > 1 else "")


def _tens(number: int, last: bool) -> str:
    if number < 20:
        return _UNITS[number]
    ten, unit = divmod(number, 10)
    if ten in (7, 9):
        unit += 10
    if not unit:
        return _TENS[ten] + ("s" if ten == 8 and last else "")
    joint = " et " if unit in (1, 11) and ten < 8 else "-"
    return f"{_TENS[ten]}{joint}{_UNITS[unit]}"
