"""One text as a file of each format, by the programs that people have, or by hand."""

import html
import io
import zipfile
from collections.abc import Callable
from email.message import EmailMessage

import docx
from docx.document import Document as Word
from pptx import Presentation
from pptx.util import Cm
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    ListFlowable,
    PageBreak,
    PageTemplate,
    Paragraph,
    Table,
)
from xlsxwriter import Workbook

from tests.making.texts import Part, Text


def markdown(text: Text) -> bytes:
    lines = [f"# {text.title}"]
    for part in text.parts:
        lines += [f"## {part.heading}", *part.paragraphs, "\n".join(f"- {i}" for i in part.items)]
        head, *rows = (f"| {' | '.join(row)} |" for row in part.table)
        lines += ["\n".join([head, "| --- | --- | --- |", *rows])]
        lines += [f"### {part.details}", part.note]
    return "\n\n".join(lines).encode()


def plain(text: Text) -> bytes:
    return "\n\n".join(text.words()).encode()


def page(text: Text) -> bytes:
    return f"<html lang=fr><title>{text.title}</title><body>{_body(text)}</body></html>".encode()


def _body(text: Text) -> str:
    return f"<h1>{html.escape(text.title)}</h1>" + "".join(map(_html, text.parts))


def _html(part: Part) -> str:
    said = [f"<h2>{html.escape(part.heading)}</h2>"]
    said += [f"<p>{html.escape(p)}</p>" for p in part.paragraphs]
    said += ["<ul>", *(f"<li>{html.escape(i)}</li>" for i in part.items), "</ul><table>"]
    said += [f"<tr>{''.join(f'<td>{html.escape(c)}</td>' for c in row)}</tr>" for row in part.table]
    said += [f"</table><h3>{html.escape(part.details)}</h3><p>{html.escape(part.note)}</p>"]
    return "".join(said)


def word(text: Text) -> bytes:
    """The last cells of the table are merged where they are the same."""
    file = docx.Document()
    file.core_properties.title = text.title
    file.add_paragraph(text.title, style="Title")
    for part in text.parts:
        _word_part(file, part)
    return saved(file.save)


def _word_part(file: Word, part: Part) -> None:
    file.add_heading(part.heading, 1)
    for paragraph in part.paragraphs:
        file.add_paragraph(paragraph)
    for item in part.items:
        file.add_paragraph(item, style="List Bullet")
    table = file.add_table(len(part.table), 3)
    for row, cells in zip(table.rows, part.table, strict=True):
        for cell, said in zip(row.cells, cells, strict=True):
            cell.text = said
    merged = table.cell(1, 2).merge(table.cell(2, 2))
    merged.text = part.table[1][2]
    file.add_heading(part.details, 2)
    file.add_paragraph(part.note)


def pdf(text: Text, columns: int = 1) -> bytes:
    """Each part begins a page, with a head and a foot that are the same on all."""
    styles = getSampleStyleSheet()
    story: list[Flowable] = [Paragraph(text.title, styles["Title"])]
    for part in text.parts:
        story += [*_pdf_part(part, styles, 1 if columns == 1 else 0), PageBreak()]
    width, height = A4
    wide = (width - 100) / columns
    frames = [Frame(50 + n * wide, 70, wide - 12, height - 140) for n in range(columns)]
    out = io.BytesIO()
    file = BaseDocTemplate(out, pagesize=A4, title=text.title, lang="fr-FR")
    file.addPageTemplates(PageTemplate("page", frames, onPage=_furniture))
    file.build(story)
    return out.getvalue()


def _pdf_part(part: Part, styles: dict[str, object], tables: int) -> list[Flowable]:
    rules = [("GRID", (0, 0), (-1, -1), 0.5, colors.black), ("SPAN", (2, 1), (2, 2))]
    grid = [list(row) for row in part.table]
    grid[2][2] = ""
    return [
        Paragraph(part.heading, styles["Heading1"]),
        *(Paragraph(said, styles["Normal"]) for said in part.paragraphs),
        ListFlowable([Paragraph(i, styles["Normal"]) for i in part.items], bulletType="bullet"),
        Table(grid, style=rules),
        Paragraph(part.details, styles["Heading2"]),
        Paragraph(part.note, styles["Normal"]),
    ]


def _furniture(canvas: Canvas, file: BaseDocTemplate) -> None:
    canvas.setFont("Helvetica", 8)
    canvas.drawString(50, A4[1] - 30, "Office du logement fictif")
    canvas.drawString(280, 25, f"Page {canvas.getPageNumber()} sur 99")


