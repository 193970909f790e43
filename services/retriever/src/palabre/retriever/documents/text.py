"""Plain text: paragraphs are parted by empty lines."""

import re

from palabre.retriever.documents.decoding import decode
from palabre.retriever.documents.structure import Document, Outline


def read_text(name: str, data: bytes, charset: str = "") -> Document:
    """Has no title of its own. Raises InvalidDocument."""
    text = decode(name, data, charset).replace("\r\n", "\n").replace("\r", "\n")
    outline = Outline()
    for paragraph in re.split(r"\n[ \t]*\n", text):
        outline.block(paragraph)
    return Document(outline.sections())
