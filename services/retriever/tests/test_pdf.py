"""PDFs: lines, paragraphs, headings and tables found again from drawn letters."""

import io
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from pypdfium2.internal import ObjectTracker
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from palabre.retriever.documents import Document, read
from palabre.retriever.documents.formats import render
from palabre.retriever.errors import InvalidDocument


def told(document: Document) -> list[tuple[int, tuple[str, ...], list[str]]]:
    return [(s.page, s.headings, [b.text for b in s.blocks]) for s in document.sections]


Drawing = tuple[float, float, float, str]


def drawn(*pages: Sequence[Drawing]) -> bytes:
    """A PDF of (left, top, size, words)."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(600, 800))
    for page in pages:
        for left, top, size, said in page:
            canvas.setFont("Helvetica", size)
            canvas.drawString(left, 800 - top, said)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def column(left: float, lines: list[str], top: float = 100) -> list[Drawing]:
    return [(left, top + 12 * number, 10, line) for number, line in enumerate(lines)]


def test_words_that_a_line_end_has_broken_are_whole_again() -> None:
    lines = [
        "Le règlement prévoit que le loca-",
        "taire doit, peut-",
        "être, payer en 2026-",
        "2027 la taxe de l'arc-en-",
        "ciel, car l'arc-en-ciel est rare.",
    ]
    [(_, _, [said])] = told(read("a.pdf", drawn(column(50, lines))))
    assert said == (
        "Le règlement prévoit que le locataire doit, peut-être, payer en 2026-2027 la taxe de"
        " l'arc-en-ciel, car l'arc-en-ciel est rare."
    )


def test_columns_that_are_written_row_by_row_are_read_one_after_the_other() -> None:
    left = [f"Gauche ligne {n} qui dit quelque chose" for n in range(8)]
    right = [f"Droite ligne {n} qui dit autre chose" for n in range(8)]
    rows = [
        each for pair in zip(column(50, left), column(320, right), strict=True) for each in pair
    ]
    document = read("a.pdf", drawn([(50, 60, 18, "Un titre large sur les deux colonnes"), *rows]))
    flat = " ".join(told(document)[0][2])
    assert document.title == "Un titre large sur les deux colonnes"
    assert flat.index("Gauche ligne 7") < flat.index("Droite ligne 0")


def test_rows_of_a_table_without_rules_stay_together() -> None:
    rows = [("Zone", "Loyer", "Charges"), ("A", "510 €", "45 €"), ("B", "480 €", "40 €")]
    cells = [
        (50 + 150 * x, 140 + 20 * y, 10, said)
        for y, row in enumerate(rows)
        for x, said in enumerate(row)
    ]
    document = read(
        "a.pdf", drawn([(50, 100, 10, "Les loyers par zone sont les suivants."), *cells])
    )
    [(_, _, [_, table])] = told(document)
    assert table.split("\n") == [
        "| Zone | Loyer | Charges |",
        "| --- | --- | --- |",
        "| A | 510 € | 45 € |",
        "| B | 480 € | 40 € |",
    ]


def test_heads_and_feet_of_pages_are_dropped_and_their_text_goes_on() -> None:
    pages: list[list[Drawing]] = [
        [
            (50, 30, 8, "Office du logement"),
            (290, 780, 8, f"{number} / 4"),
            (50, 100, 10, f"page {number} commence ici sans majuscule et continue"),
        ]
        for number in range(1, 5)
    ]
    document = read("a.pdf", drawn(*pages))
    assert told(document) == [
        (
            1,
            (),
            [" ".join(f"page {n} commence ici sans majuscule et continue" for n in range(1, 5))],
        )
    ]


def test_titles_that_programs_make_up_are_not_believed() -> None:
    out = io.BytesIO()
    canvas = Canvas(out)
    canvas.setTitle("Microsoft Word - brouillon v3.docx")
    canvas.drawString(50, 700, "Du texte, et rien que du texte.")
    canvas.save()
    assert read("notice.pdf", out.getvalue()).title == ""


@pytest.mark.parametrize("said", ["Guide\nde  l'usager", "Guide de l'usager"])
def test_titles_that_authors_give_are(said: str) -> None:
    out = io.BytesIO()
    canvas = Canvas(out)
    canvas.setTitle(said)
    canvas.drawString(50, 700, "Du texte, et rien que du texte.")
    canvas.save()
    assert read("notice.pdf", out.getvalue()).title == "Guide de l'usager"


def test_the_chapter_beside_the_number_of_a_page_is_dropped_with_it() -> None:
    pages: list[list[Drawing]] = [
        [(50, 30, 9, f"Chapitre {name}"), (540, 30, 9, str(n)), (50, 200, 10, f"Texte {name}.")]
        for n, name in enumerate(("un", "deux", "trois", "quatre"), 1)
    ]
    document = read("a.pdf", drawn(*pages))
    assert [texts for _, _, texts in told(document)] == [
        [f"Texte {name}."] for name in ("un", "deux", "trois", "quatre")
    ]


def test_dots_between_a_heading_and_its_page_are_few() -> None:
    [(_, _, [said])] = told(read("a.pdf", drawn([(50, 100, 10, "Le bail" + " ." * 60 + " 12")])))
    assert said == "Le bail … 12"


def test_raised_letters_do_not_break_a_line() -> None:
    drawing: list[Drawing] = []
    for top, pieces in (
        (100, ("Le locataire paie", "1", " la caution, puis")),
        (112, ("la loi n", "o", " 89")),
    ):
        left = 50.0
        for raised, said in enumerate(pieces):
            size = 6 if raised == 1 else 10
            drawing.append((left, top - 3 * (raised == 1), size, said))
            left += stringWidth(said, "Helvetica", size)
    [(_, _, [said])] = told(read("a.pdf", drawn(drawing)))
    assert said == "Le locataire paie1 la caution, puis la loi no 89"


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("Le locataire est tenu de payer les charges et le loyer.", ""),
        ("The tenant is bound to pay the rent and the charges.", "en-US"),
    ],
)
def test_english_that_programs_say_of_french_is_not_believed(said: str, language: str) -> None:
    out = io.BytesIO()
    canvas = Canvas(out, lang="en-US")
    canvas.drawString(50, 700, said)
    canvas.save()
    assert read("a.pdf", out.getvalue()).language == language


@pytest.mark.parametrize(
    ("drawn_so", "said"),
    [
        (
            "D´ej`a, le fran¸cais na¨ıf a ´et´e `a la fˆete.",
            "Déjà, le français naïf a été à la fête.",
        ),
        ("La commande `a` reste ce qu'elle est.", "La commande `a` reste ce qu'elle est."),
    ],
)
def test_accents_that_tex_sets_beside_their_letters_are_put_on_them(
    drawn_so: str, said: str
) -> None:
    drawn_so = drawn_so.replace("ı", "i")  # the font has none
    assert told(read("a.pdf", drawn([(50, 100, 10, drawn_so)]))) == [(1, (), [said])]


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_pages_that_lie_on_their_side_are_read_as_they_are_seen(turned: int) -> None:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(600, 800))
    canvas.setPageRotation(turned)
    canvas.translate(*{90: (600, 0), 180: (600, 800), 270: (0, 800)}[turned])
    canvas.rotate(turned)
    for left, top, size, said in [(50.0, 60.0, 20.0, "Un titre"), *column(50, LINES, 120)]:
        canvas.setFont("Helvetica", size)
        canvas.drawString(left, (600 if turned != 180 else 800) - top, said)
    canvas.save()
    assert told(read("a.pdf", out.getvalue())) == [(1, (), [" ".join(LINES)])]


@pytest.mark.parametrize("drawn", [0, 90, 180, 270])
@pytest.mark.parametrize("said", [0, 90, 180, 270])
def test_letters_say_better_than_a_page_how_it_is_turned(drawn: int, said: int) -> None:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(600, 600))
    canvas.setPageRotation(said)
    canvas.translate(*{0: (0, 0), 90: (600, 0), 180: (600, 600), 270: (0, 600)}[drawn])
    canvas.rotate(drawn)
    for left, top, _, line in column(50, LINES, 120):
        canvas.drawString(left, 600 - top, line)
    canvas.save()
    assert told(read("a.pdf", out.getvalue())) == [(1, (), [" ".join(LINES)])]


LINES = ["Le locataire paie le loyer", "le cinq du mois, et les charges", "avec lui."]


def test_short_paragraphs_of_pdf_stay_apart_though_no_line_was_broken() -> None:
    file = drawn([(50.0, 60 + 24 * at, 10.0, said) for at, said in enumerate(SHORT)])
    assert told(read("a.pdf", file)) == [(1, (), SHORT)]


def test_where_lines_were_broken_their_gap_is_usual_however_many_paragraphs_are_short() -> None:
    broken = ["Le locataire paie le loyer", "le cinq du mois."]
    lines = [(50.0, 60 + 24 * at, 10.0, said) for at, said in enumerate(SHORT)]
    lines += [(50.0, 150 + 12 * at, 10.0, said) for at, said in enumerate(broken)]
    assert told(read("a.pdf", drawn(lines))) == [(1, (), [*SHORT, " ".join(broken)])]


SHORT = ["Je suis locataire", "Fait à Grenoble", "Signature"]


def test_bullets_that_are_drawn_make_a_list() -> None:
    """As browsers do."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(600, 800))
    canvas.setFont("Helvetica", 10)
    items = ["les épluchures de légumes", "le marc de café, et les sachets de", "thé sans agrafe"]
    for at, said in enumerate(items):
        canvas.drawString(70, 700 - 12 * at, said)
    for top in (703, 691):
        canvas.circle(60, top, 1.5, stroke=0, fill=1)
    canvas.save()
    said = "- les épluchures de légumes\n- le marc de café, et les sachets de thé sans agrafe"
    assert told(read("a.pdf", out.getvalue())) == [(1, (), [said])]


