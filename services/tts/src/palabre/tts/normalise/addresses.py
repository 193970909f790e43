"""Web and e-mail addresses in words."""

import re
from collections.abc import Mapping

from palabre.tts.normalise.aligned import Rule

_TLD = r"(?:fr|com|org|net|eu|gouv|info|io|be|ch|ca|de|uk|us|edu|gov|dev|app|example|test)"
_HOST = r"[\w-]{1,63}(?:\.[\w-]{1,63})*"
_LETTERS = frozenset(("fr", "be", "ch", "ca", "de", "uk", "us", "io", "eu"))


def rules(words: Mapping[str, str]) -> tuple[Rule, ...]:
    """`words` says "." "-" "_" "+" "/" and "@" in the language."""

    def say(text: str) -> str:
        parts = [part for part in re.split(r"([.\-_+/@])", text) if part]
        last = len(parts) - 1
        said = [words.get(p) or (" ".join(p.upper()) if i == last and p in _LETTERS else p)
                for i, p in enumerate(parts)]  # fmt: skip
        return " ".join(said)

    def url(match: re.Match[str]) -> str:
        """The host, and a path of one plain word; nobody listens to the rest."""
        path = match["path"].rstrip("/")
        short = path if re.fullmatch(r"/[^\W\d_]{2,20}", path) else ""
        host = match["host"].removeprefix("www.")
        return say(host) + (f" {words['/']} {short[1:]}" if short else "")

    path = r"(?P<path>(?:/[^\s()<>\"»]*[^\s()<>\"».,;:!?…])?/?)"
    return (
        (re.compile(rf"(?<![\w.+-])([\w.+-]{{1,64}}@{_HOST}\.\w{{2,}})\b"), lambda m: say(m[1])),
        (re.compile(rf"\bhttps?://(?P<host>[\w.-]*\w)(?::\d+)?{path}(?:\?\S*\w)?"), url),
        (re.compile(rf"(?<![\w@.-])(?P<host>{_HOST}\.{_TLD})(?![\w-]|\.\w){path}", re.I), url),
    )
