"""What an answer may show: words. Whoever writes into a document may write through a model.

No image, no HTML, no address that was not given by the operator: a followed address can carry away
what was said (`?q=…`), a loaded one does so by itself. A link to a passage becomes its number, and
is checked as a citation; its address stands with the source.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from palabre.contracts.v1.turns_pb2 import Passage
from palabre.llm.untrusted import data, seen

WITHHELD = "…"
# Characters that are waited for; what is longer is none, or is made harmless in its pieces.
_TAG_MOST, _LABEL_MOST, _TARGET_MOST = 300, 300, 2_000

_ADDRESS = r"(?:[a-zA-Z][a-zA-Z0-9+.-]{1,30}://|(?<![^\W_])www\.)[^\s<>()\[\]\"«»“”|\\]*"
_BARE = re.compile(_ADDRESS, re.IGNORECASE)
_ANGLED = re.compile(r"<([A-Za-z][\w+.-]*://[^<>\s]*|(?:mailto:)?[\w.+-]+@[\w.-]+)>")
_TAG = re.compile(rf"<+[A-Za-z/!?|\uff5c][^<>]{{0,{_TAG_MOST}}}>")
_UNCLOSED = re.compile(r"<+(?=[A-Za-z/!?|\uff5c])")
_PICTURE = re.compile(r"!+(?=\[(?!\d{1,3}\]))")
# What would become markup again where something between was taken out.
_JOINT = re.compile(r"(?<=!)(?=\[)|(?<=\])(?=[(:])|(?<=<)(?=[A-Za-z/!?|\uff5c])")
_LINK = re.compile(
    rf"\[([^\[\]\n]{{0,{_LABEL_MOST}}})\]"
    rf"\(([^()\n]{{0,{_TARGET_MOST}}}(?:\([^()\n]*\)[^()\n]*){{0,8}})\)"
)
_WORD_MOST = 40  # characters; what is longer is encoded, for no reader
_LONG = re.compile(rf"([A-Za-z0-9+=_]{{{_WORD_MOST}}})[A-Za-z0-9+=_]+")
_ENDS = re.compile(rf"[A-Za-z0-9+=_]{{0,{_WORD_MOST + 1}}}$")
_HALF = re.compile(r"(?<![a-zA-Z][a-zA-Z0-9+.-])://")  # the scheme left before
_NUMBER = re.compile(r"\d{1,3}")
_HOST = re.compile(r"(?:[\w+.-]+://)?(?:[^/@\s]*@)?(?:www\.)?([^/:?#\s]+\.[^/:?#\s]+)", re.I)
_NEEDED = re.compile(r"[<\[\]!]|://|www\.", re.IGNORECASE)
_MAY_BEGIN = re.compile(r"[<!\[\]:]|www|\b(?:https?|htt?|h|ww?)$", re.IGNORECASE)
_SCHEME_MOST = 32
_HELD_MOST = 2_500
_MAY_BECOME = re.compile(
    rf"[^\s<>]{{0,{_TAG_MOST}}}<+(?:[A-Za-z/!?|\uff5c][^<>]{{0,{_TAG_MOST}}})?$"
    rf"|!*\[[^\]\n]{{0,{_LABEL_MOST}}}"
    rf"(?:\](?:\((?:[^()\n]|\([^()\n]*(?:\)|$)){{0,{_TARGET_MOST}}})?)?$"
    rf"|!+$|\][:(]?$|{_ADDRESS}$|\b(?:https?|htt?|h|w{{1,3}})$|[a-z0-9+.-]{{0,16}}:/{{0,2}}$",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Screen:
    """Of one answer, as it streams by. However it arrives in pieces, nothing slips through.

    `given` holds the operator's words, whose addresses may be shown. Of those that stand in a
    passage's text, the host is, as a word.
    """

    passages: Sequence[Passage] = ()
    given: str = ""
    withheld: int = 0  # images, tags, addresses
    numbers: Mapping[str, int] = field(init=False)  # of passages, by address
    _held: str = ""
    _last: str = ""  # the character that was shown last
    _word: int = 0  # characters that were shown of a word that may go on

    def __post_init__(self) -> None:
        found = [(_bare(p.url), n) for n, p in enumerate(self.passages, 1) if p.url]
        self.numbers = dict(reversed(found))

    def feed(self, text: str) -> str:
        """What can be shown now."""
        text = self._without_tags(self._held + seen(text))
        end = _decided(text)
        self._held = text[end:]
        return self._screened(text[:end])

    def close(self) -> str:
        held, self._held = self._held, ""
        return self._screened(held)

    def _screened(self, text: str) -> str:
        if _NEEDED.search(text):
            text = _PICTURE.sub(self._drop, _UNCLOSED.sub(self._drop, text))
            text = _BARE.sub(self._address, self._without_links(text))
            text = _HALF.sub(self._withhold, text)
        text = self._without_long_words(data(text))
        joined = _JOINT.sub(" ", self._last + text)[len(self._last) :]
        self._last = (self._last + text)[-1:]
        return joined

    def _without_tags(self, text: str) -> str:
        return _TAG.sub(self._drop, _ANGLED.sub(r"\1", text)) if ">" in text else text

    def _without_long_words(self, text: str) -> str:
        """Such a word ends after its first characters, however it came."""
        if not text:
            return text
        before, whole = self._word, "x" * self._word + text
        self._word = min(len(_ENDS.findall(whole)[0]), _WORD_MOST + 1)
        return _LONG.sub(rf"\1{WITHHELD}", whole)[before:]

    def _without_links(self, text: str) -> str:
        found = 1
        while found:
            text, found = _LINK.subn(self._link, text)
        return text

    def _link(self, match: re.Match[str]) -> str:
        label, target = match[1], match[2].strip()
        address = target.split()[0].strip("<>") if target else ""
        counts = _NUMBER.fullmatch(label)
        if number := self.numbers.get(_bare(address)):
            return f"[{number}]" if counts else f"{label} [{number}]"
        if counts and not set(address) & set("/.:"):
            return f"[{label}] ({target})"
        if _stands_in(self.given, address):
            return f"{label} ({address})"
        self.withheld += 1
        return f"[{label}]" if counts else label

    def _address(self, match: re.Match[str]) -> str:
        address = match[0].rstrip(".,;:!?)]}*_'’…")
        rest = match[0][len(address) :]
        if number := self.numbers.get(_bare(address)):
            return f"[{number}]{rest}"
        if _stands_in(self.given, address):
            return match[0]
        self.withheld += 1
        return f"{self._host(address)}{rest}"

    def _host(self, address: str) -> str:
        """As a word, where somebody has said it: it carries nothing away."""
        match = _HOST.match(address)
        texts = (self.given, *(passage.text for passage in self.passages))
        said = match and any(_stands_in(text, match[1]) for text in texts)
        return match[1] if match and said else WITHHELD

    def _drop(self, match: re.Match[str]) -> str:
        self.withheld += 1
        return ""

    def _withhold(self, match: re.Match[str]) -> str:
        self.withheld += 1
        return WITHHELD


def _decided(text: str) -> int:
    """Up to where nothing may become anything else, whatever follows."""
    begun = _MAY_BEGIN.search(text)
    match = begun and _MAY_BECOME.search(text, max(0, begun.start() - _SCHEME_MOST))
    end = match.start() if match else len(text)
    return end if len(text) - end <= _HELD_MOST else len(text)


def _bare(address: str) -> str:
    return address.strip().rstrip("/")


def _stands_in(text: str, address: str) -> bool:
    """As it is, or at the end of a host's name; not as the beginning of a longer address."""
    if not address or address not in text:
        return False
    return bool(re.search(rf"(?<![\w-]){re.escape(address)}(?![\w@-]|[.?#=&]\w)", text))
