"""The straight lines that are drawn on a page, level or upright."""

from collections.abc import Iterator
from ctypes import c_float
from dataclasses import dataclass
from typing import Any

from pypdfium2 import PdfPage, raw

from palabre.retriever.documents.pdf.paper import Paper

# A map or a chart has more than any table.
MAX_STROKES = 3_000
_MAX_OBJECTS = 20_000
_MAX_DEPTH = 4
# In points: how far from level or upright, and how short.
_SLANT = 1.0
_SHORT = 4.0

Matrix = tuple[float, float, float, float, float, float]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Stroke:
    """At `at` points from the top when level, from the left when upright."""

    level: bool
    at: float
    start: float
    end: float


def strokes_of(page: PdfPage, paper: Paper) -> list[Stroke]:
    """Empty for a page that is a drawing."""
    found: list[Stroke] = []
    objects = (
        raw.FPDFPage_GetObject(page, n) for n in range(_bounded(raw.FPDFPage_CountObjects(page)))
    )
    for start, end in _lines(objects, (1, 0, 0, 1, 0, 0), 0):
        if stroke := _stroke(paper.seen(*start), paper.seen(*end)):
            found.append(stroke)
        if len(found) > MAX_STROKES:
            return []
    return found


def _bounded(count: int) -> int:
    return min(count, _MAX_OBJECTS)


def _stroke(start: Point, end: Point) -> Stroke | None:
    (x0, y0), (x1, y1) = start, end
    if abs(y0 - y1) < _SLANT and abs(x0 - x1) > _SHORT:
        return Stroke(True, (y0 + y1) / 2, min(x0, x1), max(x0, x1))
    if abs(x0 - x1) < _SLANT and abs(y0 - y1) > _SHORT:
        return Stroke(False, (x0 + x1) / 2, min(y0, y1), max(y0, y1))
    return None


def _lines(objects: Iterator[Any], around: Matrix, depth: int) -> Iterator[tuple[Point, Point]]:
    """Of paths, also those inside forms."""
    for each in objects:
        kind = raw.FPDFPageObj_GetType(each)
        if kind == raw.FPDF_PAGEOBJ_PATH:
            yield from _path(each, _times(_matrix(each), around))
        elif kind == raw.FPDF_PAGEOBJ_FORM and depth < _MAX_DEPTH:
            count = _bounded(raw.FPDFFormObj_CountObjects(each))
            inside = (raw.FPDFFormObj_GetObject(each, n) for n in range(count))
            yield from _lines(inside, _times(_matrix(each), around), depth + 1)


def _path(path: Any, matrix: Matrix) -> Iterator[tuple[Point, Point]]:
    first = before = (0.0, 0.0)
    for number in range(min(raw.FPDFPath_CountSegments(path), MAX_STROKES)):
        segment = raw.FPDFPath_GetPathSegment(path, number)
        point = _point(segment, matrix)
        if raw.FPDFPathSegment_GetType(segment) == raw.FPDF_SEGMENT_MOVETO:
            first = point
        else:
            yield before, point
        if raw.FPDFPathSegment_GetClose(segment):
            yield point, first
        before = point


def _point(segment: Any, matrix: Matrix) -> Point:
    x, y = c_float(), c_float()
    raw.FPDFPathSegment_GetPoint(segment, x, y)
    a, b, c, d, e, f = matrix
    return a * x.value + c * y.value + e, b * x.value + d * y.value + f


def _matrix(each: Any) -> Matrix:
    m = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(each, m)
    return m.a, m.b, m.c, m.d, m.e, m.f


def _times(one: Matrix, other: Matrix) -> Matrix:
    a, b, c, d, e, f = one
    g, h, i, j, k, m = other
    linear = (a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j)
    return *linear, e * g + f * i + k, e * h + f * j + m
