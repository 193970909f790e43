"""Whether an answer says our own instructions, word for word."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from palabre.llm.words import fold

GRAM = 4  # words that follow each other
RUN = 12  # words in a row, from which nobody says it by chance
_SHORTEST, _LONGEST = 3, 20  # characters of the mark's beginning that are held back
_WORD = re.compile(r"[^\W_]+")
_LAST = re.compile(rf"(?<![^\W_])[^\W_]{{{_SHORTEST},{_LONGEST}}}$")


@lru_cache(maxsize=64)
def grams(text: str) -> frozenset[tuple[str, ...]]:
    """All runs of GRAM words, folded. A system message is the same from turn to turn."""
    words = _WORD.findall(fold(text))
    return frozenset(zip(*(words[n:] for n in range(GRAM)), strict=False))


@dataclass(slots=True)
class Secrecy:
    """Of one answer, as it streams by. What begins to say a secret is held back.

    `secret` is what must not be said for RUN words in a row, `mark` a word that must not be said
    at all; both folded. Once `broken`, nothing more is shown.
    """

    secret: frozenset[tuple[str, ...]] = frozenset()
    mark: str = ""
    broken: bool = False
    _text: str = ""  # from the first character whose word was not looked at, or that is held
    _read: int = 0  # characters of it whose words were looked at
    _shown: int = 0
    _from: int = 0  # where the run began, or what of it was not shown
    _run: int = 0
    _last: tuple[str, ...] = field(default=())

    def feed(self, text: str) -> str:
        """What can be shown now."""
        self._text += text
        for match in _WORD.finditer(self._text, self._read):
            if match.end() == len(self._text):  # it may go on
                break
            self._judge(match[0], match.start(), match.end())
        return self._show(self._safe())

    def close(self) -> str:
        for match in _WORD.finditer(self._text, self._read):
            self._judge(match[0], match.start(), match.end())
        return self._show(len(self._text))

    def _judge(self, word: str, start: int, end: int) -> None:
        folded = fold(word)
        self._read = end
        self._last = (*self._last[-GRAM + 1 :], folded)
        if self._last not in self.secret:
            self._run = 0
        elif self._run:
            self._run += folded.isalpha()
        else:
            self._run, self._from = GRAM, max(start, self._shown)
        self.broken |= self._run >= RUN or folded == self.mark

    def _safe(self) -> int:
        """How far the text may be shown."""
        if self._run:
            return self._from
        begun = _LAST.search(self._text, self._read)
        if begun and self.mark.startswith(fold(begun[0])):
            return max(begun.start(), self._shown)
        return len(self._text)

    def _show(self, end: int) -> str:
        if self.broken:
            return ""
        text, self._shown = self._text[self._shown : end], max(self._shown, end)
        past = min(self._read, self._shown)
        self._text = self._text[past:]
        self._read, self._shown, self._from = (
            self._read - past, self._shown - past, self._from - past,
        )  # fmt: skip
        return text
