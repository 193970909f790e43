"""Cuts a stream of answer text into sentences to speak, and takes off what is not spoken.

French and English. Whether a segment ends at a place depends on the text before it and a few
characters after it, never on how the text arrived: any chunking gives the same cuts.
"""

import re
from collections.abc import Callable, Iterator
from enum import Enum
from typing import NamedTuple

MIN_WORDS = 3
# The first segment may end before "qui", "because"… from this many words on.
CLAUSE_WORDS = 7
MAX_CHARS = 250
# Within so many characters of its opening a quotation in guillemets is not cut: titles, cries.
QUOTED = 80
# A word without any blank (an address) is cut only when it is as long as this.
MAX_WORD = 1000


class Cut(NamedTuple):
    """A piece of the answer as it was written; `offset` counts code points of the answer."""

    text: str
    offset: int


class Segmenter:
    """Cuts one answer. The first segment may end at a comma, so that speech starts soon.

    The cuts put together give the answer, less the blanks at its very end.
    """

    def __init__(self) -> None:
        self._text = ""
        self._offset = 0
        self._judged = 0

    def feed(self, text: str) -> list[Cut]:
        """The segments that `text` completes."""
        self._text += text
        return list(self._cuts(final=False))

    def close(self) -> list[Cut]:
        """What remains."""
        cuts = list(self._cuts(final=True))
        return [*cuts, self._cut(len(self._text))] if self._text.strip() else cuts

    def _cuts(self, final: bool) -> Iterator[Cut]:
        while (end := self._boundary(final)) is not None:
            yield self._cut(end)

    def _cut(self, end: int) -> Cut:
        cut = Cut(self._text[:end], self._offset)
        self._text, self._offset, self._judged = self._text[end:], self._offset + end, 0
        return cut

    def _boundary(self, final: bool) -> int | None:
        """Where the segment ends; None while that cannot be said."""
        first = self._offset == 0
        for match in (_FIRST if first else _LATER).finditer(self._text, self._judged):
            if match.start() >= MAX_CHARS:
                break
            place = _Place(self._text, match.start(), match.end(), final)
            verdict = _JUDGES[match.lastgroup or ""](place)
            if verdict is _Verdict.WAIT:
                return None
            if isinstance(verdict, int):
                return verdict
            self._judged = match.end()
        return _forced(self._text, final)


def spoken(text: str) -> str:
    """The words of a Markdown text, without its marks, source marks, code blocks and emoji."""
    for pattern, replacement in MARKS:
        text = pattern.sub(replacement, text)
    return text.strip()


# --- Places where a segment may end


class _Verdict(Enum):
    NO = 0
    WAIT = 1


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


class _Place(NamedTuple):
    """A candidate, text[start:end]; `final`: nothing follows the text."""

    text: str
    start: int
    end: int
    final: bool

    def line(self) -> str:
        """The line so far, up to the candidate."""
        return self.text[self.text.rfind("\n", 0, self.start) + 1 : self.start]

    def quoted(self) -> bool:
        """Between guillemets that opened a little before; a quotation ends with its line."""
        line = self.line()
        opened = line.rfind("«")
        return opened > line.rfind("»") and len(line) - opened <= QUOTED

    def cut(self, end: int, words: int = MIN_WORDS) -> "int | _Verdict":
        """A cut at `end` and one blank more, if the segment has enough words."""
        if len(_WORD.findall(self.text, 0, self.end)) < words:
            return _Verdict.NO
        return end + 1 if self.text[end : end + 1].isspace() else end


_WORD = re.compile(r"\S*[^\W_]\S*")
_STOP = r"(?P<stop>[.!?…؟]++)|(?P<line>\n)|(?P<fence>^ {0,3}```)"
_LATER = re.compile(_STOP, re.MULTILINE)
_FIRST = re.compile(rf"{_STOP}|(?P<soft>[,;:])|(?P<clause>(?<=\w)[^\S\n](?=\S))", re.MULTILINE)

# --- Full stops and their like

