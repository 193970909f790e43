"""The sentences of a Markdown passage, as they can be quoted."""

import re
from dataclasses import dataclass

_FENCE = re.compile(r"^(```|~~~)")
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
_ITEM = re.compile(r"^\s*(?:[-*+•·‑–]|\d{1,2}[.)])\s+(.*)$")
_RULE = re.compile(r"^[\s|:*_=-]+$")
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_MARK = re.compile(r"\s*\[\^?\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*\]")
_TAG = re.compile(r"</?[a-zA-Z][^>\n]*>|<!--.*?-->")
_EMPHASIS = re.compile(r"(\*\*|__|`|~~)|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)")
# A closing quotation mark belongs to what it closes.
_END = re.compile(
    r"(?:(?<=[.!?…])|(?<=[.!?…][\"»”)])|(?<=[.!?…]\s»))\s+(?=[\"«“(]?\s?[A-ZÀÂÇÉÈÊËÎÏÔÙÛÜŒ0-9])"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(«'’])(?:art|M|MM|Mme|Mlle|Dr|Me|n|p|cf|ex|etc|al|réf|ref|tél|tel|av|bd|No|Mr|Mrs|St|[A-Z])\.$"
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """`intro` is the line that a list's item completes; `place` counts from the passage's start."""

    text: str
    place: int
    item: bool = False
    intro: str = ""
    heading: str = ""


def sentences(markdown: str) -> list[Sentence]:
    """In order. Headings become context, tables are read row by row, code is left out."""
    return list(_Reader().read(markdown))


def plain(text: str) -> str:
    """Without Markdown's and HTML's marks, images, addresses and numbers of notes."""
    text = _TAG.sub(" ", _LINK.sub(r"\1", _IMAGE.sub("", text)))
    return " ".join(_EMPHASIS.sub("", _MARK.sub("", text)).split())


def split(text: str) -> list[str]:
    """A paragraph's sentences; an abbreviation's full stop ends none."""
    found: list[str] = []
    for part in _END.split(text):
        if found and _ABBREVIATION.search(found[-1]):
            found[-1] += f" {part}"
        else:
            found.append(part)
    return [part.strip() for part in found if part.strip()]


class _Reader:
    def __init__(self) -> None:
        self.found: list[Sentence] = []
        self.paragraph: list[str] = []
        self.heading = self.intro = ""
        self.fenced = False

    def read(self, markdown: str) -> list[Sentence]:
        for line in markdown.splitlines():
            self.take(line)
        self.end_paragraph()
        return self.found

    def take(self, line: str) -> None:
        if _FENCE.match(line.strip()):
            self.end_paragraph()
            self.fenced = not self.fenced
        elif self.fenced:
            return
        elif heading := _HEADING.match(line):
            self.end_paragraph()
            self.heading, self.intro = plain(heading[1]), ""
        elif item := _ITEM.match(line):
            self.end_paragraph()
            self.add(plain(item[1]), item=True)
        elif not line.strip() or _RULE.match(line):
            self.end_paragraph()
        elif line.lstrip().startswith("|"):
            self.end_paragraph()
            self.add(_row(line), item=True)
        else:
            self.paragraph.append(line.lstrip("> ").strip())

    def end_paragraph(self) -> None:
        text = plain(" ".join(self.paragraph))
        self.paragraph = []
        for part in split(text):
            self.intro = part if part.endswith(":") else ""
            if not self.intro:
                self.add(part)

    def add(self, text: str, *, item: bool = False) -> None:
        if any(c.isalnum() for c in text):
            intro = self.intro if item else ""
            self.found.append(Sentence(text, len(self.found), item, intro, self.heading))


def _row(line: str) -> str:
    cells = [plain(cell) for cell in line.strip().strip("|").split("|")]
    return " – ".join(cell for cell in cells if cell)
