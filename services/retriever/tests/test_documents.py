import pytest

from palabre.retriever.documents import Block, Section, read
from palabre.retriever.errors import InvalidDocument

GUIDE = """---
title: "Quitter son logement"
language: fr
tier: restricted
keywords: [préavis, départ]
source: https://example.org/guide
---

# Quitter son logement

Prévenez par écrit.

## Le *préavis*

- trois mois
- ou un mois

| cas | durée |
| --- | --- |
| zone tendue | un mois |

### En [détail](https://example.org)

```
pas un titre
# vraiment pas
```
"""


def test_markdown_says_what_it_is_in_its_front_matter() -> None:
    document = read("guide.md", GUIDE.encode())
    assert (document.title, document.language) == ("Quitter son logement", "fr")
    assert (document.tier, document.url) == ("restricted", "https://example.org/guide")
    assert document.keywords == ("préavis", "départ")


def test_markdown_blocks_stand_under_their_headings() -> None:
    document = read("guide.md", GUIDE.encode())
    assert [(s.headings, [b.kind for b in s.blocks]) for s in document.sections] == [
        ((), ["paragraph"]),
        (("Le préavis",), ["list", "table"]),
        (("Le préavis", "En détail"), ["code"]),
    ]


def test_without_front_matter_the_first_heading_is_the_title() -> None:
    document = read("a.md", b"# Le titre\n\nDu texte.\n\n## Suite\n\nEncore.")
    assert document.title == "Le titre"
    assert [s.headings for s in document.sections] == [(), ("Suite",)]


def test_a_comment_and_a_rule_are_no_text() -> None:
    document = read("a.md", b"<!-- note -->\n\n---\n\nDu texte.")
    assert [b.text for s in document.sections for b in s.blocks] == ["Du texte."]


def test_windows_line_ends_and_a_byte_order_mark_are_taken_in_stride() -> None:
    document = read("a.md", b"\xef\xbb\xbf---\r\ntitle: Un\r\n---\r\nDu texte.\r\n")
    assert (document.title, document.sections[0].blocks[0].text) == ("Un", "Du texte.")


def test_a_source_that_is_no_address_is_no_address() -> None:
    assert read("a.md", b"---\nsource: Le guide\n---\nDu texte.").url == ""


def test_plain_text_is_parted_by_empty_lines() -> None:
    document = read("a.txt", "Été.\nEncore.\n\n \n\nFin.".encode())
    assert document.sections == (Section((), (Block("Été.\nEncore."), Block("Fin."))),)


PAGE = """<html lang=fr><head><title>Titre | Site</title><meta charset=utf-8>
<link rel=canonical href="https://example.org/a"><meta name=keywords content="bail, loyer">
<style>p {}</style></head><body><nav><a href=/>Accueil</a></nav><main><h1>Le bail</h1>
Bonjour <b>tous</b>.<p>Un <a href=x>lien</a>, oui&nbsp;!</p><h2>La <i>durée</i></h2>
<div><div>Trois ans.</div></div><ul><li>un <b>mois</b><ol><li>ou deux</li></ol></li></ul>
<table><tr><th>a</th><th>b</th></tr><tr><td><p>1</p><p>2</p></td><td>3</td></tr></table>
<pre>x = 1
y = 2</pre></main><footer>Mentions</footer><script>alert(1)</script></body></html>"""


def test_html_is_read_without_what_surrounds_it() -> None:
    document = read("a.html", PAGE.encode())
    assert (document.title, document.language) == ("Le bail", "fr")
    assert (document.url, document.keywords) == ("https://example.org/a", ("bail", "loyer"))
    assert [(s.headings, [b.text for b in s.blocks]) for s in document.sections] == [
        ((), ["Bonjour tous.", "Un lien, oui\N{NO-BREAK SPACE}!"]),
        (
            ("La durée",),
            [
                "Trois ans.",
                "- un mois\n  - ou deux",
                "| a | b |\n| --- | --- |\n| 1 2 | 3 |",
                "```\nx = 1\ny = 2\n```",
            ],
        ),
    ]


def test_html_is_read_in_the_charset_it_declares() -> None:
    page = '<meta charset="windows-1252"><p>Été à 5 €</p>'.encode("windows-1252")
    assert read("a.html", page).sections[0].blocks[0].text == "Été à 5 €"


def test_a_named_charset_is_used() -> None:
    document = read("a.txt", "été".encode("latin-1"), "text/plain; charset=iso-8859-1")
    assert document.sections[0].blocks[0].text == "été"


def test_deeply_nested_html_does_not_break_the_reader() -> None:
    page = "<div>" * 5_000 + "<p>Au fond.</p>" + "</div>" * 5_000
    assert "Au fond." in str(read("a.html", page.encode()).sections)


@pytest.mark.parametrize(
    ("name", "data", "media_type", "said"),
    [
        ("vide.md", b" \n", "", "vide.md: is empty: send a file with text in it"),
        ("latin.md", "été".encode("latin-1"), "", "latin.md: is not UTF-8 (byte 0xe9 at 0)"),
        ("bin.txt", b"\x89PNG\0\0", "", "bin.txt: holds binary data"),
        ("a.txt", b"abc", "text/plain; charset=klingon", "a.txt: unknown charset 'klingon'"),
        ("a.xyz", b"abc", "", "a.xyz: cannot be read (.xyz): convert it to one of .md"),
        ("a", b"abc", "image/gif", "a: cannot be read (image/gif)"),
        ("title.md", b"# Seul", "", "title.md: has no text besides its title"),
        ("seul.md", b"---\ntitle: Seul\n---\n", "", "seul.md: has no text besides its title"),
        ("yaml.md", b"---\ntitle: a: b\n---\nx", "", "front matter is not YAML (line 2)"),
        ("list.md", b"---\n- a\n---\nx", "", "front matter is no mapping"),
    ],
)
def test_a_bad_document_is_refused_by_name_with_reason_and_remedy(
    name: str, data: bytes, media_type: str, said: str
) -> None:
    with pytest.raises(InvalidDocument) as refused:
        read(name, data, media_type)
    assert said in str(refused.value)
    assert str(refused.value).startswith(name)
    assert str(refused.value).count(": ") >= 2


def test_a_document_above_the_limit_is_refused() -> None:
    with pytest.raises(InvalidDocument, match="above the limit of 1 MiB"):
        read("a.txt", b"x" * (2 << 20), max_bytes=1 << 20)


def test_markdown_sent_as_plain_text_is_still_markdown() -> None:
    assert read("a.md", b"# Titre\n\nTexte.", "text/plain").title == "Titre"


def test_signs_inside_words_that_nobody_sees_are_left_out() -> None:
    page = "<h1>Au\u00adtomne</h1><h2>Loca\u00adtion</h2><p>muni&shy;e\u200bs</p><p>\u200b</p>"
    document = read("a.html", page.encode(), "text/html; charset=utf-8")
    assert document.title == "Automne"
    assert document.sections == (Section(("Location",), (Block("munies"),)),)