_CLOSING = re.compile(
    r"""(?:["'”’)\]}*_~`]|[ \u00a0\u202f]?»"""
    r"""|[ \u00a0\u202f]*(?:\[\d+(?:[,;–-] ?\d+)*\]|【\d+】))*+"""
)
_HALF_MARK = re.compile(r"[ \u00a0\u202f]*\[[\d,;– -]*\Z")
_LAST_WORD = re.compile(r"[^\s(«\"'’“\[*_]*\Z")
_LIST_NUMBER = re.compile(r"\s*(?:[-*+•>]\s+)?[*_]*(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,5})")
_INITIALS = re.compile(r"(?:[^\W\d_]\.-?)*[A-ZÀ-ÖØ-Þ]")
_ARTICLE = re.compile(r"[LRDA]\.?(?:\d\S*)?|[IVXLC]+")
# Never the end of a sentence.
_ABBREVIATIONS = _words(
    """m mm mme mmes mlle mlles dr drs pr prof mgr st ste sts stes mr mrs ms messrs gov sen hon
    capt lt sgt p.ex ex cf c.-à-d c.à.d i.e e.g vs n.b p.-s apr av trad éd bd boul"""
)
# Not the end before a number; before a capital they are.
_BEFORE_NUMBERS = _words(
    """art al p pp n no nos num fig vol ch chap sect par env max min tél tel réf ref ann annex
    approx ca c eq éq op tab t l tit janv févr avr juil sept oct nov déc jan feb mar jun jul aug
    dec bât apt appt esc étage rte"""
)
# After a single letter these begin a sentence: "le plan B. Ensuite" ends, "J. Dupont" does not.
_STARTERS = _words(
    """Il Elle Ils Elles On Nous Vous Je Tu Le La Les Un Une Des Ce Cet Cette Ces Si Pour En Dans
    Mais Ensuite Puis Enfin Ainsi Donc Après Avant Voici Voilà C'est C’est The It He She They We
    You This That These Those If For In But Then So And After Before Here"""
)


def _stop(place: _Place) -> int | _Verdict:
    closing = _CLOSING.match(place.text, place.end)
    end = closing.end() if closing else place.end
    rest = place.text[end:]
    if not rest.strip() or _HALF_MARK.match(rest):
        return place.cut(end) if place.final else _Verdict.WAIT
    if not rest[0].isspace() or rest.lstrip()[0].islower() or _inside_code(place):
        return _Verdict.NO
    if (
        place.text[place.start] in "?!"
        and "»" not in place.text[place.end : end]
        and place.quoted()
    ):
        return _Verdict.NO
    if place.text[place.start : place.end] == ".":
        verdict = _full_stop(place, rest.lstrip())
        return place.cut(end) if verdict is True else verdict
    return place.cut(end)


def _inside_code(place: _Place) -> bool:
    return place.text.count("`", 0, place.start) % 2 == 1


def _full_stop(place: _Place, rest: str) -> "_Verdict | bool":
    """True when the full stop ends a sentence rather than an abbreviation."""
    found = _LAST_WORD.search(place.text, 0, place.start)
    word = found[0] if found else ""
    if word.lower() in _ABBREVIATIONS or word == "Me" or _LIST_NUMBER.fullmatch(place.line()):
        return _Verdict.NO
    numbered, initials = word.lower() in _BEFORE_NUMBERS, _INITIALS.fullmatch(word)
    if numbered and rest[0].isdigit():
        return _Verdict.NO
    if not (numbered or initials):
        return True
    following = re.match(r"\S+(?=\s)", rest)
    if not following and not place.final:
        return _Verdict.WAIT
    name = following[0].rstrip(",.;:!?") if following else rest.strip()
    goes_on = _ARTICLE.fullmatch(name) if numbered else name not in _STARTERS
    return _Verdict.NO if goes_on else True


# --- Lines and blocks

_BLOCK = r"(?:[-*+•–—]\s|\d{1,3}[.)]\s|#{1,6}\s|\||>|```)"
_BLOCK_LINE = re.compile(rf"[ \t]*{_BLOCK}")
_NEXT_BLOCK = re.compile(rf"[ \t]*(?:{_BLOCK}|\n)")
_BLOCK_MARK_CHARS = 8
_FENCE_END = re.compile(r"^ {0,3}```[^\S\n]*(?:\n|\Z)", re.MULTILINE)


def _line(place: _Place) -> int | _Verdict:
    line = place.line()
    text = line.rstrip(" \t\r*_`")
    ends = not text or text[-1] in '.!?…:;»"' or line.endswith(("  ", "\\"))
    if ends or _BLOCK_LINE.match(line):
        return _after_line(place)
    ahead = place.text[place.end :]
    mark = ahead.lstrip(" \t")[:_BLOCK_MARK_CHARS]
    if len(mark) < _BLOCK_MARK_CHARS and "\n" not in mark and not place.final:
        return _Verdict.WAIT
    return _after_line(place) if _NEXT_BLOCK.match(ahead) else _Verdict.NO


def _after_line(place: _Place) -> int | _Verdict:
    return _Verdict.NO if place.cut(place.end) is _Verdict.NO else place.end


def _fence(place: _Place) -> int | _Verdict:
    """A block of code is one piece with what leads to it."""
    end = _FENCE_END.search(place.text, place.end)
    if end and (end[0].endswith("\n") or place.final):
        return end.end()
    return len(place.text) if place.final else _Verdict.WAIT


