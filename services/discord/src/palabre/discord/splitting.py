"""A text over Discord's limit, in pieces that each read well alone."""

import re
import unicodedata
from collections.abc import Iterator

# Discord takes 2,000 characters; what is left is for the mark that an answer goes on. Counted in
# UTF-16 units, the strictest way that a client may count in.
MOST = 1900
FENCE = "```"
_CLOSING = f"\n{FENCE}"
_RUN = re.compile(r"`{4,}")
_TILDES = re.compile(r"^~{3,}(?=[\w+#.-]*$)", re.MULTILINE)
_FENCES = re.compile(FENCE)
_OPENING = re.compile(FENCE + r"(?:[\w+#.-]{1,20}(?=\n))?\n?")
# What is not cut while another place is found: links, code in a line, emphasis.
_WHOLE = re.compile(
    r"\[[^\[\]\n]{0,300}\]\([^()\s]{0,600}\)|<https?://[^<>\s]{1,600}>|(?<!`)`[^`\n]{1,300}`(?!`)"
    r"|\*\*[^*\n]{1,300}\*\*|__[^_\n]{1,300}__|~~[^~\n]{1,300}~~|\|\|[^|\n]{1,300}\|\|"
    r"|(?<![*\w])\*[^*\s][^*\n]{0,300}\*(?!\*)"
)
_PARAGRAPH = re.compile(r"\n[^\S\n]*\n+")
_BEFORE_CODE = re.compile(rf"\n(?={FENCE})|(?<={FENCE})\n")
_LINE = re.compile(r"\n")
# No-break spaces are none.
_BLANK = re.compile(r"[^\S\u00a0\u202f]+")
# Not after "M." or "2.", and not before the mark that closes a quotation.
_SENTENCE = re.compile(
    r"(?:(?<=[.!?…])(?<![A-Z]\.)(?<!\d\.)|(?<=[.!?…][\"»”)])|(?<=[.!?…]\s»))[^\S\u00a0\u202f]+(?![»”])"
)
# In which order places are looked for: the pattern, in code or not, and how much of the room must
# be full by then. Code is rather moved as a whole than cut.
_PLACES: tuple[tuple[re.Pattern[str], bool, float], ...] = (
    (_PARAGRAPH, False, 0.5),
    (_BEFORE_CODE, False, 0.25),
    (_LINE, False, 0.5),
    (_SENTENCE, False, 0.5),
    (_LINE, True, 0.25),
    (_BLANK, False, 0.0),
    (_BLANK, True, 0.0),
)


def pieces(text: str, most: int = MOST) -> list[str]:
    """In order; a block of code that is cut is closed, and opened again with its language.

    All but the last piece stay as they are when the text grows at its end.
    """
    rest, found = tidy(text), []
    while _units(rest) > most:
        piece, rest = _first(rest, most - len(_CLOSING))
        found.append(piece)
    return [*found, rest] if rest else found


def tidy(text: str) -> str:
    """With fences as Discord knows them, the last one closed."""
    text = _TILDES.sub(FENCE, _RUN.sub(FENCE, text.replace("\r\n", "\n"))).strip("\n").rstrip()
    if _opened(text):
        text = text.rstrip("`").rstrip()  # one that is just being written
    return text + _CLOSING if _opened(text) else text


def _units(text: str) -> int:
    """UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _first(text: str, room: int) -> tuple[str, str]:
    """A piece and what follows it."""
    cut = _place(text, _prefix(text, room))
    head, rest = text[:cut], text[cut:]
    if opening := _opened(head):
        return head.rstrip("\n") + _CLOSING, opening + rest.removeprefix("\n")
    return head.rstrip(), rest.lstrip("\n") if rest[:1] == "\n" else rest.lstrip()


def _prefix(text: str, room: int) -> int:
    """How many characters fit."""
    if text[:room].isascii():
        return room
    packed = text[:room].encode("utf-16-le", "surrogatepass")[: 2 * room]
    return len(packed.decode("utf-16-le", "ignore"))


def _opened(head: str) -> str:
    """The opening of the block of code that is not closed yet; empty: there is none."""
    fences = [match.start() for match in _FENCES.finditer(head)]
    if len(fences) % 2 == 0:
        return ""
    match = _OPENING.match(head, fences[-1])
    return f"{match[0].rstrip()}\n" if match else ""


def _place(text: str, room: int) -> int:
    """Where to cut within `room` characters: the best place that leaves the piece full enough."""
    begin, inside = _body(text), _spans(text, room)
    for pattern, in_code, share in _PLACES:
        least = max(begin, int(room * share))
        matches = pattern.finditer(text, least, room + 1)
        places = [m.start() for m in matches if inside.get(m.start(), False) is in_code]
        if found := [at for at in places if least < at <= room]:
            return found[-1]
    return _outside_opening(text, _between_characters(text, room, begin), begin)


def _body(text: str) -> int:
    """Where a piece's own text begins: after the fence that was opened again."""
    match = _OPENING.match(text)
    return match.end() if match else 0


def _spans(text: str, room: int) -> dict[int, bool | None]:
    """Places that are in code (True), or in what is to stay whole (None)."""
    found: dict[int, bool | None] = {}
    for match in _WHOLE.finditer(text, 0, room + 700):
        found |= dict.fromkeys(range(match.start() + 1, match.end()))
    for begin, end in _code(text, room):
        found |= dict.fromkeys(range(begin, end), True)
        found |= dict.fromkeys(range(end, end + 1 + len(FENCE)))
    return found


def _code(text: str, room: int) -> Iterator[tuple[int, int]]:
    """The blocks of code, from within an opening fence to before the last line's end."""
    fences = [match.start() for match in _FENCES.finditer(text, 0, room + len(FENCE))]
    if len(fences) % 2:
        fences.append(room + 1)
    for begin, end in zip(fences[::2], fences[1::2], strict=True):
        yield begin + 1, end - 1


def _outside_opening(text: str, at: int, begin: int) -> int:
    """This place, or one beside the opening of a block of code that it would tear."""
    for match in _OPENING.finditer(text, begin):
        if match.start() < at < match.end():
            return match.start() if match.start() > begin else match.end()
        if match.start() >= at:
            break
    return at


def _between_characters(text: str, room: int, begin: int) -> int:
    """The last place at which no fence and no character that is several code points is torn."""
    for at in range(room, max(begin, room - 50), -1):
        before, after = text[at - 1], text[at]
        joins = unicodedata.category(after)[0] == "M" or after in "\u200d\u20e3" or _tints(after)
        if not (joins or before in "\u200d\\" or before == after == "`"):
            return at
    return room


def _tints(character: str) -> bool:
    """Skin tones, and tags of flags."""
    return "\U0001f3fb" <= character <= "\U0001f3ff" or "\U000e0020" <= character <= "\U000e007f"
