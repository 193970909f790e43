"""Markdown with optional YAML front matter (title, language, tier, url or source, keywords)."""

import re
from collections.abc import Iterator
from typing import Any

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from palabre.retriever.documents.decoding import decode
from palabre.retriever.documents.structure import (
    Document,
    Kind,
    Outline,
    Section,
    without_title,
)
from palabre.retriever.errors import InvalidDocument

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


def read_markdown(name: str, data: bytes, charset: str = "") -> Document:
    """Raises InvalidDocument."""
    text = decode(name, data, charset).replace("\r\n", "\n").replace("\r", "\n")
    front, body = _split(name, text)
    blocks = list(_blocks(_PARSER.parse(body)))
    title = _word(front.get("title")) or _first_heading(blocks)
    return Document(
        sections=without_title(_sections(blocks, body.split("\n")), title),
        title=title,
        language=_word(front.get("language") or front.get("lang")),
        tier=_word(front.get("tier")),
        url=_url(front),
        keywords=_words(front.get("keywords")),
    )


def _split(name: str, text: str) -> tuple[dict[str, Any], str]:
    found = _FRONT_MATTER.match(text)
    if not found:
        return {}, text
    try:
        front = yaml.load(found[1], Loader=_Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 2
        raise InvalidDocument(
            name, f"front matter is not YAML (line {line})", "put quotes around the value"
        ) from error
    if not isinstance(front, dict | None):
        raise InvalidDocument(name, "front matter is no mapping", "write it as `key: value` lines")
    return front or {}, text[found.end() :]


def _sections(blocks: list[tuple[Token, str]], lines: list[str]) -> tuple[Section, ...]:
    outline = Outline()
    for token, content in blocks:
        if token.type == "heading_open":
            outline.heading(int(token.tag[1]), _plain(content))
        elif token.map:
            text = _COMMENT.sub("", "\n".join(lines[token.map[0] : token.map[1]]))
            outline.block(text, _KINDS.get(token.type, "paragraph"))
    return outline.sections()


def _blocks(tokens: list[Token]) -> Iterator[tuple[Token, str]]:
    """Outermost opening tokens, each with the content of the token that follows."""
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        if token.level == 0 and token.nesting >= 0 and token.type != "hr":
            yield token, after.content if after else ""


def _first_heading(blocks: list[tuple[Token, str]]) -> str:
    """The first heading of level 1, which is the title when the front matter has none."""
    return next((_plain(content) for token, content in blocks if token.tag == "h1"), "")


def _plain(heading: str) -> str:
    """A heading without emphasis, code marks and link targets."""
    heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[*`]|(?<!\w)_|_(?!\w)", "", heading).strip()


def _word(value: object) -> str:
    return "" if value is None else str(value).strip()


def _words(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list) else _word(value).split(",")
    return tuple(word for item in items if (word := _word(item)))


def _url(front: dict[str, Any]) -> str:
    """`source` may also name a person or a book, which is no address."""
    candidates = (_word(front.get(key)) for key in ("url", "source"))
    return next((c for c in candidates if re.match(r"https?://\S+$", c)), "")


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
