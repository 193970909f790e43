"""Files that are broken, locked, or made to do harm: refused by name, with what to do."""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable

import pytest
from reportlab.lib import pdfencrypt
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from palabre.chassis.confinement import Confinement
from palabre.retriever.documents import read
from palabre.retriever.documents.isolation import Isolated
from palabre.retriever.errors import InvalidDocument
from tests.making import files
from tests.making.texts import text

SMALL = text(0, parts=1)
WORD, SLIDES, PDF = files.word(SMALL), files.slides(SMALL), files.pdf(SMALL)
SHEET = files.sheet(SMALL)
BOOK, ODT = files.book(SMALL), files.open_document(SMALL)
LAUGHS = (
    '<!DOCTYPE l [<!ENTITY a "ha">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    )
    + "]>"
)
OUTSIDE = '<!DOCTYPE l [<!ENTITY j SYSTEM "file:///etc/passwd">]>'


def repacked(data: bytes, change: Callable[[str, bytes], bytes | None]) -> bytes:
    """Parts that become None are left out."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        parts = {name: change(name, package.read(name)) for name in package.namelist()}
    return files.zipped({name: said for name, said in parts.items() if said is not None})


def with_entities(data: bytes, part: str, doctype: str) -> bytes:
    """The declaration goes before the root, and the last entity into the first text."""

    def change(name: str, said: bytes) -> bytes:
        if name != part:
            return said
        head, root = re.match(rb"(\s*<\?xml[^>]*\?>)?(.*)", said, re.DOTALL).groups()  # type: ignore[union-attr]
        return (head or b"") + doctype.encode() + root.replace(b"</", b"&j;</", 1)

    return repacked(data, change)


def locked_pdf(owner_only: bool = False) -> bytes:
    out = io.BytesIO()
    lock = pdfencrypt.StandardEncryption("" if owner_only else "secret", "owner", canPrint=0)
    canvas = Canvas(out, encrypt=lock)
    canvas.drawString(50, 700, "Texte du bail.")
    canvas.save()
    return out.getvalue()


def scanned(*texts: str) -> bytes:
    """Pages with a picture, and words where there are any."""
    out = io.BytesIO()
    canvas = Canvas(out)
    for said in texts:
        canvas.drawImage(ImageReader(io.BytesIO(png(8, 8))), 0, 0, 500, 700)
        canvas.drawString(50, 720, said)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = zlib.compress((b"\0" + b"\x80" * width) * height, 9)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def ole(stream: str) -> bytes:
    return (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + b"\0" * 1_000
        + stream.encode("utf-16-le")
        + b"\0" * 500
    )


def protected_book() -> bytes:
    names = 'xmlns="http://www.w3.org/2001/04/xmlenc#"'
    method = '<EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>'
    said = f"<encryption><EncryptedData {names}>{method}</EncryptedData></encryption>"
    return with_part(BOOK, "META-INF/encryption.xml", said.encode())


def with_part(data: bytes, name: str, said: bytes) -> bytes:
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a") as package:
        package.writestr(name, said)
    return out.getvalue()


def flagged_encrypted(data: bytes) -> bytes:
    changed = bytearray(data)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for found in re.finditer(re.escape(mark), data):
            changed[found.start() + offset] |= 1
    return bytes(changed)


def bomb(data: bytes) -> bytes:
    """A part that says to unpack to 4 GiB; nothing unpacks more than it says."""
    changed = bytearray(with_part(data, "word/media/image.xml", b" "))
    place = changed.rindex(b"PK\x01\x02") + 24
    changed[place : place + 4] = b"\xf0\xff\xff\xff"
    return bytes(changed)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.pdf", locked_pdf(), "is encrypted: remove its password or protection"),
        ("a.docx", ole("EncryptedPackage"), "is encrypted: remove its password or protection"),
        ("a.docx", flagged_encrypted(WORD), "is encrypted: remove its password or protection"),
        ("a.odt", with_part(ODT, "META-INF/manifest.xml", b"<encryption-data/>"), "is encrypted"),
        ("a.epub", protected_book(), "is protected against copying: send an edition without"),
        ("a.doc", ole("WordDocument"), "is in an old format of Office: save it as .docx"),
        ("a.ppt", ole("PowerPoint"), "is in an old format of Office: save it as .pptx"),
        ("a.pdf", b"", "is empty: send a file with text in it"),
        ("a.pdf", scanned("", ""), "is a scan or a picture: none of its 2 pages has text"),
        ("a.pdf", PDF[: len(PDF) // 2], "is damaged or cut short: send it again"),
        ("a.docx", WORD[: len(WORD) // 2], "is damaged or cut short: send it again"),
        ("a.pptx", SLIDES[:-30], "is damaged or cut short: send it again"),
        ("a.docx", b"Bonjour", "is damaged, or no .docx file: send an intact copy"),
        ("a.pdf", b"<html>Bonjour", "is damaged, or no .pdf file: send an intact copy"),
        (
            "a.docx",
            repacked(WORD, lambda n, d: None if n == "word/document.xml" else d),
            "is damaged",
        ),
        ("a.pptx", repacked(SLIDES, lambda n, d: None if "slide1" in n else d), "is damaged"),
        (
            "a.epub",
            repacked(BOOK, lambda n, d: None if "opf" in n else d),
            "is damaged: it does not",
        ),
        (
            "a.odt",
            repacked(ODT, lambda n, d: None if "content" in n else d),
            "is damaged: it has no",
        ),
        ("a.odt", repacked(ODT, lambda n, d: d[:-9] if "content" in n else d), "is damaged or cut"),
        ("a.docx", files.zipped({"a.txt": "x"}), "is an archive inside another: unpack it"),
        (
            "a.odp",
            files.zipped({"mimetype": "application/vnd.oasis.opendocument.presentation"}),
            "is of a kind nobody reads: save it as .docx, .pptx, .xlsx or .pdf",
        ),
        ("a.rtf", b"{\\rtf1 Bonjour}", "is rich text (RTF): save it as .docx or .odt"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c", "is an archive, though no .zip: pack it as .zip"),
        ("a.eml", b"Bonjour.", "is no e-mail: export it from the mail program as .eml"),
        ("a.docx", with_entities(WORD, "word/document.xml", LAUGHS), "declares XML entities"),
        ("a.docx", with_entities(WORD, "word/document.xml", OUTSIDE), "declares XML entities"),
        ("a.pptx", with_entities(SLIDES, "ppt/slides/slide1.xml", LAUGHS), "declares XML entities"),
        ("a.xlsx", with_entities(SHEET, "xl/sharedStrings.xml", LAUGHS), "declares XML entities"),
        ("a.odt", with_entities(ODT, "content.xml", LAUGHS), "declares XML entities"),
        ("a.epub", with_entities(BOOK, "OEBPS/book.opf", LAUGHS), "declares XML entities"),
        ("a.docx", bomb(WORD), "unpacks to"),
        ("a.epub", bomb(BOOK), "unpacks to"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(name: str, data: bytes, said: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        read(name, data)
    assert str(refused.value).startswith(f"{name}: {said}")
    assert refused.value.remedy


def test_what_only_its_owner_may_change_is_read() -> None:
    assert "Texte du bail." in str(read("a.pdf", locked_pdf(owner_only=True)).sections)


def test_pages_without_text_are_named() -> None:
    document = read("a.pdf", scanned("Du texte lisible.", "", "Encore du texte.", "", ""))
    assert document.unread == (2, 4, 5)
    assert [section.page for section in document.sections] == [1, 3]
    assert document.remarks == (
        "No text on pages 2, 4-5: scans or pictures, of which nothing can be found.",
    )


def test_a_page_that_is_only_empty_is_no_scan() -> None:
    out = io.BytesIO()
    canvas = Canvas(out)
    for said in ("Du texte lisible.", ""):
        if said:
            canvas.drawString(50, 700, said)
        canvas.showPage()
    canvas.save()
    assert read("a.pdf", out.getvalue()).unread == ()


@pytest.mark.parametrize(
    ("name", "data", "remark"),
    [
        ("a.docx", PDF, "Its name says .docx; it is a .pdf file and was read as one."),
        ("a.pdf", WORD, "Its name says .pdf; it is a .docx file and was read as one."),
        ("a.txt", ODT, "Its name says .txt; it is a .odt file and was read as one."),
        (
            "a.docm",
            with_part(WORD, "word/vbaProject.bin", b"Sub AutoOpen()"),
            "Its macros were neither run nor read.",
        ),
    ],
)
def test_a_file_is_read_as_what_it_is(name: str, data: bytes, remark: str) -> None:
    document = read(name, data)
    assert document.title == SMALL.title
    assert document.remarks == (remark,)
    assert "AutoOpen" not in str(document)


def test_scripts_in_books_and_mails_are_no_text() -> None:
    script = "<script>alert(1)</script><p onclick='x()'>Bonjour.</p><iframe src=x>non</iframe>"

    def change(name: str, said: bytes) -> bytes:
        return said.replace(b"</html>", script.encode() + b"</html>") if "c0" in name else said

    mail = b"From: a\nContent-Type: text/html\n\n" + script.encode()
    for document in (read("a.epub", repacked(BOOK, change)), read("a.eml", mail)):
        assert "Bonjour." in str(document)
        assert not re.search("alert|onclick|non", str(document))


def pdf_of(content: bytes, pages: int = 1) -> bytes:
    """With the same content on all pages."""
    kids = b" ".join(b"%d 0 R" % (number + 5) for number in range(pages))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count %d/Kids[%s]/MediaBox[0 0 600 800]>>" % (pages, kids),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(content), content),
        *[b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 3 0 R>>>>>>"] * pages,
    ]
    said = (b"%d 0 obj%s endobj\n" % (number, o) for number, o in enumerate(objects, 1))
    return b"%PDF-1.4\n" + b"".join(said) + b"trailer<</Root 1 0 R>>"


def test_a_pdf_of_too_many_pages_is_refused_before_it_is_read() -> None:
    data = pdf_of(zlib.compress(b"BT /F 12 Tf 50 700 Td (Bonjour.) Tj ET"), pages=5_001)
    with pytest.raises(InvalidDocument, match="has 5001 pages, above the limit of 5000: split it"):
        read("a.pdf", data)


def nested_book() -> bytes:
    nested = b"<html><body>" + b"<div><ul><li>" * 3_000 + b"Au fond."
    return repacked(BOOK, lambda name, said: nested if "c0" in name else said)


def swollen_word() -> bytes:
    rows = b"<w:p><w:r><w:t>Bonjour.</w:t></w:r></w:p>" * 80_000
    return repacked(WORD, lambda _, said: said.replace(b"<w:sectPr", rows + b"<w:sectPr"))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.pdf", pdf_of(zlib.compress(b" " * (400 << 20), 1))),
        ("a.docx", swollen_word()),
    ],
)
async def test_a_bomb_ends_its_child_and_not_what_comes_after(name: str, data: bytes) -> None:
    isolated = Isolated(Confinement(memory=192 << 20, seconds=20), at_once=1)
    with pytest.raises(InvalidDocument) as refused:
        await isolated.read(name, data)
    assert refused.value.document == name
    assert (await isolated.read("b.pdf", PDF)).title == SMALL.title
    await isolated.close()


def test_a_book_that_is_nested_deeply_is_read() -> None:
    assert "Au fond." in str(read("a.epub", nested_book()).sections)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.epub", repacked(BOOK, lambda n, d: b"<a " * 400_000 if "c0" in n else d)),
        ("a.epub", repacked(BOOK, lambda n, d: b"<a" + b" /" * 400_000 if "c0" in n else d)),
        ("a.eml", b"From: " + b"a <" * 100_000 + b"\nSubject: x\n\nBonjour."),
        ("a.eml", b"From: a\nSubject: " + b"=?utf-8?q?a?= " * 20_000 + b"\n\nBonjour."),
        ("a.pdf", pdf_of(zlib.compress(b"BT /F 1 Tf (" + b"a-" * 100_000 + b") Tj ET"))),
    ],
)
async def test_nothing_takes_longer_than_it_may(name: str, data: bytes) -> None:
    """Texts on which careless patterns take minutes are read, or refused by name, in time."""
    isolated = Isolated(Confinement(seconds=10))
    try:
        document = await isolated.read(name, data)
        assert document.media_type
    finally:
        await isolated.close()
