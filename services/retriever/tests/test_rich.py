"""What each rich format has of its own."""

from email.message import EmailMessage
from typing import Any

import docx
import pytest
from docx.enum.style import WD_STYLE_TYPE
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Cm

from palabre.retriever.documents import Document, read
from tests.making import files

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def told(document: Document) -> list[tuple[int, tuple[str, ...], list[str]]]:
    return [(s.page, s.headings, [b.text for b in s.blocks]) for s in document.sections]


def word(body: str, **parts: str) -> bytes:
    """The least that a Word file holds."""
    types = "".join(
        f'<Override PartName="/word/{n}.xml" ContentType="{_WML}{n}+xml"/>' for n in parts
    )
    links = "".join(f'<Relationship Id="{n}" Type="{_REL}/{n}" Target="{n}.xml"/>' for n in parts)
    return files.zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
            f'<Default Extension="rels" ContentType="{_PACKAGE_TYPE}"/>'
            f'<Override PartName="/word/document.xml" ContentType="{_WML}document.main+xml"/>'
            f"{types}</Types>",
            "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r"'
            f' Type="{_REL}/officeDocument" Target="word/document.xml"/></Relationships>',
            "word/_rels/document.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f"{links}</Relationships>",
            "word/document.xml": f"<w:document {W}><w:body>{body}</w:body></w:document>",
            **{f"word/{name}.xml": said for name, said in parts.items()},
        }
    )


_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_PACKAGE_TYPE = "application/vnd.openxmlformats-package.relationships+xml"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WML = "application/vnd.openxmlformats-officedocument.wordprocessingml."


def run(said: str) -> str:
    return f"<w:r><w:t>{said}</w:t></w:r>"


def test_a_footnote_of_word_stands_below_its_paragraph() -> None:
    reference = '<w:r><w:footnoteReference w:id="2"/></w:r>'
    notes = f'<w:footnotes {W}><w:footnote w:id="2"><w:p>{run("Loi de 1989.")}</w:p></w:footnote>'
    body = f"<w:p>{run('Trois mois')}{reference}</w:p><w:p>{run('Ensuite.')}</w:p>"
    document = read("a.docx", word(body, footnotes=f"{notes}</w:footnotes>"))
    assert told(document) == [(0, (), ["Trois mois[1]", "[1] Loi de 1989.", "Ensuite."])]


def test_line_breaks_and_deleted_words_of_word() -> None:
    deleted = "<w:del><w:r><w:delText>Jamais</w:delText></w:r></w:del>"
    body = f"<w:p><w:r><w:t>Un</w:t><w:br/><w:t>deux</w:t></w:r>{deleted}</w:p>"
    assert told(read("a.docx", word(body))) == [(0, (), ["Un deux"])]


def test_styles_that_an_organisation_derives_from_headings_are_headings() -> None:
    file = docx.Document()
    for name, base in (("L'intertitre", "Heading 2"), ("Rubrique", "L'intertitre")):
        file.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH).base_style = file.styles[base]
    file.add_heading("Le bail", 1)
    file.add_paragraph("La durée", style="L'intertitre")
    file.add_paragraph("Trois ans.")
    file.add_paragraph("Le loyer", style="Rubrique")
    file.add_paragraph("Cinq cents euros.")
    assert told(read("a.docx", files.saved(file.save))) == [
        (0, ("Le bail", "La durée"), ["Trois ans."]),
        (0, ("Le bail", "Le loyer"), ["Cinq cents euros."]),
    ]


def test_the_table_of_contents_of_word_is_left_out() -> None:
    file = docx.Document()
    file.styles.add_style("toc 1", WD_STYLE_TYPE.PARAGRAPH)
    file.add_paragraph("Sommaire", style="TOC Heading")
    file.add_paragraph("Le bail\t1", style="toc 1")
    file.add_paragraph("Trois ans.")
    assert told(read("a.docx", files.saved(file.save))) == [(0, (), ["Trois ans."])]


def test_hidden_text_of_word_is_left_out_with_a_remark() -> None:
    hidden = "<w:r><w:rPr><w:vanish/></w:rPr><w:t>Secret</w:t></w:r>"
    shown = '<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t>deux</w:t></w:r>'
    document = read("a.docx", word(f"<w:p>{run('Un ')}{hidden}{shown}</w:p>"))
    assert told(document) == [(0, (), ["Un deux"])]
    assert document.remarks == ("Its hidden text was left out.",)


