"""Whether messages say what a point of a summary says, by their words alone.

A summary says things in words of its own: a third of the stems has to be the messages'. Figures
and addresses are never the summary's own, whatever the language.
"""

import re
from collections.abc import Mapping

from palabre.llm.words import stems

ENOUGH = 0.34  # of a point's stems
_FIGURE = re.compile(r"\d+(?:[.,:/ \u00a0\u202f]\d+)*")
_BLANK = re.compile(r"[ \u00a0\u202f]")
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s)>\]]+|[\w.+-]+@[\w-]+\.\w+")


def saying(point: str, messages: Mapping[int, str], *, same_language: bool = True) -> list[int]:
    """Places of the messages that share words with the point; none when all do not bear it out."""
    together = " ".join(messages.values())
    if not _figures(point) <= _figures(together) or not _addresses(point) <= _addresses(together):
        return []
    if not same_language:
        return sorted(messages)
    wanted = set(stems(point))
    found = {place: wanted & set(stems(text)) for place, text in messages.items()}
    covered = set[str]().union(*found.values())
    enough = bool(wanted) and len(covered) >= ENOUGH * len(wanted)
    return sorted(place for place, shared in found.items() if shared) if enough else []


def _figures(text: str) -> set[str]:
    return {_BLANK.sub("", figure) for figure in _FIGURE.findall(text)}


def _addresses(text: str) -> set[str]:
    return {address.rstrip(".,;:") for address in _ADDRESS.findall(text)}
