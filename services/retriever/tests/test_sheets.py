"""Spreadsheets: each sheet is read as a person would, and its owner has the last word."""

import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from palabre.retriever.documents.front import Front
from palabre.retriever.documents.sheets import delimited, read_delimited, read_workbook, workbook
from palabre.retriever.documents.sheets.grid import MAX_CELLS, Table
from palabre.retriever.documents.sheets.options import Options
from palabre.retriever.documents.sheets.reading import reading
from palabre.retriever.documents.structure import Document, Source
from palabre.retriever.errors import InvalidDocument

from . import sheet_set
from .sheet_set import Expected, Sheet

SHEETS = Path(__file__).with_name("sheets")
SETS = {path.stem: sheet_set.sheets(path) for path in sorted(SHEETS.glob("*.txt"))}
SEEN = SETS["seen"]
NBSP = "\N{NO-BREAK SPACE}"
RATES = [
    ["Tarifs 2026", "<", "<"],
    [""],
    ["Commune", "Prestation", "Prix"],
    ["Les Ormes", "Cantine", "3,50 €"],
    ["Les Ormes", "Garderie", "2,00 €"],
    ["Villeneuve", "Cantine", "4,10 €"],
    ["Villeneuve", "Garderie", "2,40 €"],
]


def proposed(sheet: Sheet) -> list[Expected]:
    name, data = sheet.file()
    source = Source(name, data)
    if sheet.delimiter:
        grid = delimited.read_grid(source, sheet.name, "fr")
    else:
        grid = workbook.Book(source).grids((), (), "fr")[0]
    return [
        Expected(
            how.mode,
            "-".join(map(str, dict.fromkeys(part.header[:1] + part.header[-1:]))) or "0",
            part.columns[how.by] if how.by is not None else "",
        )
        for part, how in reading(grid, Options())
        if isinstance(part, Table)
    ] or [Expected("text" if grid.rows else "skip", "0")]


def book(sheets: dict[str, list[list[str]]], **said: Any) -> Document:
    source = Source("tarifs.xlsx", sheet_set.workbook(sheets), front=Front(sheets=said))
    return read_workbook(source)


def texts(document: Document) -> list[tuple[tuple[str, ...], list[str]]]:
    return [(s.headings, [block.text for block in s.blocks]) for s in document.sections]


@pytest.mark.parametrize("name", SETS)
def test_mode_and_header_are_proposed_as_a_person_would(name: str) -> None:
    sheets = SETS[name]
    wrong = [sheet.name for sheet in sheets if proposed(sheet) != list(sheet.expected)]
    assert len(sheets) == (40 if name == "seen" else 20)
    assert len(wrong) <= 0.05 * len(sheets), wrong


def test_a_name_written_once_for_several_rows_is_meant_for_all() -> None:
    name, data = next(s for s in SETS["unseen4"] if s.name.startswith("108")).file()
    document = read_workbook(Source(name, data))
    assert [s.headings for s in document.sections] == [
        ("Maison de quartier",),
        ("Mairie annexe",),
        ("Médiathèque",),
    ]
    assert document.sections[1].blocks[0].text.endswith("| jeudi | 14h-18h | Sophie |")


def test_a_price_list_is_a_table_below_its_title_with_its_note() -> None:
    document = book({"Cantine": next(s for s in SEEN if s.name.startswith("04")).rows()})
    [(headings, blocks)] = texts(document)
    assert headings == ("Tarifs de la restauration scolaire au 1er septembre 2026",)
    assert blocks[0].split("\n")[:3] == [
        "| Quotient familial | Maternelle | Élémentaire | Adulte |",
        "| --- | --- | --- | --- |",
        f"| moins de 400 € | 1,00{NBSP}€ | 1,00{NBSP}€ | 5,50{NBSP}€ |",
    ]
    assert blocks[1] == "* Repas non décommandé 48 heures à l'avance : facturé."


