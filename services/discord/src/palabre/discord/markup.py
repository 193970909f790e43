"""Discord's own markup: read as words, and written so that nobody is pinged and nothing masked."""

import re
from collections.abc import Collection

_USER = re.compile(r"<@!?(\d{15,21})>")
_OTHERS = re.compile(r"<@&\d{15,21}>|<#\d{15,21}>|<id:\w+>|<t:-?\d+(?::[a-zA-Z])?>")
_EMOJI = re.compile(r"<a?(:\w{2,32}:)\d{15,21}>")
_COMMAND = re.compile(r"<(/[^:<>]{1,100}):\d{15,21}>")


def readable(text: str, omit: Collection[int] = ()) -> str:
    """What somebody wrote, as words; the users of `omit` are left out, others are "@…"."""
    text = _USER.sub(lambda match: "" if int(match[1]) in omit else "@…", text)
    text = _COMMAND.sub(r"\1", _EMOJI.sub(r"\1", text))
    return _OTHERS.sub("…", text).strip()
