"""What the name of a stand-in's model says.

Its parts are joined by hyphens, after `mock`:

    ttft300     milliseconds to the first token (0)
    itl15       milliseconds between tokens (0: all of them in one write)
    len150      tokens (40)
    error500    this status instead of an answer
    429         too many requests, with retry-after; 429-quota: nothing is left on the account
    openai      with 429 or left0, in this vendor's headers; also groq, mistral, anthropic, google
    after30     how long the vendor's headers ask to wait, in seconds (2)
    left0       an answer whose headers say that nothing is left now
    html        a page instead of an answer, with status 200 or errorN's
    nonsense    JSON that is no completion
    empty       a stream without text
    badusage    counts of tokens that cannot be
    drop        the connection closes before the first byte
    drop1       only the first time that this very name is asked for
    silence     the request is accepted and never answered
    cut20       the connection closes after 20 tokens
    reset20     the connection is reset after 20 tokens
    stall20     nothing follows after 20 tokens
    garbage20   an event that is no JSON follows after 20 tokens
    fault20     an error object follows after 20 tokens
    echo        the last message of the user comes back
    cite        cites passage 1, and a passage 9 that nobody gave
    json        an instance of the schema that was asked for; strings are the user's last words
    badjson     JSON that breaks off
    flag=NAME   as json; arrays whose items may be NAME contain it
    blind       refuses images
    picky       refuses the first image that it is shown
    plain       refuses `stream_options` and `response_format`, as older servers do
    cached      half of the prompt was cached
    thinks      17 tokens of thought are billed, in the total alone
    crlf        events end in CRLF
    shred       every byte in a write of its own
"""

import re
import sys
from dataclasses import dataclass

from tests.standins import vendors

_NUMBERS = {
    "ttft",
    "itl",
    "len",
    "error",
    "drop",
    "after",
    "cut",
    "reset",
    "stall",
    "fault",
    "garbage",
}
_ENDINGS = ("cut", "reset", "stall", "fault", "garbage")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a model's name asks for. Times in seconds; -1: never."""

    ttft: float = 0.0
    itl: float = 0.0
    tokens: int = 40
    stop_after: int = -1
    ending: str = ""  # one of _ENDINGS
    status: int = 200
    drops: int = 0
    after: int = 2
    flags: frozenset[str] = frozenset()
    flagged: str = ""

    @classmethod
    def of(cls, model: str) -> "Behaviour":
        """Raises KeyError for a model that is not ours."""
        name, _, flagged = model.partition("-flag=")
        kind, *parts = name.split("-")
        if kind != "mock":
            raise KeyError(model)
        numbers = {word: int(digits or -1) for word, digits in map(_split, parts)}
        ending = next((word for word in _ENDINGS if word in numbers), "")
        return cls(
            ttft=numbers.get("ttft", 0) / 1000,
            itl=numbers.get("itl", 0) / 1000,
            tokens=numbers.get("len", 40),
            stop_after=numbers.get(ending, -1),
            ending=ending,
            status=429 if "429" in parts else numbers.get("error", 200),
            after=numbers.get("after", 2),
            drops={-1: sys.maxsize}.get(numbers.get("drop", 0), numbers.get("drop", 0)),
            flags=frozenset(parts) | ({"json"} if flagged else set()),
            flagged=flagged,
        )

    @property
    def vendor(self) -> str:
        return next((name for name in (*vendors.NOTHING_LEFT, "google") if name in self.flags), "")

    @property
    def headers(self) -> dict[str, str]:
        if self.status in (429, 503):
            return vendors.busy(self.vendor, self.after)
        return vendors.nothing_left(self.vendor, self.after) if "left0" in self.flags else {}


def _split(part: str) -> tuple[str, str]:
    match = re.fullmatch(r"([a-z]+)(\d*)", part)
    return (match[1], match[2]) if match and match[1] in _NUMBERS else (part, "")