def test_rows_are_records_headed_by_what_tells_them_apart() -> None:
    name, data = next(s for s in SEEN if s.name.startswith("07")).file()
    document = read_workbook(Source(name, data))
    assert len(document.sections) == 7
    first = document.sections[0]
    assert first.headings == ("Loyer", "Quand le loyer est-il révisé ?")
    assert first.blocks[0].text.split("\n")[:2] == [
        f"Thème{NBSP}: Loyer",
        f"Question{NBSP}: Quand le loyer est-il révisé ?",
    ]


def test_a_row_that_a_code_tells_apart_is_headed_by_it() -> None:
    rents = next(s for s in SEEN if s.name.startswith("09")).rows()
    document = book({"Loyers": rents}, Loyers={"mode": "rows"})
    assert document.sections[0].headings[-2:] == ("Les Acacias", "A01")
    stock = read_workbook(Source(*next(s for s in SEEN if s.name.startswith("08")).file()))
    assert stock.sections[0].headings == ("MAT-001", "Chaise empilable n° 1")


def test_a_very_long_record_is_cut_between_its_values() -> None:
    answer = "Une phrase de la réponse. " * 100
    [section] = book(
        {"FAQ": [["Question", "Réponse", "Contact"], ["Quand ?", answer, "la loge"]]}
    ).sections
    assert [(block.kind, block.text[:9]) for block in section.blocks] == [
        ("paragraph", f"Question{NBSP}"),
        ("paragraph", f"Réponse{NBSP}:"),
        ("paragraph", f"Contact{NBSP}:"),
    ]


def test_groups_are_small_tables_without_the_column_that_groups_them() -> None:
    document = book({"Tarifs": RATES})
    assert texts(document)[1] == (
        ("Tarifs 2026", "Villeneuve"),
        [
            f"| Prestation | Prix |\n| --- | --- |\n| Cantine | 4,10{NBSP}€ |"
            f"\n| Garderie | 2,40{NBSP}€ |"
        ],
    )
    assert document.remarks == (
        'sheet "Tarifs": grouped by Commune, header in row 3',
        "to read a sheet otherwise, write `sheets:` in tarifs.xlsx.yaml",
    )


def test_joined_headers_and_merged_cells_name_every_column() -> None:
    document = book({"Suivi": next(s for s in SEEN if s.name.startswith("15")).rows()})
    head = document.sections[0].blocks[0].text.split("\n")[0]
    assert head.startswith("| Statut | 1er trimestre – Janvier | 1er trimestre – Février |")
    assert "2e trimestre – Juin" in head


def test_bands_are_headings_of_the_rows_below_them() -> None:
    document = book({"Sport": next(s for s in SEEN if s.name.startswith("29")).rows()})
    assert [s.headings for s in document.sections] == [("PISCINE",), ("PATINOIRE",)]


def test_sheets_of_one_workbook_are_told_apart_by_name() -> None:
    document = book({"Tarifs": RATES, "Feuil2": RATES[2:]})
    assert {s.headings[0] for s in document.sections} == {"Tarifs", "Les Ormes", "Villeneuve"}


