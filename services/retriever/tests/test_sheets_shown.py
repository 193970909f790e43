"""Cells as a reader of French, or of English, expects to see them."""

import datetime as dt
import io
import zipfile

import pytest
import xlsxwriter

from palabre.retriever.documents import read
from palabre.retriever.documents.sheets.shown import Value, shown, written

SPACE = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("value", "code", "french", "english"),
    [
        (1234.56, '#,##0.00\\ "€"', f"1{SPACE}234,56{SPACE}€", f"1,234.56{SPACE}€"),
        (1234.5, "[$£-809]#,##0.00", f"1{SPACE}234,50{SPACE}£", "£1,234.50"),
        (1234.56, "", "1234,56", "1234.56"),
        (2024.0, "", "2024", "2024"),
        (0.1 + 0.2, "", "0,3", "0.3"),
        (0.055, "0.0%", f"5,5{SPACE}%", "5.5%"),
        (2.5, "0", "3", "3"),
        (-12.0, "0;[Red]-0", "-12", "-12"),
        (0.5, "# ?/?", "0,5", "0.5"),
        (12.0, 'General" km"', f"12{SPACE}km", f"12{SPACE}km"),
        (102030405.0, '0#" "##" "##" "##" "##', "01 02 03 04 05", "01 02 03 04 05"),
        (1000.0, "00000", "01000", "01000"),
        (1e22, "", "1" + "0" * 22, "1" + "0" * 22),
        (float("nan"), "0.00", "", ""),
        (True, "", "oui", "yes"),
        (dt.date(2026, 11, 3), "", "03/11/2026", "2026-11-03"),
        (dt.datetime(2026, 11, 3, 9, 5, tzinfo=dt.UTC), "", "03/11/2026 9h05", "2026-11-03 9:05"),
        (dt.datetime(2026, 11, 3, tzinfo=dt.UTC), "", "03/11/2026", "2026-11-03"),
        (dt.time(14, 0), "", "14h", "14:00"),
        (dt.timedelta(hours=30, minutes=15), "", "30h15", "30:15"),
        ("  texte ", "", "texte", "texte"),
    ],
)
def test_a_value_is_shown_as_its_readers_write_it(
    value: Value, code: str, french: str, english: str
) -> None:
    assert shown(value, code, "fr")[0] == french
    assert shown(value, code, "en")[0] == english


@pytest.mark.parametrize(
    ("cell", "french", "english"),
    [
        ("2026-11-03", "03/11/2026", "2026-11-03"),
        ("2026-11-03 00:00:00", "03/11/2026", "2026-11-03 00:00:00"),
        ("2026-11-03T08:15", "03/11/2026 8h15", "2026-11-03T08:15"),
        ("TRUE", "oui", "yes"),
        ("12.5", "12.5", "12.5"),
    ],
)
def test_an_export_is_spelled_for_people(cell: str, french: str, english: str) -> None:
    assert written(cell, "fr") == french
    assert written(cell, "en") == english


def test_number_formats_are_kept_though_a_program_says_that_numbers_are_numbers() -> None:
    """As LibreOffice does."""
    buffer, again = io.BytesIO(), io.BytesIO()
    file = xlsxwriter.Workbook(buffer)
    sheet = file.add_worksheet("Tarifs")
    sheet.write_row(0, 0, ["Parcelle", "Prix"])
    sheet.write_row(1, 0, ["Petite", 20.5], file.add_format({"num_format": '#,##0.00" €"'}))
    sheet.write_row(2, 0, ["Grande", 60], file.add_format({"num_format": '#,##0.00" €"'}))
    sheet.set_column("D:D", 10, None, {"hidden": True})
    sheet.write(1, 3, "secret")
    file.close()
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(again, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data.replace(b'<c r="B2" s="1">', b'<c r="B2" s="1" t="n">'))
    document = read("a.xlsx", again.getvalue(), front_matter="language: fr")
    said = "\n".join(block.text for section in document.sections for block in section.blocks)
    assert f"20,50{SPACE}€" in said
    assert f"60,00{SPACE}€" in said
    assert "secret" not in said
    hidden = 'sheet "Tarifs": 1 hidden column left out (`hidden: true` reads them)'
    assert hidden in document.remarks
