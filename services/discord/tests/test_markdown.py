"""Markdown, where half of it is not known."""

from hypothesis import given, strategies as st

from palabre.discord.markdown import WIDEST, adapted
from palabre.discord.splitting import FENCE

NARROW = """Voici :

| Aide | Montant |
|:-----|--------:|
| **APL** | 120 € [1] |
| FSL |

Voilà."""


def test_a_narrow_table_is_shown_in_columns() -> None:
    assert adapted(NARROW) == (
        f"Voici :\n\n{FENCE}\nAide  Montant\n────  ─────────\n"
        f"APL   120 € [1]\nFSL\n{FENCE}\n\nVoilà."
    )


def test_a_wide_table_is_a_list_of_its_rows() -> None:
    text = f"Aide | Pour qui | Montant\n--- | --- | ---\nAPL | {'x' * WIDEST} | 120 €\nFSL | |"
    assert adapted(text) == (
        f"- **APL** – Pour qui: {'x' * WIDEST}; Montant: 120 €\n- **FSL** – \n"
    )


def test_a_bar_in_a_cell_is_none_between_cells() -> None:
    assert "a|b" in adapted("| x | y |\n|---|---|\n| a\\|b | c |")


def test_what_is_in_code_or_is_no_table_stays() -> None:
    for text in (f"{FENCE}\na | b\n--- | ---\n{FENCE}", "a | b\nc | d", "# a", "| a |"):
        assert adapted(text) == text


def test_small_headings_are_bold_and_rules_are_blank_lines() -> None:
    text = "### Aides\n#### Les **APL** ##\n---\n* * *\n- un\n"
    assert adapted(text) == "### Aides\n**Les APL**\n\n\n- un\n"


@given(st.text(st.sampled_from("|-: \nab`\\"), max_size=80))
def test_no_letter_is_lost(text: str) -> None:
    shown = adapted(text)
    for letter in "ab":
        assert shown.count(letter) >= text.count(letter) - _beyond(text).count(letter)


def _beyond(text: str) -> str:
    """Cells that a row has beyond its heads may be left out, as Markdown has it."""
    return text if text.count("|") > 2 else ""