def test_the_owner_of_a_sheet_has_the_last_word() -> None:
    rows = book({"Tarifs": RATES}, Tarifs={"mode": "rows", "columns": ["prix", "Prestation"]})
    assert texts(rows)[0][1] == [f"Prestation{NBSP}: Cantine\nPrix{NBSP}: 3,50{NBSP}€"]
    assert rows.remarks[0] == 'sheet "Tarifs": rows, header in row 3'
    by = book({"Tarifs": RATES}, Tarifs={"by": "prestation", "header": 3})
    assert [s.headings for s in by.sections] == [
        ("Tarifs 2026", "Cantine"),
        ("Tarifs 2026", "Garderie"),
    ]
    plain = book({"Tarifs": RATES}, **{"*": {"mode": "table", "header": 0}})
    assert plain.remarks[0] == 'sheet "Tarifs": table, without a header'
    skipped = book({"Tarifs": RATES, "Autres": RATES}, Tarifs={"skip": True})
    assert skipped.remarks[0] == 'sheet "Tarifs": left out'
    assert {s.headings[0] for s in skipped.sections} == {"Autres"}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"Tarif": "rows"}, 'has no sheet "Tarif": its sheets are "Tarifs"'),
        ({"Tarifs": {"by": "Ville"}}, 'has no column "Ville": its columns are "Commune", '),
        ({"Tarifs": {"columns": ["Prix", "TVA"]}}, 'has no column "TVA": its columns are'),
        ({"Tarifs": {"mode": "pivot"}}, "has the mode 'pivot': use rows, table, grouped, text"),
        ({"Tarifs": {"headers": 3}}, "has the key 'headers': use mode, by, header, columns"),
        ({"Tarifs": {"header": "three"}}, "has the header 'three': write a row's number, or 0"),
        ({"Tarifs": {"header": [1, 3]}}, "name rows that follow each other"),
        ({"Tarifs": {"header": 7}}, "has no rows below row 7: give a header above row 7"),
        ({"Tarifs": {"columns": "Prix"}}, "has `columns` that are no list"),
        ({"Tarifs": {"skip": "yes"}}, "has `skip: yes`: write true or false"),
        ({"Tarifs": 3}, "is no mapping"),
    ],
)
def test_a_wrong_word_about_a_sheet_is_refused_with_the_right_ones(
    said: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidDocument) as refused:
        book({"Tarifs": RATES}, **said)
    assert str(refused.value).startswith("tarifs.xlsx: ")
    assert reason in str(refused.value)


def with_secrets() -> bytes:
    buffer = io.BytesIO()
    file = xlsxwriter.Workbook(buffer)
    page = file.add_worksheet("Équipe")
    percent = file.add_format({"num_format": "0 %"})
    day = file.add_format({"num_format": "dd/mm/yyyy"})
    page.write_row(0, 0, ["Nom", "Part", "Personnel", "Depuis", "Astreinte", "Somme"])
    for row, name in enumerate(["Anne", "Boris", "Chloé", "Denis"], 1):
        page.write(row, 0, name)
        page.write(row, 1, row / 10, percent)
        page.write(row, 2, "06 00 00 00 00")
        page.write_datetime(row, 3, dt.datetime(2020, row, 1), day)  # noqa: DTZ001
        page.write_boolean(row, 4, row % 2 == 0)
        page.write_formula(row, 5, "=1+1", None, {1: 2, 2: ""}.get(row, "#N/A"))
    page.set_column(2, 2, None, None, {"hidden": True})
    page.set_row(4, None, None, {"hidden": True})
    file.add_worksheet("Brouillon").hide()
    file.close()
    return buffer.getvalue()


def team(language: str, *, hidden: bool = False) -> Document:
    front = Front(language=language, sheets={"Équipe": {"mode": "rows", "hidden": hidden}})
    return read_workbook(Source("equipe.xlsx", with_secrets(), front=front))


def test_what_is_hidden_stays_out_and_is_told() -> None:
    document = team("fr")
    assert [s.headings for s in document.sections] == [
        ("Équipe", name) for name in ("Anne", "Boris", "Chloé")
    ]
    assert "06 00 00 00 00" not in str(document.sections)
    said = "\n".join(document.remarks)
    assert "1 hidden row and 1 hidden column left out (`hidden: true` reads them)" in said
    assert 'sheet "Brouillon": left out, for it is hidden' in said
    assert "06 00 00 00 00" in str(team("fr", hidden=True).sections)


