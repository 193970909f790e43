"""Text that is rewritten without forgetting where each character came from."""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

Replacement = str | Callable[[re.Match[str]], str]
Rule = tuple[re.Pattern[str], Replacement]


class Aligned(NamedTuple):
    """Each character of `text` stands for the original's [starts[i], ends[i]), in code points."""

    text: str
    starts: list[int]
    ends: list[int]

    @classmethod
    def of(cls, original: str) -> "Aligned":
        return cls(original, list(range(len(original))), list(range(1, len(original) + 1)))

    def apply(self, rules: Iterable[Rule]) -> "Aligned":
        """All rules, one after another."""
        text = self
        for pattern, replacement in rules:
            text = text.sub(pattern, replacement)
        return text

    def sub(self, pattern: re.Pattern[str], replacement: Replacement) -> "Aligned":
        """As re.sub; what a match becomes stands for all that the match stood for."""
        parts = Aligned("", [], [])
        text, at = "", 0
        for match in pattern.finditer(self.text):
            new = match.expand(replacement) if isinstance(replacement, str) else replacement(match)
            if new == match[0]:
                continue
            start, end = self._origin(match.start(), match.end())
            text += self.text[at : match.start()] + new
            parts.starts.extend(self.starts[at : match.start()] + [start] * len(new))
            parts.ends.extend(self.ends[at : match.start()] + [end] * len(new))
            at = match.end()
        if not at and not text:
            return self
        tail = slice(at, None)
        return Aligned(
            text + self.text[tail], parts.starts + self.starts[tail], parts.ends + self.ends[tail]
        )

    def strip(self) -> "Aligned":
        """Without blanks at both ends."""
        start = len(self.text) - len(self.text.lstrip())
        kept = slice(start, max(start, len(self.text.rstrip())))
        return Aligned(self.text[kept], self.starts[kept], self.ends[kept])

    def original(self, offset: int, length: int) -> tuple[int, int]:
        """Offset and length, in the original, of what text[offset:offset + length] stands for."""
        start, end = self._origin(offset, min(offset + length, len(self.text)))
        return start, end - start

    def _origin(self, start: int, end: int) -> tuple[int, int]:
        if start >= end:  # an insertion stands for nothing
            place = self.starts[start] if start < len(self.starts) else (self.ends or [0])[-1]
            return place, place
        return min(self.starts[start:end]), max(self.ends[start:end])
