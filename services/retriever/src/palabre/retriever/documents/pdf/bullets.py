"""Bullets that browsers draw as small shapes, where other programs write a letter."""

from collections.abc import Iterator, Sequence
from ctypes import byref, c_float
from dataclasses import replace

from pypdfium2 import PdfPage, raw

from palabre.retriever.documents.pdf.lines import Word
from palabre.retriever.documents.pdf.paper import Box, Paper

# In points.
_SMALLEST, _LARGEST, _SLANT = 1.5, 7.0, 0.5
# In sizes of letters: how far from its word, and how large.
_FAR, _LARGE = 2.5, 0.6
# More are a drawing.
_MAX_BULLETS = 200
_MAX_OBJECTS = 20_000


def with_bullets(rows: Sequence[list[Word]], page: PdfPage, paper: Paper) -> list[list[Word]]:
    """Rows with a `•` before each word that has a shape before it."""
    bullets = list(_shapes(page, paper))
    if not bullets or len(bullets) > _MAX_BULLETS:
        return list(rows)
    return [list(_marked(row, bullets)) for row in rows]


def _shapes(page: PdfPage, paper: Paper) -> Iterator[Box]:
    for number in range(min(raw.FPDFPage_CountObjects(page), _MAX_OBJECTS)):
        shape = raw.FPDFPage_GetObject(page, number)
        if raw.FPDFPageObj_GetType(shape) == raw.FPDF_PAGEOBJ_PATH:
            edges = c_float(), c_float(), c_float(), c_float()
            raw.FPDFPageObj_GetBounds(shape, *map(byref, edges))
            box = paper.box(*(edge.value for edge in edges))
            width, height = box.right - box.left, box.bottom - box.top
            if _SMALLEST < width < _LARGEST and abs(width - height) < _SLANT:
                yield box


def _marked(row: Sequence[Word], bullets: Sequence[Box]) -> Iterator[Word]:
    end = float("-inf")
    for word in row:
        for bullet in bullets:
            if _is_before(bullet, word) and bullet.left > end:
                box = replace(word.box, left=bullet.left, right=bullet.right)
                yield Word("•", box, word.size, word.bold)
                break
        yield word
        end = word.box.right


def _is_before(bullet: Box, word: Word) -> bool:
    near = 0 < word.box.left - bullet.right < _FAR * word.size
    small = bullet.bottom - bullet.top < _LARGE * word.size
    return near and small and word.box.top < bullet.middle[1] < word.box.bottom
