"""Markdown with optional YAML front matter (title, language, tier, url or source, keywords)."""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

from palabre.retriever.documents.decoding import decode
from palabre.retriever.documents.front import Front, parse_front
from palabre.retriever.documents.structure import (
    Document,
    Kind,
    Outline,
    Section,
    Source,
    without_title,
)

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_KINDS: dict[str, Kind] = {
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "table_open": "table",
    "fence": "code",
    "code_block": "code",
}
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)

# Only where blocks begin and end is of interest; what is inside a line stays as it was written.
_PARSER = MarkdownIt("commonmark").enable("table").disable(["inline", "text_join"], True)


def read_markdown(source: Source) -> Document:
    """A side file counts before the front matter. Raises InvalidDocument."""
    text = decode(source.name, source.data, source.charset)
    own, body = _split(source.name, text.replace("\r\n", "\n").replace("\r", "\n"))
    front = source.front.over(own)
    blocks = list(_blocks(_PARSER.parse(body)))
    title = front.title or _first_heading(blocks)
    return Document(
        sections=without_title(_sections(blocks, body.split("\n")), title),
        title=title,
        language=front.language,
        tier=front.tier,
        url=front.url,
        keywords=front.keywords,
    )


def _split(name: str, text: str) -> tuple[Front, str]:
    found = _FRONT_MATTER.match(text)
    if not found:
        return Front(), text
    return parse_front(name, found[1], first_line=2), text[found.end() :]


def write_markdown(outline: Outline, text: str) -> None:
    """Adds text without front matter, below the headings that are open."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    _write(outline, list(_blocks(_PARSER.parse(text))), text.split("\n"))


def _sections(blocks: list[tuple[Token, str]], lines: list[str]) -> tuple[Section, ...]:
    outline = Outline()
    _write(outline, blocks, lines)
    return outline.sections()


def _write(outline: Outline, blocks: list[tuple[Token, str]], lines: list[str]) -> None:
    for token, content in blocks:
        if token.type == "heading_open":
            outline.heading(int(token.tag[1]), _plain(content))
        elif token.map:
            text = _COMMENT.sub("", "\n".join(lines[token.map[0] : token.map[1]]))
            outline.block(text, _KINDS.get(token.type, "paragraph"))


def _blocks(tokens: list[Token]) -> Iterator[tuple[Token, str]]:
    """Outermost opening tokens, each with the content of the token that follows."""
    for token, after in zip(tokens, [*tokens, None][1:], strict=True):
        if token.level == 0 and token.nesting >= 0 and token.type != "hr":
            yield token, after.content if after else ""


def _first_heading(blocks: list[tuple[Token, str]]) -> str:
    """The first heading of level 1, which is the title when the front matter has none."""
    return next((_plain(content) for token, content in blocks if token.tag == "h1"), "")


def _plain(heading: str) -> str:
    """A heading without emphasis, code marks and link targets."""
    heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[*`]|(?<!\w)_|_(?!\w)", "", heading).strip()
