"""The numbers in brackets that an answer cites, as they stream by."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from palabre.llm.screening import WITHHELD
from palabre.llm.sentences import split
from palabre.llm.words import stems

# [1], [1, 2], [^1], 【1】; up to three digits, so that [2026] is no source.
_NUMBERS = r"\^?\d{1,3}(?:\s{0,2}[,;]\s{0,2}\d{1,3}){0,11}"
_MARK = re.compile(rf"(?P<blank>[ \t\u00a0\u202f]*)(?:\[({_NUMBERS})\]|【({_NUMBERS})】)")
# What may become a mark, and the blanks before it, which go with an invented one.
_TAIL = 64
# What a number after it would make a mark of.
_OPEN = re.compile(rf"[\[【][\^\d\s,;]{{0,{_TAIL}}}$")
_MAY_BECOME = re.compile(r"[ \t\u00a0\u202f]*(?:[\[【][\^\d\s,;]{0,60})?$")


def without_marks(text: str) -> str:
    return _MARK.sub("", text)


# Characters of a line that a mark may be about.
_LONGEST_CLAIM = 600
_FEW = 2  # stems that say too little alone
Supporting = Callable[[str, int], int]


def as_cited(claim: str, cited: int) -> int:
    """Every passage supports what cites it."""
    return cited


class Pair(NamedTuple):
    """A sentence, and the number of a passage that it cites."""

    claim: str
    number: int


class Mark(NamedTuple):
    """Numbers in brackets, and the blank before them, as they stand at `start` of what is shown."""

    start: int
    blank: str
    pairs: tuple[Pair, ...]

    def __str__(self) -> str:
        shown = "".join(f"[{pair.number}]" for pair in self.pairs)
        return self.blank + shown if shown else ""


@dataclass(slots=True)
class Citations:
    """Keeps the numbers of passages that exist and support what cites them, and takes the others
    out of the text.

    A mark may arrive in pieces: what may become one is held back. `supporting` gives the passage
    that supports a sentence, at best the cited one; 0: none does.
    """

    passages: int  # how many there are
    supporting: Supporting = as_cited
    marks: list[Mark] = field(default_factory=list)  # that are shown, in order
    invented: int = 0
    unsupported: int = 0
    _held: str = ""
    _shown: int = 0  # characters
    _line: str = ""  # what the line says since its last mark
    _claim: str = ""  # what that mark was about
    _marked: set[int] = field(default_factory=set)  # the passages that it shows for that
    _tail: str = ""  # the last characters that were shown
    _owed: str = ""  # the blank of a mark that went, for one that follows it at once

    @property
    def cited(self) -> set[int]:
        """Numbers of the passages that are."""
        return {pair.number for mark in self.marks for pair in mark.pairs}

    @property
    def pairs(self) -> list[Pair]:
        """What is cited for what, each once."""
        return list(dict.fromkeys(pair for mark in self.marks for pair in mark.pairs))

    def without(self, text: str, refused: Collection[Pair]) -> str:
        """The text that was shown, less these; nothing can be fed any more."""
        marks, self.marks, self._tail = self.marks, [], ""
        shown, end = "", 0
        for mark in marks:
            shown += self._said(text[end : mark.start])
            shown += self._mark(mark.blank, (p for p in mark.pairs if p not in refused), len(shown))
            end = mark.start + len(str(mark))
        return shown + text[end:]

    def feed(self, text: str) -> str:
        """What can be shown now."""
        text = self._held + text
        match = _MAY_BECOME.search(text)
        end = match.start() if match else len(text)
        self._held = text[end:]
        return self._checked(text[:end])

    def close(self) -> str:
        held, self._held = self._held, ""
        return self._checked(held)

    def _checked(self, text: str) -> str:
        shown, end = "", 0
        for match in _MARK.finditer(text):
            shown += self._said(text[end : match.start()])
            shown += self._check(match, self._shown + len(shown))
            end = match.end()
        shown += self._said(text[end:])
        self._shown += len(shown)
        return shown

    def _said(self, text: str) -> str:
        self._owed = "" if text else self._owed
        self._tail = (self._tail + text)[-_TAIL:]
        _before, newline, last = text.rpartition("\n")
        if newline:
            self._line = self._claim = ""
        self._line = (self._line + last)[-_LONGEST_CLAIM:]
        return text

    def _check(self, match: re.Match[str], start: int) -> str:
        numbers, claim = [int(n) for n in re.findall(r"\d+", match[2] or match[3])], self._claimed()
        kept = dict.fromkeys(self._supporting(claim, self._existing(numbers)))
        pairs = [Pair(claim, number) for number in kept if number not in self._marked]
        self._marked.update(kept)
        return self._mark(match["blank"], pairs, start)

    def _mark(self, blank: str, pairs: Iterable[Pair], start: int) -> str:
        """It is shown, or nothing in its place where what stands around it cannot close up."""
        mark = Mark(start, blank or self._owed, tuple(pairs))
        if mark.pairs:
            self.marks.append(mark)
        self._owed = "" if mark.pairs else mark.blank
        shown = str(mark) or (WITHHELD if _OPEN.search(self._tail) else "")
        self._tail = (self._tail + shown)[-_TAIL:]
        return shown

    def _claimed(self) -> str:
        """The sentence that ends here; a few words after another mark go on with what that said."""
        if since := split(self._line):
            goes_on = len(since) == 1 and len(stems(since[0])) < _FEW
            self._claim = f"{self._claim} {since[0]}" if goes_on else since[-1]
            self._marked.clear()
        self._line = ""
        return self._claim

    def _existing(self, numbers: list[int]) -> Iterator[int]:
        for number in numbers:
            if 1 <= number <= self.passages:
                yield number
            else:
                self.invented += 1

    def _supporting(self, claim: str, numbers: Iterator[int]) -> Iterator[int]:
        for number in numbers:
            if found := self.supporting(claim, number):
                yield found
            else:
                self.unsupported += 1
