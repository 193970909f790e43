"""Discord's own markup: read as words, and written so that nobody is pinged and nothing masked."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping

_USER = re.compile(r"<@!?(\d{15,21})>")
_OTHERS = re.compile(r"<@&\d{15,21}>|<#\d{15,21}>|<id:\w+>|<t:-?\d+(?::[a-zA-Z])?>")
_EMOJI = re.compile(r"<a?(:\w{2,32}:)\d{15,21}>")
_COMMAND = re.compile(r"<(/[^:<>]{1,100}):\d{15,21}>")

# Sees to it that what follows is read as words, and shows nothing itself.
_UNSEEN = "\u200b"
_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]+`)", re.DOTALL)
_PING = re.compile(r"@(?=everyone|here)|<(?=@|#|id:|/|a?:\w)", re.IGNORECASE)
_LINK = re.compile(
    r"!?\[([^\[\]\n]{0,300})\]\(\s{0,9}<?([^()\s<>]{0,600}(?:\([^()\s<>]{0,99}\)[^()\s<>]{0,99}){0,9})"
    r">?[^()\n]{0,300}\)"
)
_MASK = re.compile(r"\](?=\()")
_ADDRESS = re.compile(
    r"<?\b(https?://(?:[^\s<>()\[\]\"«»“”|\\*`]|\([^\s<>()]*\))+)>?", re.IGNORECASE
)
_INVITE = re.compile(
    r"(?:https?://)?(?:www\.|ptb\.|canary\.)?"
    r"(?:discord\.(?:gg|io|me|li|link)|dsc\.gg|invite\.gg|discord(?:app)?\.com/invite)/[\w/-]+",
    re.IGNORECASE,
)
_ENDING = ".,;:!?'’…"
_SPECIAL = re.compile(r"([\\`*_~|\[\]<>#@])")
WITHHELD = "…"
_NOBODY: Mapping[int, str] = {}
WAITING = "⏳"  # before what stands for an answer, and after one that goes on


def readable(text: str, omit: Collection[int] = (), names: Mapping[int, str] = _NOBODY) -> str:
    """What somebody wrote, as words; the users of `omit` are left out, others are "@…".

    Those who are in `names` are "@name".
    """

    def told(match: re.Match[str]) -> str:
        user = int(match[1])
        return "" if user in omit else f"@{names.get(user, WITHHELD)}"

    text = _USER.sub(told, text)
    text = _COMMAND.sub(r"\1", _EMOJI.sub(r"\1", text))
    return _OTHERS.sub("…", text).strip()


def harmless(text: str, known: Collection[str] = ()) -> str:
    """A model's Markdown, so that it names nobody, masks no address and loads no preview.

    `known` are the addresses of its sources: they alone may be invitations, or stand behind words.
    Code stays as it is: Discord pings and follows nothing there.
    """
    return "".join(
        part if is_code else _harmless_prose(part, known) for is_code, part in parts(text)
    )


def escaped(text: str) -> str:
    """A title or name, that means nothing but its letters."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def parts(text: str) -> Iterator[tuple[bool, str]]:
    """Whether it is code, and the text, in order."""
    for place, part in enumerate(_CODE.split(text)):
        yield place % 2 == 1, part


def _harmless_prose(text: str, known: Collection[str]) -> str:
    text = _INVITE.sub(_unless_known(known), text)
    kept: list[str] = []  # links of ours, taken out while the rest is gone over
    text = _LINK.sub(lambda match: _link(match, known, kept), text.replace("\0", ""))
    text = _PING.sub(lambda match: match[0] + _UNSEEN, _ADDRESS.sub(_quiet, text))
    text = _MASK.sub(f"]{_UNSEEN}", text)
    return re.sub("\0", lambda _: kept.pop(0), text)


def _unless_known(known: Collection[str]) -> Callable[[re.Match[str]], str]:
    return lambda match: match[0] if any(match[0] in address for address in known) else WITHHELD


def _link(match: re.Match[str], known: Collection[str], kept: list[str]) -> str:
    label, address = match[1], match[2]
    if address in known and "://" not in label:
        kept.append(f"[{_PING.sub(lambda m: m[0] + _UNSEEN, label)}](<{address}>)")
        return "\0"
    return f"{label} ({address})" if address and address != label else label


def _quiet(match: re.Match[str]) -> str:
    """Between angle brackets no preview is loaded."""
    address = match[1].rstrip(_ENDING)
    return f"<{address}>{match[1][len(address) :]}"


def unrendered(text: str) -> str:
    """An answer as it was before we showed it: without what nobody sees, and without our marks."""
    text = text.replace(_UNSEEN, "").strip()
    return "" if text.startswith(WAITING) else text.removesuffix(WAITING).rstrip()
