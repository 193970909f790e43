"""Markdown that Discord does not know, in a form that reads well there."""

import re

from palabre.discord.markup import parts
from palabre.discord.splitting import FENCE

WIDEST = 56  # characters of a line of code that a telephone's screen shows
_TABLE = re.compile(
    r"^[^\n|]*\|[^\n]*\n"  # the heads
    r"(?=[^\n]*-)(?=[^\n]*\|)[ \t|:-]+(?:\n|\Z)"
    r"(?:[^\n|]*\|[^\n]*(?:\n|\Z))*",
    re.MULTILINE,
)
_HEADING = re.compile(r"^#{4,6}[^\S\n]+(\S[^\n]*)$", re.MULTILINE)
_RULE = re.compile(r"^[^\S\n]*([-*_])(?:[^\S\n]*\1){2,}[^\S\n]*$", re.MULTILINE)
_CELL = re.compile(r"(?<!\\)\|")
_MARKS = re.compile(r"\*\*|__|`|<br\s*/?>")


def adapted(text: str) -> str:
    """A narrow table becomes columns in a block of code, a wide one a list of its rows.

    Small headings become bold, and rules blank lines.
    """
    return "".join(part if is_code else _adapted(part) for is_code, part in parts(text))


def _adapted(prose: str) -> str:
    prose = _RULE.sub("", _TABLE.sub(_shown, prose))
    return _HEADING.sub(lambda match: f"**{match[1].replace('**', '').rstrip(' #')}**", prose)


def _shown(match: re.Match[str]) -> str:
    heads, rule, *rows = (_cells(line) for line in match[0].strip("\n").split("\n"))
    if len(rule) != len(heads):
        return match[0]
    rows = [[*row, *[""] * (len(heads) - len(row))][: len(heads)] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    if sum(widths) + 2 * len(widths) <= WIDEST:
        return _columns([heads, ["─" * width for width in widths], *rows], widths)
    return "\n".join(_item(heads, row) for row in rows) + "\n"


def _cells(line: str) -> list[str]:
    line = line.strip().removeprefix("|")
    line = line if line.endswith(r"\|") else line.removesuffix("|")
    return [_MARKS.sub("", cell.replace(r"\|", "|")).strip() for cell in _CELL.split(line)]


def _columns(rows: list[list[str]], widths: list[int]) -> str:
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join([FENCE, *lines, FENCE]) + "\n"


def _item(heads: list[str], row: list[str]) -> str:
    first, *rest = zip(heads, row, strict=True)
    told = "; ".join(f"{head}: {cell}" if head else cell for head, cell in rest if cell)
    return f"- **{first[1] or first[0]}** – {told}"
