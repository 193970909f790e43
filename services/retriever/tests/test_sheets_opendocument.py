"""Workbooks of LibreOffice: what they show is read, and what they hide is not."""

import io
import zipfile

import pytest

from palabre.retriever.documents.front import Front
from palabre.retriever.documents.sheets import read_workbook
from palabre.retriever.documents.structure import Document, Source
from palabre.retriever.errors import InvalidDocument

NBSP = "\N{NO-BREAK SPACE}"
VISIBLE = '<table:table-column table:number-columns-repeated="9"/>'
HIDDEN_STYLE = (
    '<style:style style:name="ta2" style:family="table">'
    '<style:table-properties table:display="false"/></style:style>'
)
SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "style", "table", "text", "manifest", "calcext")
)


def opendocument(*tables: str, manifest: str = "", head: str = "") -> bytes:
    body = f"<office:body><office:spreadsheet>{''.join(tables)}</office:spreadsheet></office:body>"
    styles = f"<office:automatic-styles>{HIDDEN_STYLE}</office:automatic-styles>"
    content = f"{head}<office:document-content {SPACES}>{styles}{body}</office:document-content>"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        said = f"<manifest:manifest {SPACES}>{manifest}</manifest:manifest>"
        file.writestr("META-INF/manifest.xml", said)
        file.writestr("content.xml", content)
    return out.getvalue()


def table(*rows: str, columns: str = "", name: str = "Salles", style: str = "ta1") -> str:
    said = f'table:name="{name}" table:style-name="{style}"'
    return f"<table:table {said}>{columns}{''.join(rows)}</table:table>"


def row(*cells: str, said: str = "") -> str:
    return f"<table:table-row {said}>{''.join(cells)}</table:table-row>"


def words(text: str, said: str = "", *, element: str = "table-cell") -> str:
    inner = f"<text:p>{text}</text:p>"
    return f'<table:{element} office:value-type="string" {said}>{inner}</table:{element}>'


def value(kind: str, said: str, shown: str) -> str:
    value_type = f'office:value-type="{kind}" {said}'
    return f"<table:table-cell {value_type}>{shown}</table:table-cell>"


def price(amount: float, shown: str, said: str = "") -> str:
    said = f'office:currency="EUR" office:value="{amount}" {said}'
    return value("currency", said, f"<text:p>{shown}</text:p>")


def document(*tables: str, language: str = "fr", hidden: bool = False) -> Document:
    front = Front(language=language, sheets={"*": {"mode": "rows", "hidden": hidden}})
    return read_workbook(Source("salles.ods", opendocument(*tables), front=front))


def said(found: Document) -> str:
    return "\n".join(block.text for section in found.sections for block in section.blocks)


def test_an_opendocument_sheet_is_read() -> None:
    """Some programs write values only, and not how they look."""
    day = value("date", 'office:date-value="2026-11-03"', "")
    rows = [row(words("Salle"), words("Depuis"))]
    rows += [row(words(name), day) for name in ("Préau", "Foyer")]
    found = read_workbook(Source("salles.ods", opendocument(table(*rows))))
    assert found.sections[1].blocks[0].text == f"Salle{NBSP}: Foyer\nDepuis{NBSP}: 03/11/2026"


def test_values_are_said_as_the_sheet_shows_them() -> None:
    head = row(*map(words, ("Salle", "Prix", "Remise", "Depuis", "Durée", "Tél", "Ouvert")))
    shown = row(
        words("Préau"),
        price(1020.5, "1\u202f020,50 €"),
        value("percentage", 'office:value="0.055"', "<text:p>5,5 %</text:p>"),
        value("date", 'office:date-value="2026-11-03"', "<text:p>mardi 3 novembre</text:p>"),
        value("time", 'office:time-value="PT30H15M00S"', "<text:p>30:15</text:p>"),
        value("float", 'office:value="102030405"', "<text:p>01 02 <text:s/>03 04 05</text:p>"),
        value("boolean", 'office:boolean-value="true"', "<text:p>VRAI</text:p>"),
    )
    assert said(document(table(head, shown))).split("\n") == [
        f"Salle{NBSP}: Préau",
        f"Prix{NBSP}: 1{NBSP}020,50 €",
        f"Remise{NBSP}: 5,5 %",
        f"Depuis{NBSP}: mardi 3 novembre",
        f"Durée{NBSP}: 30:15",
        f"Tél{NBSP}: 01 02  03 04 05",
        f"Ouvert{NBSP}: oui",
    ]


def test_repeated_cells_and_rows_show_the_same() -> None:
    head = row(words("Salle"), words("Matin"), words("Soir"), words("Nuit"))
    cells = (
        words("Préau"),
        price(20.5, "20,50 €", 'table:number-columns-repeated="2"'),
        price(31, "31 €"),
    )
    rows = read_rows(table(head, row(*cells, said='table:number-rows-repeated="2"')))
    assert rows == [["Préau", "20,50 €", "20,50 €", "31 €"]] * 2


def read_rows(*tables: str) -> list[list[str]]:
    """The values of each record."""
    blocks = [block for section in document(*tables).sections for block in section.blocks]
    return [[line.split(": ", 1)[1] for line in block.text.split("\n")] for block in blocks]


def test_comments_are_no_part_of_a_value() -> None:
    comment = "<office:annotation><text:p>ne pas publier</text:p></office:annotation>"
    cell = value("float", 'office:value="3"', f"{comment}<text:p>3,00</text:p>")
    found = said(document(table(row(words("Salle"), words("Prix")), row(words("Préau"), cell))))
    assert found == f"Salle{NBSP}: Préau\nPrix{NBSP}: 3,00"