# --- The first segment

_CLAUSES = _words(
    """mais car parce puisque afin lorsque quand qui puis donc pour
    but because which who so when while unless"""
)
_LETTERS = re.compile(r"[^\W\d_]*+")


def _soft(place: _Place) -> int | _Verdict:
    following = place.text[place.end : place.end + 1]
    if place.quoted():
        return _Verdict.NO
    if following.isspace():
        return place.cut(place.end)
    return _Verdict.NO if following or place.final else _Verdict.WAIT


def _clause(place: _Place) -> int | _Verdict:
    word = _LETTERS.match(place.text, place.end)
    if place.quoted():
        return _Verdict.NO
    if not word or (word.end() == len(place.text) and not place.final):
        return _Verdict.WAIT
    return place.cut(place.start, CLAUSE_WORDS) if word[0] in _CLAUSES else _Verdict.NO


_JUDGES: dict[str, Callable[[_Place], int | _Verdict]] = {
    "stop": _stop,
    "line": _line,
    "fence": _fence,
    "soft": _soft,
    "clause": _clause,
}

# --- Sentences that are too long

_PAUSE = re.compile(r"[,;:]\s")
_BLANK = re.compile(r"(?<!\d)\s|\s(?!\d)")
_ANY_BLANK = re.compile(r"\s")


def _forced(text: str, final: bool) -> int | None:
    """A cut at the last comma, else the last blank, when there is no better one."""
    if len(text) <= MAX_CHARS + (0 if final else _BLOCK_MARK_CHARS):
        return None
    for pattern in (_PAUSE, _BLANK):
        ends = [m.end() for m in pattern.finditer(text, 0, MAX_CHARS)]
        if ends and ends[-1] > MAX_CHARS // 3:
            return ends[-1]
    if blank := _ANY_BLANK.search(text, MAX_CHARS, MAX_WORD):
        return blank.end()
    return MAX_WORD if len(text) > MAX_WORD else None


# --- What is not spoken


def _line_end(match: re.Match[str]) -> str:
    """A pause where a block ends without a full stop, nothing where a line is only folded."""
    before, after = match.string[: match.start()], match.string[match.end() :]
    line = before[before.rfind("\n") + 1 :]
    folded = match[0].count("\n") == 1 and not _BLOCK_LINE.match(line + " ")
    words = line.rstrip(" *_`|")
    if (folded and not _BLOCK_LINE.match(after)) or not words or words[-1] in ".!?…:;,":
        return "\n"
    return ".\n"


# In this order; each takes off or adds characters, so that offsets can be followed through them.
MARKS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(pattern, re.MULTILINE), replacement)
    for pattern, replacement in (
        (r"^ {0,3}```(?s:.*?)(?:^ {0,3}```[^\S\n]*$|\Z)", ""),  # blocks of code
        (r"<br\s*/?>", " "),
        (r"<!--.*?-->|</?[A-Za-z][\w-]*(?:\s[^<>]*)?/?>", ""),
        (r"^[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)*\|?[ \t]*\n?", ""),
        (r"^[ \t]*(?:\*[ \t]*){3,}$|^[ \t]*(?:_[ \t]*){3,}$", ""),  # rules
        (r"[ \u00a0\u202f]*(?:\[\^?\d+(?:[,;–-] ?\d+)*\](?:\(\S*?\))?|【\d+】)(?!\()", ""),
        (r"(?<=\S)[ \t]*\n\s*", _line_end),
        (r"!?\[(?=[^\]\n]*\]\()", ""),
        (r"\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+\"[^\"]*\")?\)", ""),  # targets of links
        (r"<(?=(?:https?://|mailto:)[^>\s]+>)|(?<=[\w/])>(?=[\s,.;:!?)]|$)", ""),
        (r"^[ \t]*(?:>[ \t]?)*(?:#{1,6}[ \t]+|[-*+•–—][ \t]+(?:\[[ xX]\][ \t]+)?)?", ""),
        (r"[ \t]+#+[ \t]*$", ""),
        (r"^[ \t]*\|[ \t]*|[ \t]*\|[ \t]*(?=\.?$)", ""),
        (r"[ \t]*\|[ \t]*", ", "),
        (r"\*{2,}|~~|`+", ""),
        (r"(?<![\w*])\*(?=[^\s*])|(?<=[^\s*])\*(?![\w*])", ""),
        (r"(?<![\w_])_+(?=[^\s_])|(?<=[^\s_])_+(?![\w_])", ""),
        (r"[\U0001F000-\U0001FAFF\u2600-\u27BF\u2B50\uFE0F\u200D\u20E3]+", ""),  # emoji
        (r"\s*\n\s*", " "),
        (r"[ \t]{2,}", " "),
    )
)
