"""The numbers in brackets that an answer cites, as they stream by."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# [1], [1, 2], [^1], 【1】; up to three digits, so that [2026] is no source.
_NUMBERS = r"\^?\d{1,3}(?:\s{0,2}[,;]\s{0,2}\d{1,3}){0,11}"
_MARK = re.compile(rf"(?P<blank>[ \t\u00a0\u202f]*)(?:\[({_NUMBERS})\]|【({_NUMBERS})】)")
# What may become a mark, and the blanks before it, which go with an invented one.
_MAY_BECOME = re.compile(r"[ \t\u00a0\u202f]*(?:[\[【][\^\d\s,;]{0,60})?$")


def without_marks(text: str) -> str:
    return _MARK.sub("", text)


@dataclass(slots=True)
class Citations:
    """Keeps the numbers of passages that exist, and takes the others out of the text.

    A mark may arrive in pieces: what may become one is held back.
    """

    passages: int  # how many there are
    cited: set[int] = field(default_factory=set)
    invented: int = 0
    _held: str = ""

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
        return _MARK.sub(self._check, text) if "[" in text or "【" in text else text

    def _check(self, match: re.Match[str]) -> str:
        numbers = [int(n) for n in re.findall(r"\d+", match[2] or match[3])]
        existing = list(self._existing(numbers))
        if not existing:
            return ""
        return match["blank"] + "".join(f"[{number}]" for number in existing)

    def _existing(self, numbers: list[int]) -> Iterator[int]:
        for number in numbers:
            if 1 <= number <= self.passages:
                self.cited.add(number)
                yield number
            else:
                self.invented += 1
