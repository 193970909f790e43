"""Text of others, before a model or a person sees it."""

import re
import unicodedata

_SPECIAL = re.compile(r"<(?=\|)|(?<=\|)>|\[(?=/?INST\])")


def data(text: str, longest: int = 0) -> str:
    """Without control, invisible or reordering characters and chat templates' marks.

    Cut to `longest` characters; 0: as long as it is.
    """
    kept = text
    if not _without_blanks(text).isprintable():
        kept = "".join(c for c in text if c in "\n\t" or unicodedata.category(c)[0] != "C")
    kept = _SPECIAL.sub(" ", kept)
    return f"{kept[:longest]}…" if 0 < longest < len(kept) else kept


def _without_blanks(text: str) -> str:
    """What remains is printable unless there is something to take out: no look at every letter."""
    return text.replace("\n", "").replace("\t", "").replace("\u00a0", "").replace("\u202f", "")
