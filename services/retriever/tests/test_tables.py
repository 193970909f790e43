"""Merged cells, in whatever format they come."""

from palabre.retriever.documents import read
from palabre.retriever.documents.tables import MAX_COLUMNS, Cell, grid, markdown


def test_merged_cells_are_filled_in_every_place_they_cover() -> None:
    rows = [
        [Cell("Zone", rows=2), Cell("Durée", columns=2)],
        [Cell("vide"), Cell("meublé")],
        [Cell("A"), Cell("trois mois"), Cell("un mois")],
    ]
    assert grid(rows) == [
        ["Zone", "Durée", "Durée"],
        ["Zone", "vide", "meublé"],
        ["A", "trois mois", "un mois"],
    ]


def test_a_cell_that_hangs_at_the_end_of_a_row_is_filled() -> None:
    rows = [[Cell("a"), Cell("b", rows=3)], [Cell("c")], [Cell("d")], [Cell("e")]]
    assert grid(rows) == [["a", "b"], ["c", "b"], ["d", "b"], ["e"]]


def test_a_cell_that_claims_a_billion_columns_gets_a_few() -> None:
    assert len(grid([[Cell("a", columns=10**9, rows=10**9)]])[0]) == MAX_COLUMNS


def test_bars_in_cells_do_not_make_columns() -> None:
    assert markdown([["a|b", "c"], ["d"], ["", " "]]) == "| a\\|b | c |\n| --- | --- |\n| d |  |"


def test_merged_cells_of_a_page_are_filled() -> None:
    page = b"<table><tr><th rowspan=2>Zone<th colspan=2>Prix</tr><tr><td>1<td>2</tr></table>"
    [block] = read("a.html", page).sections[0].blocks
    assert block.text == "| Zone | Prix | Prix |\n| --- | --- | --- |\n| Zone | 1 | 2 |"


def test_a_table_that_only_lays_out_a_page_is_read_block_by_block() -> None:
    page = b"<table><tr><td><p>Bonjour.</p><table><tr><td>a<td>b</table></td></tr></table>"
    blocks = read("a.html", page).sections[0].blocks
    assert [(b.text, b.kind) for b in blocks] == [("Bonjour.", "paragraph"), ("| a | b |", "table")]


def test_a_line_break_parts_words() -> None:
    assert read("a.html", b"<p>Un<br>deux <b>tr</b>ois").sections[0].blocks[0].text == (
        "Un deux trois"
    )


def test_a_small_table_in_a_cell_does_not_undo_the_one_around_it() -> None:
    inside = b"<table><tr><td>x<td>y</table>"
    page = b"<table><tr><td>a<td>b</tr><tr><td>c<td>" + inside + b"</td></tr></table>"
    [block] = read("a.html", page).sections[0].blocks
    assert block.text == "| a | b |\n| --- | --- |\n| c | x y |"


def test_a_cell_around_a_whole_mail_is_no_table() -> None:
    page = b"<table><tr><td>Bonjour,<p>Ci-joint.</p><ul><li>un</ul></td></tr></table>"
    blocks = read("a.html", page).sections[0].blocks
    assert [block.text for block in blocks] == ["Bonjour,", "Ci-joint.", "- un"]
