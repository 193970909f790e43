"""A server that is busy, away or killed in the middle loses no document."""

from pathlib import Path

import httpx
import pytest

from palabre.cli.folders import File
from palabre.cli.sending import Failure, Stopped
from palabre.cli.server import Trouble

from .shelf import Shelf, entry_of, lines


@pytest.fixture
def file(tmp_path: Path) -> File:
    path = tmp_path / "livre.txt"
    path.write_text("Il était une fois.", encoding="utf-8")
    return File("livre.txt", path, path.stat().st_size)


def problem(status: int, detail: str = "occupé", **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"detail": detail}, headers=headers)


def test_a_document_is_sent_with_its_side_file_and_its_passages_are_told(file: File) -> None:
    side = file.path.with_name("livre.txt.yaml")
    side.write_text("title: Un livre", encoding="utf-8")
    shelf, went = Shelf(), list[int]()
    with_side = File(file.document, file.path, file.size, side)
    sent = shelf.sender(tier="restricted").send(with_side, went.append)
    assert (sent.passages, went, sent.failures) == (2, [2], ())
    [form] = shelf.fields
    assert (form["front_matter"], form["tier"]) == ("title: Un livre", "restricted")


def test_a_busy_server_is_waited_for_as_long_as_it_says(file: File) -> None:
    busy = [problem(503, **{"Retry-After": "7"}), problem(429, **{"Retry-After": "30"})]
    shelf = Shelf(list(busy))
    assert shelf.sender().send(file).passages == 2
    assert shelf.patience.waited == [7, 30]


def test_a_server_that_restarts_is_waited_for(file: File) -> None:
    shelf = Shelf([httpx.ConnectError("refused")] * 12)
    assert shelf.sender().send(file).passages == 2
    assert shelf.patience.waited[:4] == [0.5, 1, 2, 4]
    assert max(shelf.patience.waited) == 10


def test_a_retriever_that_is_away_behind_its_gateway_is_waited_for(file: File) -> None:
    away = lines({"problem": {"status": 503, "detail": "away"}})
    shelf = Shelf([away] * 9)
    assert shelf.sender().send(file).passages == 2


def test_a_server_that_stays_away_ends_it_with_what_to_do(file: File) -> None:
    shelf = Shelf([httpx.ConnectError("refused")] * 99)
    with pytest.raises(Trouble, match="goes on where this one stopped"):
        shelf.sender(patience_s=60).send(file)


def test_what_was_broken_off_is_sent_again_under_the_same_name(file: File) -> None:
    step = {"step": "embedded", "passages": 1, "passages_total": 2}
    killed = lines(step, {"problem": {"status": 503, "detail": "away"}})
    shelf = Shelf([httpx.ReadError("reset"), lines(step), killed])
    assert shelf.sender().send(file).passages == 2
    assert shelf.sent == ["livre.txt"] * 4


def test_a_document_that_breaks_a_ready_server_five_times_is_given_up(file: File) -> None:
    shelf = Shelf([httpx.ReadError("reset")] * 9)
    sent = shelf.sender().send(file)
    assert sent.broke_off
    assert sent.failures[0].reason == "broke off 5 times (reset)"
    assert len(shelf.sent) == 5


def test_a_refusal_has_reason_and_remedy(file: File) -> None:
    told = lines({"problem": {"status": 422, "detail": "livre.txt: is empty: send a text"}})
    for reply in (problem(422, "livre.txt: is empty: send a text"), told):
        sent = Shelf([reply]).sender().send(file)
        assert sent.failures == (Failure("livre.txt", "is empty", "send a text"),)


def test_each_document_of_an_archive_has_an_outcome_of_its_own(file: File) -> None:
    failed = {"document": "a.zip/b.txt", "reason": "is empty", "remedy": "send a text"}
    shelf = Shelf([lines({"document": entry_of("a.zip/a.txt", b"")}, {"failed": failed})])
    sent = shelf.sender().send(file)
    assert [entry["document"] for entry in sent.entries] == ["a.zip/a.txt"]
    assert sent.failures == (Failure("a.zip/b.txt", "is empty", "send a text"),)


def test_a_file_that_is_gone_is_a_failure_and_no_end(file: File) -> None:
    file.path.unlink()
    [failure] = Shelf().sender().send(file).failures
    assert failure.reason == "cannot be read (No such file or directory)"


def test_a_token_that_may_not_write_ends_it(file: File) -> None:
    with pytest.raises(Trouble, match="documents:write"):
        Shelf([problem(403, "This needs the scope 'documents:write'")]).sender().send(file)


def test_ctrl_c_ends_what_waits(file: File) -> None:
    shelf = Shelf([httpx.ConnectError("refused")] * 3)
    shelf.patience.set()
    with pytest.raises(Stopped):
        shelf.sender().send(file)
