"""Places on a page as a reader sees it, whichever way round it lies in the file."""

from collections import Counter
from dataclasses import dataclass
from math import degrees

from pypdfium2 import PdfPage, PdfTextPage, raw

# Letters of a page that are asked which way they run.
_ASKED = 200


@dataclass(frozen=True, slots=True)
class Box:
    """In points from the left and from the top of the page."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def around(self, other: "Box") -> "Box":
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


@dataclass(frozen=True, slots=True)
class Paper:
    """Size before it is turned; `turned` clockwise by 0, 90, 180 or 270 degrees."""

    width: float
    height: float
    turned: int = 0

    @classmethod
    def of(cls, page: PdfPage) -> tuple["Paper", PdfTextPage]:
        """Takes the page's rotation away, so that PDFium tells places in one way.

        Letters that run from left to right count before what the page says of its rotation:
        scanners turn it the wrong way, and tables lie on pages that nobody turned.
        """
        said = int(page.get_rotation())
        page.set_rotation(0)
        text = page.get_textpage()
        return cls(page.get_width(), page.get_height(), _turned(text, said)), text

    @property
    def seen_height(self) -> float:
        return self.width if self.turned in (90, 270) else self.height

    def seen(self, x: float, y: float) -> tuple[float, float]:
        """From the left and the top, of a point that PDF counts from the left and the bottom."""
        return {
            0: (x, self.height - y),
            90: (y, x),
            180: (self.width - x, y),
            270: (self.height - y, self.width - x),
        }[self.turned]

    def box(self, x0: float, y0: float, x1: float, y1: float) -> Box:
        (a, b), (c, d) = self.seen(x0, y0), self.seen(x1, y1)
        return Box(min(a, c), min(b, d), max(a, c), max(b, d))


def _turned(text: PdfTextPage, said: int) -> int:
    """By how much most letters are turned; `said` where there are none."""
    count = text.count_chars()
    asked = (i for i in range(0, count, count // _ASKED + 1) if _is_letter(text, i))
    turns = Counter(-round(degrees(raw.FPDFText_GetCharAngle(text, i)) / 90) % 4 for i in asked)
    return turns.most_common(1)[0][0] * 90 if turns else said


def _is_letter(text: PdfTextPage, index: int) -> bool:
    point = raw.FPDFText_GetUnicode(text, index)
    return point < 0x110000 and chr(point).isalnum()
