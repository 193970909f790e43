"""Zip archives: each document in them ends by itself."""

import io
import stat
import zipfile
from collections.abc import Mapping

import pytest

from palabre.retriever.documents.archives import Archive, ArchiveLimits
from palabre.retriever.errors import InvalidDocument

SMALL = ArchiveLimits(documents=3, unpacked=1 << 20, document=1 << 16)


def packed(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def opened(data: bytes, limits: ArchiveLimits = SMALL) -> Archive:
    return Archive("a.zip", io.BytesIO(data), limits)


def test_documents_are_named_by_their_place_in_the_archive() -> None:
    archive = opened(packed({"rh/congés.md": b"# C", "bail.md": b"# B"}))
    assert archive.documents == ["a.zip/bail.md", "a.zip/rh/congés.md"]
    assert archive.read("a.zip/bail.md") == (b"# B", "")


def test_a_side_file_goes_with_its_document() -> None:
    archive = opened(packed({"g.pdf": b"x", "g.pdf.yaml": b"title: Guide", "seul.yml": b"a: 1"}))
    assert archive.documents == ["a.zip/g.pdf", "a.zip/seul.yml"]
    assert archive.read("a.zip/g.pdf") == (b"x", "title: Guide")


def test_what_programs_leave_beside_documents_is_no_document() -> None:
    litter = {"__MACOSX/._a.md": b"x", ".DS_Store": b"x", "~$bail.docx": b"x", "Thumbs.db": b"x"}
    assert opened(
        packed({"a.md": b"# A", "dossier/": b""} | litter), ArchiveLimits()
    ).documents == ["a.zip/a.md"]


def test_no_name_leads_out_of_the_archive() -> None:
    names = ["../../etc/passwd.md", "/abs/b.md", "C:\\c\\..\\d.md"]
    assert opened(packed(dict.fromkeys(names, b"x"))).documents == [
        "a.zip/abs/b.md",
        "a.zip/c/d.md",
        "a.zip/etc/passwd.md",
    ]


@pytest.mark.parametrize("codec", ["utf-8", "cp850"])
def test_names_that_do_not_say_their_encoding_are_read(codec: str) -> None:
    name = "Été à la ŒUVRE.md" if codec == "utf-8" else "Été à l'Âge.md"
    stored = "x" * len(name.encode(codec))
    data = packed({stored: b"# A"}).replace(stored.encode(), name.encode(codec))
    assert opened(data).documents == [f"a.zip/{name}"]


def test_an_encrypted_member_is_refused_by_name() -> None:
    data = bytearray(packed({"a.md": b"# A", "b.md": b"# B"}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    archive = opened(bytes(data))
    with pytest.raises(InvalidDocument, match=r"a.zip/a.md: is encrypted: pack it without"):
        archive.read("a.zip/a.md")
    assert archive.read("a.zip/b.md") == (b"# B", "")


def test_a_link_is_refused_by_name() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("a.md")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InvalidDocument, match=r"a.zip/a.md: is a link: pack the file"):
        opened(out.getvalue()).read("a.zip/a.md")


@pytest.mark.parametrize(
    ("members", "document", "said"),
    [
        ({"b.zip": b"PK"}, "a.zip/b.zip", "is an archive inside another: send it by itself"),
        ({"a.txt": b"ab" * 40_000}, "a.zip/a.txt", "has 0 MiB, above the limit of 0 MiB"),
        ({"a.txt": b"x", "a.txt.yaml": b"\xe9"}, "a.zip/a.txt", "its side file is not UTF-8"),
    ],
)
def test_a_member_that_cannot_be_taken_is_refused_by_name(
    members: dict[str, bytes], document: str, said: str
) -> None:
    with pytest.raises(InvalidDocument) as refused:
        opened(packed(members)).read(document)
    assert str(refused.value).startswith(f"{document}: {said}")


def test_a_member_that_is_damaged_does_not_stop_the_others() -> None:
    data = packed({"a.md": b"Bonjour " * 50, "b.md": b"# B"})
    archive = opened(data[:45] + b"\xff\xff\xff\xff" + data[49:])
    with pytest.raises(InvalidDocument, match=r"a.zip/a.md: is damaged in its archive: pack"):
        archive.read("a.zip/a.md")
    assert archive.read("a.zip/b.md") == (b"# B", "")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is no .zip archive, or damaged: pack it again"),
        (packed({"a.md": b"x" * 9_000})[:60], "is no .zip archive, or damaged: pack it again"),
        (packed({}), "holds no documents: put documents into it"),
        (packed({f"{n}.md": b"x" for n in range(4)}), "holds 4 files, above the limit of 3: split"),
        (packed({"a.md": b"0" * (2 << 20)}), "unpacks to 2 MiB, which is too much for its 2 KiB"),
    ],
    ids=["nothing", "cut off", "empty", "too many", "too large"],
)
def test_an_archive_that_cannot_be_taken_is_refused_as_a_whole(data: bytes, said: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        opened(data)
    assert str(refused.value).startswith(f"a.zip: {said}")


def test_a_bomb_is_refused_before_anything_is_unpacked() -> None:
    bomb = packed({f"{n}.txt": b"\0" * (32 << 20) for n in range(2)})
    assert len(bomb) < 1 << 17
    with pytest.raises(InvalidDocument, match="unpacks to 64 MiB, which is too much"):
        opened(bomb, ArchiveLimits())


def test_a_directory_that_is_too_large_to_list_is_refused() -> None:
    data = bytearray(packed({"a.md": b"x"}))
    place = data.rindex(b"PK\x05\x06")
    data[place + 12 : place + 16] = (1 << 30).to_bytes(4, "little")
    with pytest.raises(InvalidDocument, match="has too many members to list: split it"):
        opened(bytes(data))
