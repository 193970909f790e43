"""Says in a file itself that a machine spoke it, where its container has a place for words.

ID3v2.4 (id3.org), Vorbis comments (xiph.org), RIFF INFO (Microsoft, 1991). PCM and µ-law without a
header have none: their signed manifest is all that tells.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

SOFTWARE = "Palabre"
SENTENCE = "AI-generated speech (parole générée par une intelligence artificielle)"


@dataclass(frozen=True, slots=True)
class Label:
    """What a file says of itself. `voice` is "<engine>:<name>", empty when it is not known yet."""

    space: str = ""
    voice: str = ""
    turn: str = ""

    def _fields(self) -> Iterator[tuple[str, str]]:
        yield "AI_GENERATED", "true"
        for name, value in (("SPACE", self.space), ("VOICE", self.voice), ("TURN", self.turn)):
            if value:
                yield name, value

    def vorbis(self) -> bytes:
        """The comments as Ogg Opus and FLAC hold them."""
        comments = [f"ENCODER={SOFTWARE}", f"COMMENT={SENTENCE}"]
        comments += [f"{name}={value}" for name, value in self._fields()]
        counted = b"".join(_counted(comment.encode()) for comment in comments)
        return _counted(SOFTWARE.lower().encode()) + struct.pack("<I", len(comments)) + counted

    def id3(self) -> bytes:
        """A tag that stands before the first frame of an MP3, or of AAC in ADTS."""
        frames = _id3_frame(b"TSSE", SOFTWARE.encode())
        frames += _id3_frame(b"COMM", b"eng\0" + SENTENCE.encode())
        for name, value in self._fields():
            frames += _id3_frame(b"TXXX", f"{name}\0{value}".encode())
        return b"ID3\x04\x00\x00" + _syncsafe(len(frames)) + frames

    def riff(self) -> bytes:
        """A LIST chunk, for before the data chunk."""
        said = "; ".join([SENTENCE, *(f"{name}={value}" for name, value in self._fields())])
        info = b"INFO" + _chunk(b"ISFT", SOFTWARE.encode()) + _chunk(b"ICMT", said.encode())
        return struct.pack("<4sI", b"LIST", len(info)) + info


UNTOLD = Label()


def _counted(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data


def _id3_frame(name: bytes, content: bytes) -> bytes:
    body = b"\x03" + content  # UTF-8
    return name + _syncsafe(len(body)) + b"\0\0" + body


def _syncsafe(size: int) -> bytes:
    """28 bits, seven a byte, so that no tag looks like a frame of sound."""
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


def _chunk(name: bytes, text: bytes) -> bytes:
    """Ends with a NUL; of even length."""
    body = text + b"\0"
    return struct.pack("<4sI", name, len(body)) + body + b"\0" * (len(body) % 2)
