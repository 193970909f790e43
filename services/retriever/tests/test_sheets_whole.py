"""Whatever a sheet looks like, nothing in it is lost and nothing breaks."""

from hypothesis import example, given, settings, strategies as st

from palabre.retriever.documents.sheets import read_delimited, read_workbook
from palabre.retriever.documents.structure import Document, Source

from . import sheet_set

CELLS = st.sampled_from(
    """||Nom|Téléphone|Prix|Lundi|X|oui|T2|A-100|Agence du Centre|01 02 03 04 05|a@exemple.fr|9h-12h
    |2024|2025|12,50|3,50 €|15 %|03/11/2026|* sur rendez-vous|PISCINE
    |Une phrase assez longue pour en être une.""".replace("\n    ", "").split("|")
)
ROWS = st.lists(st.lists(CELLS, min_size=1, max_size=5), min_size=1, max_size=9)
LAST = [f"fin {column}" for column in range(6)]


def ended(rows: list[list[str]]) -> list[list[str]]:
    """Each table ends with a whole row: a column with a name and no value at all is left out.

    No two such rows are alike: what comes again and again makes headings, without its name.
    """
    lines = [*rows, [""]]
    last = ([f"{cell}, {place}" for cell in LAST] for place in range(len(lines)))
    return [line for row in lines for line in ([row] if any(row) else [next(last), row])]


def said(document: Document) -> str:
    return "\n".join(
        "\n".join([*section.headings, *(block.text for block in section.blocks)])
        for section in document.sections
    )


@settings(max_examples=300, deadline=None)
@given(ROWS)
@example([["", "12,50"], ["", "", "12,50"], ["12,50"]])
def test_every_cell_of_a_csv_is_said(rows: list[list[str]]) -> None:
    whole = [*(["début", *row] for row in rows), LAST]
    text = said(read_delimited(Source("a.csv", sheet_set.as_csv(whole, ";"))))
    for cell in {cell for row in whole for cell in row if cell}:
        assert cell in text


@settings(max_examples=60, deadline=None)
@given(ROWS)
@example([["Lundi", "Nom"], ["", "Nom"], [""]])
def test_every_word_of_a_workbook_is_said(rows: list[list[str]]) -> None:
    text = said(read_workbook(Source("a.xlsx", sheet_set.workbook({"Feuil1": ended(rows)}))))
    words = {"Nom", "Téléphone", "Prix", "Lundi", "Agence du Centre", "PISCINE", "01 02 03 04 05"}
    for cell in {cell for row in rows for cell in row} & words:
        assert cell in text