@pytest.mark.parametrize("visibility", ["collapse", "filter"])
def test_hidden_columns_and_rows_stay_out_and_are_told(visibility: str) -> None:
    hidden = f'table:visibility="{visibility}"'
    columns = (
        "<table:table-column/>"
        f'<table:table-column {hidden} table:number-columns-repeated="2"/>'
        '<table:table-column table:number-columns-repeated="16381"/>'
    )
    rows = (
        row('<table:table-cell table:number-columns-repeated="4"/>'),
        row(words("Salle"), words("Code"), words("Clé"), words("Étage")),
        row(words("Préau"), words("secret A"), words("secret B"), words("rez")),
        row(
            words("secret C"),
            words("secret D", 'table:number-columns-repeated="3"'),
            said=f'{hidden} table:number-rows-repeated="2"',
        ),
        row(words("Foyer"), words("secret A"), words("secret B"), words("premier")),
        # Whoever hides all that is below the table does not hide a million rows of it.
        row("<table:table-cell/>", said=f'{hidden} table:number-rows-repeated="1048570"'),
    )
    sheet = table(*rows, columns=columns)
    found = document(sheet)
    assert "secret" not in str(found)
    assert [section.headings for section in found.sections] == [("Préau",), ("Foyer",)]
    assert "premier" in said(found)
    told = 'sheet "Salles": 2 hidden rows and 2 hidden columns left out (`hidden: true` reads them)'
    assert told in found.remarks
    assert said(document(sheet, hidden=True)).count("secret") == 2 * 4 + 2 * 2


def test_what_a_closed_group_holds_is_hidden_also_in_groups_within() -> None:
    columns = (
        "<table:table-column/>"
        '<table:table-column-group table:display="false"><table:table-column-group>'
        "<table:table-column/></table:table-column-group></table:table-column-group>"
        '<table:table-column-group table:display="true">'
        "<table:table-column/></table:table-column-group>"
    )
    group = (
        '<table:table-row-group table:display="false"><table:table-row-group>'
        f"{row(words('secret 1'))}</table:table-row-group>{row(words('secret 2'))}"
        "</table:table-row-group>"
    )
    header = row(words("Salle"), words("secret"), words("Étage"))
    rows = [row(words(name), words("secret"), words("rez")) for name in ("Préau", "Foyer")]
    wrapped = f"<table:table-header-rows>{header}</table:table-header-rows>"
    found = document(table(wrapped, rows[0], group, rows[1], columns=columns))
    assert "secret" not in str(found)
    assert said(found).count("rez") == 2
    assert "2 hidden rows and 1 hidden column" in str(found.remarks)


def test_hidden_sheets_stay_out() -> None:
    shown = table(row(words("Salle"), words("Étage")), row(words("Préau"), words("rez")))
    hidden = table(row(words("secret")), name="Brouillon", style="ta2")
    found = document(shown, hidden)
    assert "secret" not in str(found)
    assert 'sheet "Brouillon": left out, for it is hidden' in found.remarks


def test_merged_cells_are_filled_and_what_lies_below_them_is_not_seen() -> None:
    spans = 'table:number-columns-spanned="2" table:number-rows-spanned="2"'
    covered = words("secret", element="covered-table-cell")
    nothing = f"<table:table-cell {spans.replace('2', '1', 1)}/>"
    rows = (
        row(words("Salle"), words("Matin"), words("Soir"), words("Nuit")),
        row(words("Préau"), price(20.5, "20,50 €", spans), covered, nothing),
        row(
            words("Foyer"), '<table:covered-table-cell table:number-columns-repeated="2"/>', covered
        ),
    )
    assert read_rows(table(*rows)) == [["Préau", "20,50 €"], ["Foyer", "20,50 €"]]
    assert "secret" not in str(document(table(*rows)))


def test_a_format_that_shows_nothing_hides_the_value() -> None:
    cell = value("float", 'office:value="4321"', "<text:p/>")
    assert read_rows(
        table(row(words("Salle"), words("Code")), row(words("Préau"), cell), row(words("A"), cell))
    ) == [["Préau"], ["A"]]


def test_formulas_without_a_value_and_errors_are_counted() -> None:
    formula = '<table:table-cell table:formula="of:=1+1"/>'
    error = 'table:formula="of:=1/0" office:value="0" calcext:value-type="error"'
    rows = (
        row(words("Salle"), words("Prix"), words("Place")),
        row(words("Préau"), formula, value("float", error, "<text:p>Err:503</text:p>")),
        row(words("Foyer"), price(3, "3 €"), words("A1")),
    )
    found = document(table(*rows))
    assert "Err:503" not in said(found)
    assert 'sheet "Salles": 1 cell with an error such as #N/A, left empty' in found.remarks
    assert "1 formula without a value, left empty" in str(found.remarks)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (
            opendocument(table(row(words("a", 'table:number-columns-repeated="2000000000"')))),
            'sheet "Salles" has 1 rows and 2000000000 columns, above the limit',
        ),
        (
            opendocument(table(row(words("a"), said='table:number-rows-repeated="2000000000"'))),
            'sheet "Salles" has 2000000000 rows and 1 columns, above the limit',
        ),
        (
            opendocument(head='<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'),
            "declares entities in its XML",
        ),
        (
            opendocument(table(row(words("a"), said='table:number-rows-repeated="-1"'))),
            "is damaged (content.xml)",
        ),
        (
            opendocument(
                manifest="<manifest:file-entry><manifest:encryption-data/></manifest:file-entry>"
            ),
            "is encrypted",
        ),
    ],
)
def test_a_hostile_or_unreadable_workbook_is_refused_by_name(data: bytes, told: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        read_workbook(Source("salles.ods", data))
    assert str(refused.value).startswith("salles.ods: ")
    assert told in str(refused.value)
