"""The lines of a page as PDFium sees them: words, where they stand, how large and how bold."""

import ctypes
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from pypdfium2 import PdfTextPage, raw

from palabre.retriever.documents.pdf.paper import Box, Paper

_BOLD = re.compile(rb"bold|black|heavy|semib|demi", re.IGNORECASE)
# PDFium's own sign for a hyphen at the end of a line, and soft hyphens.
_HYPHENS = {ord("\x02"): "-", 0xFFFE: "-", 0xAD: "-"}
_LIGATURES = {
    0xFB00: "ff",
    0xFB01: "fi",
    0xFB02: "fl",
    0xFB03: "ffi",
    0xFB04: "ffl",
    0xFB05: "st",
    0xFB06: "st",
}
_TIDY = _HYPHENS | _LIGATURES | {0: None, 0xFFFD: None}
# White space between two words, in sizes of their letters, from which they are in two columns.
COLUMN_GAP = 1.8
_MAX_CHARACTERS = 200_000
# A hyphen at the end of a line takes the place of the line break.
_ROW = re.compile(r"[^\r\n\x02\ufffe]+[\x02\ufffe]?")
_WORD = re.compile(r"[^ \t\u2003]+")
# TeX used to set an accent and a letter over each other; a grave one may also be a quotation mark.
_ACCENTS = {"´": "\u0301", "ˆ": "\u0302", "¨": "\u0308", "`": "\u0300", "ˋ": "\u0300"}
_ACCENTED = re.compile(r"([´ˆ¨ˋ]|`(?=[aeuAEU])(?![^\s`]*`)) ?([a-zA-Zı])")
_CEDILLA = re.compile(r"([cC])¸|¸([cC])")
# The dots of a table of contents.
_LEADERS = re.compile(r"[ .]{9,}")
# What stands before the items of a list; programs that know no bullets use letters of odd fonts.
MARKER = re.compile(r"[•▪◦‣·●○■□➢✓❖\uf0a7\uf0b7\uf0d8\uf0fc*-]|–|\(?(\d{1,2}|[a-z])[.)]")


@dataclass(frozen=True, slots=True)
class Line:
    """Words on one baseline of one column. `size` is the size of the letters, in points."""

    text: str
    box: Box
    size: float
    bold: bool = False
    table: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    box: Box
    size: float
    bold: bool


def words_of(page: PdfTextPage, paper: Paper) -> list[list[Word]]:
    """Row by row, in the order of the file, which is seldom that of reading."""
    return [
        [_word(page, word[0], row.start() + word.start(), paper) for word in _WORD.finditer(row[0])]
        for row in _ROW.finditer(_text(page))
    ]


def lines_of(rows: Iterable[Sequence[Word]]) -> list[Line]:
    """A row becomes as many lines as there are columns in it."""
    return [_line(piece) for words in rows for piece in _columns(words)]


def _text(page: PdfTextPage) -> str:
    """One character for each of PDFium's, so that places in it are places there."""
    count = min(page.count_chars(), _MAX_CHARACTERS)
    text = page.get_text_range(0, count) if count else ""
    if len(text) == count:
        return text
    points = (raw.FPDFText_GetUnicode(page, i) for i in range(count))
    return "".join(chr(point) if point < 0x110000 else " " for point in points)


def _word(page: PdfTextPage, text: str, start: int, paper: Paper) -> Word:
    first, last = _box(page, paper, start), _box(page, paper, start + len(text) - 1)
    return Word(
        text.translate(_TIDY),
        first.around(last),
        raw.FPDFText_GetFontSize(page, start) * _scale(page, start),
        _bold(page, start),
    )


def _box(page: PdfTextPage, paper: Paper, index: int) -> Box:
    """The place of a letter in its line: as high as its font, not as its ink."""
    found = raw.FS_RECTF()
    raw.FPDFText_GetLooseCharBox(page, index, found)
    return paper.box(found.left, found.bottom, found.right, found.top)


def _scale(page: PdfTextPage, index: int) -> float:
    """A font of size 1 may be drawn twelve times as large."""
    matrix = raw.FS_MATRIX()
    if not raw.FPDFText_GetMatrix(page, index, matrix):
        return 1.0
    return float((matrix.c**2 + matrix.d**2) ** 0.5) or 1.0


def _bold(page: PdfTextPage, index: int) -> bool:
    name, flags = ctypes.create_string_buffer(128), ctypes.c_int()
    raw.FPDFText_GetFontInfo(page, index, name, 128, flags)
    return bool(_BOLD.search(name.value)) or int(raw.FPDFText_GetFontWeight(page, index)) >= 600


def _columns(words: Sequence[Word]) -> list[list[Word]]:
    """Words on one baseline, parted where the white space is that of a gutter."""
    pieces: list[list[Word]] = []
    for word in words:
        last = pieces[-1] if pieces else []
        if last and (_near(last[-1], word) or (len(last) == 1 and MARKER.fullmatch(last[0].text))):
            last.append(word)
        else:
            pieces.append([word])
    return pieces


def _near(word: Word, after: Word) -> bool:
    gap = COLUMN_GAP * max(after.size, 4.0)
    return -gap < after.box.left - word.box.right < gap


def _line(words: Sequence[Word]) -> Line:
    box = words[0].box
    for word in words[1:]:
        box = box.around(word.box)
    letters = sum(len(word.text) for word in words)
    bold = sum(len(word.text) for word in words if word.bold)
    return Line(
        tidy(" ".join(word.text for word in words if word.text)),
        box,
        median(word.size for word in words),
        bold * 5 > letters * 4,
    )


def tidy(said: str) -> str:
    """Composed, with accents on their letters."""
    said = _ACCENTED.sub(lambda m: m[2].replace("ı", "i") + _ACCENTS[m[1]], said)
    said = _CEDILLA.sub(lambda m: (m[1] or m[2]) + "\u0327", said)
    return unicodedata.normalize("NFC", _LEADERS.sub(" … ", said))
