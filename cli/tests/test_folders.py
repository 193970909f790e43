"""What a folder holds, and what in it is no document."""

import os
from itertools import islice
from pathlib import Path

from palabre.cli.folders import File, Left, documents, media_type, walk


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name, encoding="utf-8")


def left(folder: Path) -> list[Left]:
    return [item for item in walk([folder]) if isinstance(item, Left)]


def test_documents_are_named_by_their_path_below_the_folder(tmp_path: Path) -> None:
    write(tmp_path, "b.txt", "a/c/d.md", ".caché.txt", ".git/config", "a/.x")
    assert [file.document for file in documents(tmp_path)] == ["a/c/d.md", "b.txt"]


def test_names_may_begin_with_another_folder(tmp_path: Path) -> None:
    write(tmp_path, "livre.txt")
    found = [*walk([tmp_path], "livres/"), *walk([tmp_path / "livre.txt"], "seuls/")]
    assert [f.document for f in found if isinstance(f, File)] == [
        "livres/livre.txt",
        "seuls/livre.txt",
    ]
    assert [f.wanted for f in found if isinstance(f, File)] == [False, True]


def test_a_side_file_tells_about_its_document_and_is_none(tmp_path: Path) -> None:
    write(tmp_path, "guide.pdf", "guide.pdf.yaml", "seul.yaml")
    guide, alone = documents(tmp_path)
    assert (guide.document, guide.front_matter()) == ("guide.pdf", "guide.pdf.yaml")
    assert (alone.document, alone.front_matter()) == ("seul.yaml", "")


def test_links_are_followed_but_not_back(tmp_path: Path) -> None:
    write(tmp_path, "rayon/a.txt")
    (tmp_path / "rayon" / "retour").symlink_to(tmp_path)
    (tmp_path / "autre").symlink_to(tmp_path / "rayon")
    names = {file.document for file in documents(tmp_path)}
    assert names == {"rayon/a.txt", "autre/a.txt"}
    assert {item.reason for item in left(tmp_path)} == {"is a link back to a folder above it"}
    assert not any(item.failed for item in left(tmp_path))


def test_pipes_are_left_out_and_broken_links_reported(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "rien.txt").symlink_to(tmp_path / "nulle-part.txt")
    found = {item.path.name: item for item in left(tmp_path)}
    assert (found["pipe.txt"].reason, found["pipe.txt"].failed) == (
        "is a pipe, a socket or a device",
        False,
    )
    assert (found["rien.txt"].reason, found["rien.txt"].failed) == (
        "cannot be read (no such file or directory)",
        True,
    )


def test_a_name_that_is_no_utf_8_is_reported(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.txt")).write_text("x", encoding="utf-8")
    [item] = left(tmp_path)
    assert (item.reason, item.failed) == ("its name is not UTF-8", True)


def test_a_large_folder_is_not_listed_before_its_first_document(tmp_path: Path) -> None:
    write(tmp_path, *(f"{n}/a.txt" for n in range(50)))
    found = walk([tmp_path])
    assert len(list(islice(found, 3))) == 3
    for folder in tmp_path.iterdir():
        (folder / "a.txt").unlink()
    assert len(list(found)) < 47


def test_a_version_is_the_hash_that_the_retriever_keeps(tmp_path: Path) -> None:
    write(tmp_path, "a.txt")
    [file] = documents(tmp_path)
    assert file.version() == "18b7cb099a9ea3f50ba899b5ba81e0d377a5f3b16f8f6eeb8b3e58cd4692b993"


def test_markdown_is_known_by_its_suffix() -> None:
    assert media_type(Path("A.MD")) == "text/markdown"
    assert media_type(Path("a.epub")) == "application/epub+zip"
    assert media_type(Path("a.inconnu")) == "application/octet-stream"
