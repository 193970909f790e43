"""Plain text: paragraphs are parted by empty lines."""

import re

from palabre.retriever.documents.decoding import decode
from palabre.retriever.documents.structure import Document, Outline, Source


def read_text(source: Source) -> Document:
    """Has no title of its own. Raises InvalidDocument."""
    text = (
        decode(source.name, source.data, source.charset).replace("\r\n", "\n").replace("\r", "\n")
    )
    outline = Outline()
    for paragraph in re.split(r"\n[ \t]*\n", text):
        outline.block(paragraph)
    return Document(outline.sections())
