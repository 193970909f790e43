"""Places on a page as a reader sees it, whichever way round it lies in the file."""

from dataclasses import dataclass

from pypdfium2 import PdfPage


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
    def of(cls, page: PdfPage) -> "Paper":
        """Takes the page's rotation away, so that PDFium tells places in one way."""
        turned = int(page.get_rotation())
        page.set_rotation(0)
        return cls(page.get_width(), page.get_height(), turned)

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
