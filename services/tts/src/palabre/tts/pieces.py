"""Cuts what one speech says into pieces that an engine says well."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_SENTENCE = re.compile(r".+?(?:[.!?…]+[»\"”)]*(?=\s)|$)", re.DOTALL)
_WORD = re.compile(r"\w+")
_BREAKS = (re.compile(r"[;:]\s"), re.compile(r",\s"), re.compile(r"\s"))


class Piece(NamedTuple):
    """Where it begins in the text, in code points."""

    offset: int
    text: str


def sentences(text: str) -> list[Piece]:
    """Those that hold a word, with the space before them."""
    found = (Piece(match.start(), match[0]) for match in _SENTENCE.finditer(text))
    return [piece for piece in found if _WORD.search(piece.text)]


def pieces(text: str, longest: int, fewest_words: int = 1) -> list[Piece]:
    """Sentences of at most `longest` characters; one of few words goes with the one after it.

    A longer sentence is cut at its last semicolon, comma or space that fits, else anywhere.
    """
    cut = [part for whole in sentences(text) for part in _shortened(whole, longest)]
    return list(_glued(cut, text, longest, fewest_words))


def _shortened(piece: Piece, longest: int) -> Iterator[Piece]:
    offset, text = piece
    while len(text) > longest:
        end = _last_break(text[:longest])
        yield Piece(offset, text[:end])
        offset, text = offset + end, text[end:]
    if _WORD.search(text):
        yield Piece(offset, text)


def _last_break(text: str) -> int:
    """A break in the second half; one that is stronger wins over a later one."""
    for kind in _BREAKS:
        ends = [match.end() for match in kind.finditer(text) if match.end() > len(text) // 2]
        if ends:
            return ends[-1]
    return len(text)


def _glued(cut: list[Piece], text: str, longest: int, fewest_words: int) -> Iterator[Piece]:
    held: Piece | None = None
    for piece in cut:
        if held and piece.offset + len(piece.text) - held.offset <= longest:
            piece = Piece(held.offset, text[held.offset : piece.offset + len(piece.text)])
        elif held:
            yield held
        held = piece if len(_WORD.findall(piece.text)) < fewest_words else None
        if held is None:
            yield piece
    if held:
        yield held
