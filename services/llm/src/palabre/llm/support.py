"""Whether messages say what a point of a summary says: by the check that answers' citations pass.

Addresses are never the summary's own; nor are figures, whatever the language.
"""

import re
from collections.abc import Mapping

from palabre.contracts.v1.turns_pb2 import Passage
from palabre.llm.figures import figures, missing
from palabre.llm.grounding import Source, Words
from palabre.llm.words import stems

_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s)>\]]+|[\w.+-]+@[\w-]+\.\w+")


def saying(
    point: str, messages: Mapping[int, str], *, authors: str = "", same_language: bool = True
) -> list[int]:
    """Places of the messages that share words with the point; none when all do not bear it out."""
    source = Source(Passage(title=authors, text="\n\n".join(messages.values())))
    if missing(figures(point), source.whole.figures):
        return []
    if not _addresses(point) <= _addresses(" ".join(messages.values())):
        return []
    if not same_language:
        return sorted(messages)
    if not source.supports(point):
        return []
    said = stems(point)
    return sorted(place for place, text in messages.items() if any(map(Words.of(text).has, said)))


def _addresses(text: str) -> set[str]:
    return {address.rstrip(".,;:") for address in _ADDRESS.findall(text)}