def test_a_page_with_nothing_but_its_head_and_a_rule_is_no_scan() -> None:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(600, 800))
    for said in ("Trois ans.", "Six ans.", "", "Neuf ans."):
        canvas.drawString(50, 780, "Le bail")
        canvas.line(50, 770, 550, 770)
        canvas.drawString(50, 400, said)
        canvas.showPage()
    canvas.save()
    document = read("a.pdf", out.getvalue())
    assert [page for page, _, _ in told(document)] == [1, 2, 4]
    assert document.unread == ()


IN_FOUR_THREADS = """
import sys, threading
from pathlib import Path
from palabre.retriever.documents import read

data = Path(sys.argv[1]).read_bytes()

def work():
    for _ in range(100):
        read("a.pdf", data)

sys.setswitchinterval(1e-5)
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_threads_read_pdfs_one_after_the_other(tmp_path: Path) -> None:
    """In a process of their own: PDFium in two threads breaks the heap, and what follows."""
    (tmp_path / "a.pdf").write_bytes(drawn(*[column(50, ["Trois ans.", "Six ans."])] * 6))
    subprocess.run([sys.executable, "-c", IN_FOUR_THREADS, tmp_path / "a.pdf"], check=True)


def test_nothing_of_pdfium_outlives_a_document_also_when_it_is_refused() -> None:
    data = drawn(column(50, ["Trois ans."]))
    with pytest.raises(InvalidDocument, match="has no page 2") as refused:
        render("a.pdf", data, 2)
    # Which holds the frames that the document was in.
    assert refused.tb
    assert not any(ObjectTracker.values())