def slides(text: Text) -> bytes:
    """A slide for the title, then one for each part; its note is the speaker's."""
    file = Presentation()
    file.core_properties.title = text.title
    first = file.slides.add_slide(file.slide_layouts[0])
    first.shapes.title.text = text.title
    for part in text.parts:
        slide = file.slides.add_slide(file.slide_layouts[1])
        slide.shapes.title.text = part.heading
        slide.placeholders[1].text = "\n".join([*part.paragraphs, *part.items])
        shape = slide.shapes.add_table(3, 3, Cm(1), Cm(12), Cm(20), Cm(4))
        for row, cells in enumerate(part.table):
            for column, said in enumerate(cells):
                shape.table.cell(row, column).text = said
        shape.table.cell(2, 2).text = ""
        shape.table.cell(1, 2).merge(shape.table.cell(2, 2))
        slide.shapes.add_textbox(Cm(1), Cm(17), Cm(9), Cm(2)).text_frame.text = part.details
        slide.notes_slide.notes_text_frame.text = part.note
    return saved(file.save)


def sheet(text: Text) -> bytes:
    """The tables of all parts, below each other."""
    out = io.BytesIO()
    file = Workbook(out, {"in_memory": True})
    rows = file.add_worksheet("Tables")
    for number, row in enumerate(row for part in text.parts for row in part.table):
        rows.write_row(number, 0, row)
    file.close()
    return out.getvalue()


def book(text: Text) -> bytes:
    """A chapter for each part; the table of contents names them, the files do not."""
    chapters = {f"c{n}.xhtml": part for n, part in enumerate(text.parts)}
    items = "".join(
        f'<item id="{n}" href="{n}" media-type="application/xhtml+xml"/>' for n in chapters
    )
    nav = "".join(
        f'<li><a href="{n}">{html.escape(p.heading)}</a></li>' for n, p in chapters.items()
    )
    files = {
        "META-INF/container.xml": _CONTAINER,
        "OEBPS/book.opf": _OPF.format(
            title=html.escape(text.title),
            items=items,
            refs="".join(f'<itemref idref="{n}"/>' for n in chapters),
        ),
        "OEBPS/nav.xhtml": f'<html xmlns:epub="x"><nav epub:type="toc"><ol>{nav}</ol></nav></html>',
    }
    for name, part in chapters.items():
        body = _html(part).replace(f"<h2>{html.escape(part.heading)}</h2>", "")
        files[f"OEBPS/{name}"] = f'<html xmlns="{_XHTML}"><head><title/></head>{body}</html>'
    return zipped({"mimetype": "application/epub+zip", **files})


def open_document(text: Text) -> bytes:
    parts = "".join(map(_odt, text.parts))
    title = f'<text:p text:style-name="Title">{html.escape(text.title)}</text:p>'
    return open_document_of(title + parts)


def open_document_of(body: str) -> bytes:
    media_type = "application/vnd.oasis.opendocument.text"
    return zipped({"mimetype": media_type, "content.xml": _ODT.format(body=body)})


def _odt(part: Part) -> str:
    def p(said: str) -> str:
        return f"<text:p>{html.escape(said, quote=False)}</text:p>"

    items = "".join(f"<text:list-item>{p(i)}</text:list-item>" for i in part.items)
    cells = [[f"<table:table-cell>{p(c)}</table:table-cell>" for c in row] for row in part.table]
    cells[1][2] = cells[1][2].replace("cell>", 'cell table:number-rows-spanned="2">', 1)
    cells[2][2] = "<table:covered-table-cell/>"
    rows = "".join(f"<table:table-row>{''.join(row)}</table:table-row>" for row in cells)
    return (
        f'<text:h text:outline-level="1">{html.escape(part.heading)}</text:h>'
        f"{''.join(map(p, part.paragraphs))}<text:list>{items}</text:list>"
        f"<table:table>{rows}</table:table>"
        f'<text:h text:outline-level="2">{html.escape(part.details)}</text:h>{p(part.note)}'
    )


def mail(text: Text) -> bytes:
    message = EmailMessage()
    message["From"] = "Agence <agence@example.org>"
    message["Date"] = "Fri, 20 Nov 2026 10:00:00 +0100"
    message["Subject"] = text.title
    message.set_content("Version en HTML seulement.")
    message.add_alternative(f"<body>{''.join(map(_html, text.parts))}</body>", subtype="html")
    return message.as_bytes()


def zipped(files: dict[str, str] | dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, said in files.items():
            archive.writestr(name, said)
    return out.getvalue()


def saved(save: Callable[[io.BytesIO], None]) -> bytes:
    out = io.BytesIO()
    save(out)
    return out.getvalue()


FORMATS: dict[str, Callable[[Text], bytes]] = {
    "md": markdown,
    "txt": plain,
    "html": page,
    "docx": word,
    "pdf": pdf,
    "pptx": slides,
    "epub": book,
    "odt": open_document,
    "eml": mail,
}
_XHTML = "http://www.w3.org/1999/xhtml"
_CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
)
_OPF = (
    '<package xmlns="http://www.idpf.org/2007/opf"><metadata'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title>'
    "<dc:language>fr</dc:language></metadata><manifest>{items}"
    '<item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>'
    "</manifest><spine>{refs}</spine></package>"
)
_ODT = (
    '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0">'
    "<office:body><office:text>{body}</office:text></office:body></office:document-content>"
)
