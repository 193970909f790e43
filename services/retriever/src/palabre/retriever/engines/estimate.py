"""Tokens of a text where nobody has the model's tokenizer: an estimate, no count."""

import re

_LETTERS = re.compile(r"\w+")
_SIGNS = re.compile(r"[^\w\s]")
# Of UTF-8: French words take 3.5 to 4.5 bytes a token in models for many languages.
_BYTES = 3
# What a model puts around a text.
_AROUND = 2


def estimated(text: str) -> int:
    """Rather too many than too few: a token a sign, and one for each three bytes of a word."""
    words = (-(-len(word.encode()) // _BYTES) for word in _LETTERS.findall(text))
    return _AROUND + sum(words) + len(_SIGNS.findall(text))
