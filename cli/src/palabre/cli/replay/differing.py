"""An answer of then beside one of now: which words, sources and figures differ."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import SequenceMatcher
from typing import Any, Literal, NamedTuple, Self

from palabre.cli.replay.sides import Cited, Side

_WORD = re.compile(r"\s*\S+|\s+")


class Piece(NamedTuple):
    """Words that both answers have, or only one of them."""

    change: Literal["same", "removed", "added"]
    text: str


@dataclass(frozen=True, slots=True)
class Pair:
    """One turn, then and now."""

    conversation: str
    question: str
    before: Side
    after: Side

    @property
    def is_same(self) -> bool:
        """The person would have read the same."""
        return (
            _words(self.before.text) == _words(self.after.text)
            and self.before.status == self.after.status
            and not (self.gained or self.lost)
        )

    @property
    def gained(self) -> list[Cited]:
        before = {source.place for source in self.before.sources}
        return [source for source in self.after.sources if source.place not in before]

    @property
    def lost(self) -> list[Cited]:
        after = {source.place for source in self.after.sources}
        return [source for source in self.before.sources if source.place not in after]

    @property
    def pieces(self) -> list[Piece]:
        return list(pieces(self.before.text, self.after.text))

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "conversation": self.conversation,
            "question": self.question,
            "same": self.is_same,
            "before": self.before.plain(),
            "after": self.after.plain(),
        }

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Self:
        """Raises KeyError and TypeError for what `plain` did not make."""
        sides = (Side.read(plain[name]) for name in ("before", "after"))
        return cls(plain["conversation"], plain["question"], *sides)


def pieces(before: str, after: str) -> Iterator[Piece]:
    """Word by word (Ratcliff and Obershelp's matching blocks): what was removed goes first."""
    a, b = _words(before), _words(after)
    matcher = SequenceMatcher(None, [w.strip() for w in a], [w.strip() for w in b])
    for tag, a1, a2, b1, b2 in matcher.get_opcodes():
        if tag == "equal":
            yield Piece("same", "".join(b[b1:b2]))
            continue
        if a2 > a1:
            yield Piece("removed", "".join(a[a1:a2]))
        if b2 > b1:
            yield Piece("added", "".join(b[b1:b2]))


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


@dataclass(slots=True)
class Summary:
    """Many turns, counted."""

    turns: int = 0
    changed: int = 0
    with_gained: int = 0
    with_lost: int = 0
    newly_unknown: int = 0  # answered then, "does not know" now
    newly_known: int = 0
    newly_failed: int = 0
    unpriced: int = 0  # turns whose price nobody knows, then or now
    cost_before: Decimal = Decimal(0)
    cost_after: Decimal = Decimal(0)
    currency: str = ""
    seconds: list[tuple[float, float]] = field(default_factory=list)

    def add(self, pair: Pair) -> None:
        before, after = pair.before, pair.after
        self.turns += 1
        self.changed += not pair.is_same
        self.with_gained += bool(pair.gained)
        self.with_lost += bool(pair.lost)
        self.newly_unknown += before.knows and after.mode == "no_knowledge"
        self.newly_known += before.mode == "no_knowledge" and after.knows
        self.newly_failed += before.status == "completed" and after.status != "completed"
        self.unpriced += before.cost is None or after.cost is None
        self.cost_before += before.cost or 0
        self.cost_after += after.cost or 0
        self.currency = after.currency or before.currency or self.currency
        if before.seconds is not None and after.seconds is not None:
            self.seconds.append((before.seconds, after.seconds))

    @property
    def medians(self) -> tuple[float, float] | None:
        """Seconds from the question to the ending, then and now."""
        if not self.seconds:
            return None
        then, now = (sorted(column)[len(column) // 2] for column in zip(*self.seconds, strict=True))
        return then, now