def test_formulas_of_word_are_spelled_on_their_line() -> None:
    def said(text: str) -> str:
        return f"<m:r><m:t>{text}</m:t></m:r>"

    square = f"<m:sSup><m:e>{said('c')}</m:e><m:sup>{said('2')}</m:sup></m:sSup>"
    half = f"<m:f><m:num>{said('a+b')}</m:num><m:den>{said('2')}</m:den></m:f>"
    formula = f'<m:oMath xmlns:m="{_REL.rpartition("/")[0]}/math">{square}{said("=")}{half}'
    body = f"<w:p>{run('Soit ')}{formula}</m:oMath>{run(' euros.')}</w:p>"
    assert told(read("a.docx", word(body))) == [(0, (), ["Soit c^2=(a+b)/2 euros."])]


def slide(presentation: Any, title: str) -> Any:
    made = presentation.slides.add_slide(presentation.slide_layouts[5])
    made.shapes.title.text = title
    return made


def test_groups_and_charts_of_slides_are_read() -> None:
    presentation = Presentation()
    made = slide(presentation, "Chiffres")
    group = made.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Cm(5), Cm(1)).text_frame.text = "Dans un groupe"
    chart_data: Any = CategoryChartData
    data = chart_data()
    data.categories = ["2024", "2025"]
    data.add_series("Loyer", (510, 525.5))
    kind = XL_CHART_TYPE.COLUMN_CLUSTERED
    made.shapes.add_chart(kind, 0, 0, Cm(9), Cm(9), data)
    slide(presentation, "Seul un titre")
    document = read("a.pptx", files.saved(presentation.save))
    chart = "|  | Loyer |\n| --- | --- |\n| 2024 | 510 |\n| 2025 | 525.5 |"
    assert told(document) == [
        (1, ("Chiffres",), ["Dans un groupe", chart]),
        (2, ("Seul un titre",), ["Seul un titre"]),
    ]


def test_parts_and_chapters_of_a_book_are_its_headings() -> None:
    """By EPUB 2's contents; a file that they do not name belongs to the chapter before it."""
    point = '<navPoint><navLabel><text>{0}</text></navLabel><content src="{1}"/>{2}</navPoint>'
    chapters = point.format("Le départ", "c1.xhtml", "") + point.format(
        "Le retour", "c3.xhtml#x", ""
    )
    ncx = (
        f'<ncx xmlns="{_NCX}"><navMap>{point.format("Livre I", "p.xhtml", chapters)}</navMap></ncx>'
    )
    bodies = {
        "p.xhtml": "<h1>LIVRE I</h1><p>En exergue.</p>",
        "c1.xhtml": "<h2>Le départ</h2><p>Il partit&#160;; <i>loin</i>.</p>",
        "c2.xhtml": "<p>La suite.</p><h3>Une halte</h3><p>Il dormit.</p>",
        "c3.xhtml": "<p>Il revint.</p>",
    }
    document = read("a.epub", book(bodies, ncx))
    assert told(document) == [
        (0, ("Livre I",), ["En exergue."]),
        (0, ("Livre I", "Le départ"), ["Il partit\N{NO-BREAK SPACE}; loin.", "La suite."]),
        (0, ("Livre I", "Le départ", "Une halte"), ["Il dormit."]),
        (0, ("Livre I", "Le retour"), ["Il revint."]),
    ]


_NOTED = (
    "<p>Un mot<a href='#n1' id='r1' {mark}>1</a> et<a href='#n2' {mark}>2</a>.</p><p>Ensuite.</p>"
    "<ol><li id='n1'>Loi de 1989.<a href='#r1' role='doc-backlink'>↩</a></li>"
    "<li id='n2'><p>Décret.</p></li></ol>"
)
_MARKS = ["role='doc-noteref'", "epub:type='noteref'", "class='footnote-ref'"]


@pytest.mark.parametrize("mark", _MARKS)
def test_notes_of_books_and_pages_stand_below_their_paragraphs(mark: str) -> None:
    noted = _NOTED.format(mark=mark)
    said = ["Un mot[1] et[2].", "[1] Loi de 1989.", "[2] Décret.", "Ensuite."]
    assert told(read("a.epub", book({"c.xhtml": noted}, _EMPTY_NCX))) == [(0, (), said)]
    page = read("a.html", f"<body><main>{noted}</main></body>".encode())
    assert told(page) == [(0, (), said)]