def test_values_are_shown_in_the_language_and_formulas_by_their_results() -> None:
    document = team("fr")
    assert document.sections[0].blocks[0].text.split("\n") == [
        f"Nom{NBSP}: Anne",
        f"Part{NBSP}: 10{NBSP}%",
        f"Depuis{NBSP}: 01/01/2020",
        f"Astreinte{NBSP}: non",
        f"Somme{NBSP}: 2",
    ]
    said = "\n".join(document.remarks)
    assert "1 formula without a value, left empty: open it in Excel and save it" in said
    assert "2 cells with an error such as #N/A, left empty" in said
    assert team("en").sections[1].blocks[0].text.split("\n")[1:4] == [
        "Part: 20%",
        "Depuis: 2020-02-01",
        "Astreinte: yes",
    ]


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "windows-1252"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_a_csv_is_read_whatever_its_charset_and_delimiter(charset: str, delimiter: str) -> None:
    rows = [["Nom", "Prix"], ["Café, thé ; été", "3,50 €"], ["Œufs\nfrais", "4,20 €"]]
    data = sheet_set.as_csv(rows, delimiter).decode().encode(charset)
    document = read_delimited(Source("carte.csv", data))
    assert texts(document)[0][1] == [
        "| Nom | Prix |\n| --- | --- |\n| Café, thé ; été | 3,50 € |\n| Œufs frais | 4,20 € |"
    ]
    assert ("windows-1252" in document.remarks[1]) == (charset == "windows-1252")


def test_the_sheet_of_a_csv_is_called_as_its_file() -> None:
    front = Front(sheets={"carte": {"mode": "rows"}})
    document = read_delimited(Source("menus/carte.csv", b"sep=;\nNom;Prix\nPain;1\n", front=front))
    assert texts(document) == [(("Pain",), [f"Nom{NBSP}: Pain\nPrix{NBSP}: 1"])]


def entity_bomb() -> bytes:
    """A workbook whose sheet declares entities that stand for gigabytes."""
    source, target = io.BytesIO(sheet_set.workbook({"A": RATES})), io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for part in old.namelist():
            xml = old.read(part)
            if part.endswith("sheet1.xml"):
                bomb = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>\n<worksheet '
                xml = xml.replace(b"<worksheet ", bomb, 1)
            new.writestr(part, xml)
    return target.getvalue()


def far_apart() -> bytes:
    """Two cells, in the first and in the last corner of a sheet: 17 billion between them."""
    buffer = io.BytesIO()
    file = xlsxwriter.Workbook(buffer)
    page = file.add_worksheet("Vaste")
    page.write(0, 0, "a")
    page.write(1_048_575, 16_383, "z")
    file.close()
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("vaste.xlsx", far_apart(), '"Vaste" has 1048576 rows and 16384 columns, above the limit'),
        ("bombe.xlsx", entity_bomb(), "declares entities in its XML"),
        ("coupe.xlsx", with_secrets()[:4_000], "damaged"),
        ("rien.xlsx", b"PK\x03\x04", "damaged"),
        ("vieux.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "is no workbook"),
        (
            "secret.xlsx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "is encrypted: ",
        ),
    ],
)
def test_a_hostile_or_broken_workbook_is_refused_by_name(name: str, data: bytes, said: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        read_workbook(Source(name, data))
    assert str(refused.value).startswith(f"{name}: ")
    assert said in str(refused.value)


def test_a_csv_of_too_many_cells_is_refused() -> None:
    wide = ";".join(["x"] * 3_000) + "\n" + "a;b\n" * (MAX_CELLS // 3_000)
    with pytest.raises(InvalidDocument, match="above the limit of 3000000 cells: split it"):
        read_delimited(Source("large.csv", wide.encode()))


def test_binary_data_is_no_csv() -> None:
    with pytest.raises(InvalidDocument, match="holds binary data, not text"):
        read_delimited(Source("a.csv", bytes(range(256)) * 40))


def test_an_empty_workbook_has_no_sections() -> None:
    document = book({"Feuil1": [[""]]})
    assert document.sections == ()
    assert document.remarks[0] == 'sheet "Feuil1": left out, for it is empty'
