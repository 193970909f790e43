"""What an owner says of a document, in it or beside it."""

import pytest

from palabre.retriever.documents import Front, read
from palabre.retriever.documents.front import parse_front
from palabre.retriever.errors import InvalidDocument


def test_a_side_file_says_what_a_document_cannot() -> None:
    side = "title: Le bail\nlang: fr\ntier: rh\nsource: https://example.org/a\nkeywords: [a, 2026]"
    document = read("a.txt", b"Du texte.", front_matter=side)
    assert (document.title, document.language, document.tier) == ("Le bail", "fr", "rh")
    assert (document.url, document.keywords) == ("https://example.org/a", ("a", "2026"))


def test_a_side_file_counts_before_the_front_matter_inside() -> None:
    text = b"---\ntitle: Dedans\nkeywords: dedans\n---\nDu texte."
    document = read("a.md", text, front_matter="title: Dehors")
    assert (document.title, document.keywords) == ("Dehors", ("dedans",))


def test_settings_of_sheets_are_passed_on_as_they_are() -> None:
    front = parse_front("a.xlsx", "sheets:\n  Tarifs:\n    header: 3\n")
    assert front == Front(sheets={"Tarifs": {"header": 3}})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title: a: b", "a.pdf: front matter is not YAML (line 1): put quotes"),
        ("title: [a]", "a.pdf: `title` is no single value: write it as `title: …`"),
        ("sheets: 3", "a.pdf: `sheets` is no mapping"),
        ("keywords: [[a]]", "a.pdf: `keywords` is no single value"),
        ("a: &a [x]\ntitle: *a", "a.pdf: front matter has aliases"),
        ("a: " + "[" * 5_000, "a.pdf: front matter has aliases or is nested deeply"),
        ("a: " + "x" * 70_000, "a.pdf: its front matter is too long: use 64 KiB"),
        ("date: 2026-13-45", "a.pdf: front matter is not YAML"),
    ],
)
def test_front_matter_that_makes_no_sense_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        parse_front("a.pdf", text)
    assert str(refused.value).startswith(said)