def test_a_note_that_is_no_note_stays_where_it_is() -> None:
    link = "<a class='footnote-ref' href='{0}'>1</a>"
    around = f"<div id='all'><p>Un{link.format('#all')}.</p></div>"
    again = f"<p id='n'>Note.</p><p>Deux{link.format('#n')}, trois{link.format('#n')}.</p>"
    document = read("a.epub", book({"c.xhtml": f"{around}{again}"}, _EMPTY_NCX))
    assert told(document) == [(0, (), ["Un[1].", "Deux[1], trois[1].", "[1] Note."])]


def test_a_page_of_contents_in_a_book_of_epub_2_is_left_out() -> None:
    guide = "<guide><reference type='toc' href='toc.xhtml'/></guide>"
    bodies = {"toc.xhtml": "<p><a href='c.xhtml'>Le bail</a></p>", "c.xhtml": "<p>Trois ans.</p>"}
    assert told(read("a.epub", book(bodies, _EMPTY_NCX, guide))) == [(0, (), ["Trois ans."])]


def test_a_formula_of_a_book_is_said_once() -> None:
    math = "<math><semantics><mn>42</mn><annotation>\\42</annotation></semantics></math>"
    document = read("a.epub", book({"c.xhtml": f"<p>Soit {math}.</p>"}, _EMPTY_NCX))
    assert told(document) == [(0, (), ["Soit 42."])]


_NCX = "http://www.daisy.org/z3986/2005/ncx/"
_EMPTY_NCX = f"<ncx xmlns='{_NCX}'/>"


def book(bodies: dict[str, str], ncx: str, guide: str = "") -> bytes:
    items = "".join(f'<item id="{n}" href="{n}"/>' for n in bodies)
    opf = (
        '<package xmlns="http://www.idpf.org/2007/opf"><manifest>'
        f'{items}<item id="toc" href="toc.ncx" media-type="application/x-dtbncx+xml"/></manifest>'
        f"<spine>{''.join(f'<itemref idref="{n}"/>' for n in bodies)}</spine>{guide}</package>"
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="t/b.opf"/></rootfiles></container>'
    )
    parts = {
        f"t/{n}": f"<html><head><title/></head><body>{b}</body></html>" for n, b in bodies.items()
    }
    return files.zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": container,
            "t/b.opf": opf,
            "t/toc.ncx": ncx,
            **parts,
        }
    )


def test_a_footnote_of_open_document_stands_below_its_paragraph() -> None:
    note = (
        "<text:note><text:note-citation>1</text:note-citation><text:note-body>"
        "<text:p>Loi de 1989.</text:p></text:note-body></text:note>"
    )
    body = f"<text:p>Trois<text:s text:c='3'/>mois{note}<text:tab/>au plus.</text:p>"
    document = read("a.odt", files.open_document_of(body))
    assert told(document) == [(0, (), ["Trois mois [1] au plus.", "[1] Loi de 1989."])]


def test_hidden_text_of_open_document_is_left_out_with_a_remark() -> None:
    style = (
        '<style:style xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"'
        ' style:name="T1"><style:text-properties text:display="none"/></style:style>'
    )
    body = f"{style}<text:p>Un <text:span text:style-name='T1'>secret </text:span>deux</text:p>"
    document = read("a.odt", files.open_document_of(body))
    assert told(document) == [(0, (), ["Un deux"])]
    assert document.remarks == ("Its hidden text was left out.",)


def test_attachments_of_a_mail_are_read_below_their_names() -> None:
    message = EmailMessage()
    message["From"], message["Date"] = "a@example.org", "Fri, 20 Nov 2026 10:00:00 +0100"
    message["Subject"] = "Pièces : bail et règlement"
    message.set_content("Ci-joint.\n")
    message.add_attachment(b"# Bail\n\nTrois ans.", "text", "markdown", filename="bail.md")
    message.add_attachment(b"\x89PNG\r\n", "image", "heic", filename="photo.heic")
    document = read("a.eml", message.as_bytes())
    assert document.title == "Pièces : bail et règlement"
    assert told(document)[1] == (0, ("bail.md",), ["Trois ans."])
    assert "Date: 2026-11-20 10:00" in told(document)[0][2][0]
    assert document.remarks[0].startswith("Its attachment photo.heic was left out: it ")
