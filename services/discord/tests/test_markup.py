"""Discord's markup, read and written."""

import re

import pytest
from hypothesis import given, strategies as st

from palabre.discord.markup import escaped, harmless, readable

KNOWN = "https://habitat.example/fiche"
USER = 123456789012345678


def shown(text: str) -> str:
    """Without what nobody sees."""
    return text.replace("\u200b", "")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (f"<@{USER}> qui paie ?", "qui paie ?"),
        (f"<@!{USER}> qui paie ?", "qui paie ?"),
        ("<@999999999999999999> paie ?", "@… paie ?"),
        ("voir <#999999999999999999>, <@&999999999999999999>", "voir …, …"),
        ("<a:ouf:999999999999999999> merci <:ok:999999999999999999>", ":ouf: merci :ok:"),
        ("</demander:999999999999999999> ne marche pas", "/demander ne marche pas"),
        ("si a < b et <b>gras</b>", "si a < b et <b>gras</b>"),
    ],
)
def test_what_people_write_is_read_as_words(written: str, read: str) -> None:
    assert readable(written, omit={USER}) == read


@pytest.mark.parametrize(
    "text",
    ["@everyone, lisez !", "@here", f"<@{USER}>", f"<@&{USER}>", f"<#{USER}>", "@Everyone"],
)
def test_nobody_is_named_and_it_reads_the_same(text: str) -> None:
    found = harmless(text)
    assert shown(found) == text
    assert not re.search(r"@everyone|@here|<[@#]", found, re.IGNORECASE)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[la fiche](https://habitat.example/fiche)", f"[la fiche](<{KNOWN}>)"),
        ("[ici](https://evil.example/x)", "ici (<https://evil.example/x>)"),
        (f"[https://banque.example](<{KNOWN}>)", f"<https://banque.example> (<{KNOWN}>)"),
        ("![x](https://evil.example/p.png)", "x (<https://evil.example/p.png>)"),
        ("[x](javascript:alert)", "x (javascript:alert)"),
        ("voir https://a.example/b.", "voir <https://a.example/b>."),
        ("voir <https://a.example/b>", "voir <https://a.example/b>"),
        ("(https://a.example/b_(c))", "(<https://a.example/b_(c)>)"),
        ("venez : discord.gg/abc et https://discord.com/invite/abc", "venez : … et …"),
        ("`@everyone [a](b)`", "`@everyone [a](b)`"),
        ("```\n<@123> https://a.example\n```", "```\n<@123> https://a.example\n```"),
        ("[1] le bailleur [2]", "[1] le bailleur [2]"),
    ],
)
def test_addresses_are_seen_for_what_they_are(text: str, found: str) -> None:
    assert harmless(text, [KNOWN]) == found


def test_an_invitation_that_a_source_gives_is_shown() -> None:
    invite = "https://discord.gg/habitat"
    assert harmless(f"Rejoignez-nous : {invite}", [invite]) == f"Rejoignez-nous : <{invite}>"


MARKS = [*"[]()<>!@ \n`\\\0x", "@everyone", "<@", str(USER), "https://", "a.fr/", "discord.gg/"]
PIECES = st.lists(st.sampled_from([*MARKS, KNOWN]), max_size=30).map("".join)


@given(PIECES)
def test_however_it_is_written_nobody_is_named_and_no_unknown_address_is_masked(text: str) -> None:
    prose = re.sub(r"```.*?(?:```|\Z)|`[^`\n]+`", "", harmless(text, [KNOWN]), flags=re.DOTALL)
    assert not re.search(r"@everyone|@here|<[@#]", prose, re.IGNORECASE)
    masked = re.findall(r"\[[^\[\]\n]*\]\(<?([^()<>\s]*)", prose)
    assert set(masked) <= {KNOWN}


def test_a_title_is_nothing_but_its_letters() -> None:
    assert escaped("**Guide** [du\nlocataire] @everyone") == (
        r"\*\*Guide\*\* \[du locataire\] \@everyone"
    )
