"""A folder of books: what is in is skipped, what fails is named, memory stays bounded."""

import json
import re
from pathlib import Path

import httpx
import pytest

from palabre.cli.folders import Left, walk
from palabre.cli.library import AT_ONCE, BROKEN_AT_MOST, Library
from palabre.cli.pruning import prune
from palabre.cli.server import Trouble
from palabre.cli.tally import Tally
from palabre.retriever import documents
from palabre.retriever.errors import InvalidDocument

from .shelf import Shelf, entry_of


@pytest.fixture
def books(tmp_path: Path) -> Path:
    for number in range(120):
        folder = tmp_path / f"rayon-{number % 3}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number:03}.txt").write_text(f"Livre {number}.", encoding="utf-8")
    return tmp_path


def take_in(shelf: Shelf, folder: Path, tier: str = "", **how: bool) -> Tally:
    tally = Tally()
    Library(shelf.sender(tier=tier), tally, **how).take_in(lambda: walk([folder]))
    return tally


def test_every_document_goes_in_a_few_at_once(books: Path) -> None:
    shelf = Shelf()
    tally = take_in(shelf, books)
    assert len(shelf.kept) == tally.counts["changed"] == 120
    assert tally.counts["passages"] == 240
    assert shelf.most_at_once <= AT_ONCE


def test_the_second_time_nothing_is_sent(books: Path) -> None:
    shelf = Shelf()
    take_in(shelf, books)
    shelf.sent.clear()
    tally = take_in(shelf, books)
    assert (shelf.sent, tally.counts["unchanged"], tally.counts["passages"]) == ([], 120, 240)


def test_what_broke_off_is_all_that_is_sent_again(books: Path) -> None:
    shelf = Shelf([httpx.ConnectError("refused")] * 500)
    with pytest.raises(Trouble):
        take_in(shelf, books)
    shelf = Shelf(kept=dict(list(kept_of(books).items())[:100]))
    take_in(shelf, books)
    assert len(shelf.sent) == 20


def kept_of(books: Path) -> dict[str, dict[str, object]]:
    shelf = Shelf()
    take_in(shelf, books)
    return shelf.kept


def test_changed_content_another_tier_and_force_are_sent(books: Path) -> None:
    shelf = Shelf()
    take_in(shelf, books)
    shelf.sent.clear()
    (books / "rayon-0" / "000.txt").write_text("Livre 1.", encoding="utf-8")  # of the same size
    take_in(shelf, books)
    assert shelf.sent == ["rayon-0/000.txt"]
    assert take_in(shelf, books, tier="restricted").counts["changed"] == 120
    assert take_in(shelf, books, force=True).counts["changed"] == 120


def test_a_document_is_sent_again_when_its_side_file_changes(tmp_path: Path) -> None:
    side = tmp_path / "a.txt.yaml"
    (tmp_path / "a.txt").write_text("a", encoding="utf-8")
    shelf = Shelf()
    for said in ("title: A", "title: A", "title: B"):
        side.write_text(said, encoding="utf-8")
        take_in(shelf, tmp_path)
    assert [form["front_matter"] for form in shelf.fields] == ["title: A", "title: B"]


def test_a_kind_that_cannot_be_read_is_sent_once_and_left_out(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"{number}.mobi").write_text("image", encoding="utf-8")
    shelf = Shelf()
    tally = take_in(shelf, tmp_path)
    assert (tally.counts["left out"], tally.failed) == (200, 0)
    assert len(shelf.sent) < 200


def test_a_document_that_was_named_itself_fails_when_it_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.mobi").write_text("image", encoding="utf-8")
    tally = take_in(Shelf(), tmp_path / "a.mobi")
    assert tally.failed == 1


def test_a_server_that_breaks_off_everything_is_left_alone(books: Path) -> None:
    shelf = Shelf([httpx.ReadError("reset")] * 10_000)
    with pytest.raises(Trouble, match="breaks off whatever"):
        take_in(shelf, books)
    assert len(set(shelf.sent)) <= BROKEN_AT_MOST + 2 * AT_ONCE


def test_a_dry_run_sends_nothing(books: Path) -> None:
    shelf = Shelf()
    tally = take_in(shelf, books, dry_run=True)
    assert (shelf.sent, tally.counts["changed"]) == ([], 120)


def pruned(shelf: Shelf, *folders: Path, below: str = "", **how: bool) -> list[str]:
    tally = Tally()
    prune(shelf.sender(), tally, folders, below, **{"ask": False} | how)
    return tally.deleted


def test_documents_whose_files_are_gone_are_deleted_and_no_others(books: Path) -> None:
    kept = ("rayon-0/000.txt", "rayon-0/gone.txt", "a.zip/in.txt", "https://a.fr/x", "zoo/a.txt")
    (books / "a.zip").write_bytes(b"PK")
    shelf = Shelf(kept={name: entry_of(name, b"") for name in kept})
    shelf.kept["https://a.fr/x"]["url"] = "https://a.fr/x"
    assert pruned(shelf, books, below="rayon-1/") == []
    assert pruned(shelf, books, dry_run=True) == []
    assert pruned(shelf, books) == ["rayon-0/gone.txt", "zoo/a.txt"]
    assert sorted(shelf.kept) == ["a.zip/in.txt", "https://a.fr/x", "rayon-0/000.txt"]


def test_nothing_is_deleted_where_a_file_could_not_be_seen_or_no_folder_was_named(
    books: Path,
) -> None:
    shelf = Shelf(kept={"gone.txt": entry_of("gone.txt", b"")})
    tally = Tally()
    tally.leave(Left(books / "fermé", "cannot be read", "check its rights", failed=True))
    prune(shelf.sender(), tally, [books], "", ask=False)
    assert "gone.txt" in shelf.kept
    for folders in ([], [books / "rayon-0" / "000.txt"]):
        with pytest.raises(Trouble, match="needs folders"):
            pruned(shelf, *folders)


def test_the_retriever_names_a_kind_that_it_cannot_read_as_the_command_expects() -> None:
    with pytest.raises(InvalidDocument, match=re.escape("cannot be read (.mobi)")):
        documents.read("livre.mobi", b"BOOKMOBI")


def test_the_report_names_what_failed_and_whether_it_went_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "nom-\udcff.txt").write_text("x", encoding="utf-8")
    tally = take_in(Shelf(), tmp_path)
    report = tmp_path / "report.json"
    tally.write(report, "livres")
    said = json.loads(report.read_text(encoding="utf-8"))
    assert (said["space"], said["complete"], said["documents"]["failed"]) == ("livres", False, 1)
    assert said["failed"][0]["remedy"] == "rename it"
