"""Mouth shapes: from phonemes to visemes of the Oculus set."""

import unicodedata
from collections.abc import Iterator

from palabre.contracts.v1.turns_pb2 import Viseme

REST = "sil"
_PHONEMES = {
    "PP": "pbm",
    "FF": "fv",
    "TH": "θð",
    "DD": "tdɗʈɖ",
    "kk": "kɡgŋxɣqχ",
    "CH": "ʃʒʧʤ",
    "SS": "sz",
    "nn": "nlɲɫɭ",
    "RR": "ɹrʁʀɾ",
    "aa": "aɑɐʌæ",
    "E": "eɛəœøɜɘ",
    "I": "iɪjy",
    "O": "oɔɒ",
    "U": "uʊwɥɯ",
}
SHAPES = frozenset({REST, *_PHONEMES})
_SHAPES = {sign: shape for shape, signs in _PHONEMES.items() for sign in signs}


def shape(phoneme: str) -> str:
    """Of an IPA phoneme: its first known sign counts; rest when there is none."""
    for sign in unicodedata.normalize("NFD", phoneme):
        if sign in _SHAPES:
            return _SHAPES[sign]
    return REST


class Mouth:
    """Makes visemes of phonemes that come with the time at which they begin, in order.

    Neighbours of the same shape are one viseme; one is known when the next begins.
    """

    def __init__(self) -> None:
        self._shape = ""
        self._begun = 0

    def phoneme(self, begun_ms: int, ipa: str) -> Iterator[Viseme]:
        next_shape = shape(ipa)
        if next_shape != self._shape:
            yield from self.close(begun_ms)
            self._shape, self._begun = next_shape, begun_ms

    def close(self, end_ms: int) -> Iterator[Viseme]:
        """The last one, which ends with the sound."""
        if self._shape and end_ms > self._begun:
            duration = end_ms - self._begun
            yield Viseme(shape=self._shape, offset_ms=self._begun, duration_ms=duration)
        self._shape = ""
