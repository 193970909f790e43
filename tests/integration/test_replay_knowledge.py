"""Turns asked again of documents as they were: through everything that `palabre run` starts."""

import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from palabre.cli.testing import Running, running

SPACES = Path("spaces").resolve()
SPACE = "/api/v1/spaces/logement"
QUESTION = "Combien coûte le badge de la piscine ?"
BADGE = "# Piscine\n\nLe badge de la piscine coûte {} euros.\n"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("then")
    spaces = folder / "spaces"
    shutil.copytree(SPACES / "logement", spaces / "logement")
    with running(folder / "data", spaces=spaces) as system:
        yield system


@pytest.fixture
def http(system: Running) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {system.token}"}
    with httpx.Client(base_url=system.url, headers=headers, timeout=30) as client:
        yield client


class Document:
    """A document of its own for each test, and a conversation about it."""

    def __init__(self, http: httpx.Client, name: str) -> None:
        self._http, self.name = http, name

    def ingest(self, euros: str, tier: str = "public") -> str:
        """The version."""
        file = {"file": (self.name, BADGE.format(euros).encode())}
        form = {"document": self.name, "tier": tier}
        reply = self._http.post(f"{SPACE}/documents", files=file, data=form)
        return str(reply.raise_for_status().json()["version"])

    def delete(self) -> None:
        self._http.delete(f"{SPACE}/documents/{self.name}").raise_for_status()

    def ask(self) -> str:
        """The conversation, once it is answered."""
        made = str(self._http.post(f"{SPACE}/conversations", json={}).json()["id"])
        path = f"/api/v1/conversations/{made}"
        asked = self._http.post(f"{path}/utterances", json={"text": QUESTION})
        turn = asked.raise_for_status().json()["turn"]
        with self._http.stream("GET", f"{path}/events", params={"turn": turn}) as events:
            assert "event: completed" in events.iter_lines()
        return made

    def found(self) -> str:
        """What people find."""
        query: dict[str, str | int] = {"q": QUESTION, "limit": 5}
        passages = self._http.get(f"{SPACE}/search", params=query).json()["passages"]
        return " ".join(p["text"] for p in passages if p["document"] == self.name)


@pytest.fixture
def document(http: httpx.Client, request: pytest.FixtureRequest) -> Iterator[Document]:
    made = Document(http, f"piscine-{abs(hash(request.node.name))}.md")
    yield made
    http.delete(f"{SPACE}/documents/{made.name}")


def now() -> str:
    time.sleep(0.01)
    moment = dt.datetime.now(dt.UTC).isoformat()
    time.sleep(0.01)
    return moment


def replayed(
    system: Running, folder: Path, *arguments: str, code: int = 0
) -> tuple[str, list[dict[str, Any]]]:
    """What is shown, and the pairs of answers."""
    lines = folder / "pairs.jsonl"
    lines.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "palabre.cli", "replay", *arguments, "--json", str(lines)],
        env={**os.environ, **system.environment, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == code, done.stdout + done.stderr
    pairs = [json.loads(line) for line in lines.read_text("utf-8").splitlines()[1:]]
    return done.stdout + done.stderr, pairs


def kept(system: Running) -> list[str]:
    """Snapshots on the disk."""
    return [folder.name for folder in (system.folder / "index").iterdir() if "~" in folder.name]


def test_a_turn_is_answered_from_the_words_of_then_which_people_never_see(
    system: Running, document: Document, tmp_path: Path
) -> None:
    first = document.ingest("douze")
    conversation, then = document.ask(), now()
    document.ingest("quinze")
    done, seen = threading.Event(), set[str]()

    def look() -> None:
        while not done.wait(0.02):
            seen.add(document.found())

    people = threading.Thread(target=look)
    people.start()
    try:
        shown, [pair] = replayed(system, tmp_path, conversation, "--knowledge", then)
        _, [pinned] = replayed(
            system, tmp_path, conversation, "--knowledge", f"{document.name}@{first[:8]}"
        )
    finally:
        done.set()
        people.join()
    assert "0 came later" in shown
    for each in (pair, pinned):
        assert each["same"], shown
        assert "coûte douze euros" in each["after"]["text"]
        assert document.name in {source["document"] for source in each["after"]["sources"]}
    assert seen == {"Le badge de la piscine coûte quinze euros."}
    _, [again] = replayed(system, tmp_path, conversation, "--again")
    assert "quinze euros" in again["after"]["text"]
    assert kept(system) == []


def test_all_turns_of_a_space_are_asked_of_the_knowledge_before_a_document_came(
    system: Running, document: Document, tmp_path: Path
) -> None:
    then = now()
    document.ingest("douze")
    document.ask()
    how = ("--all", "--space", "logement", "--yes", "--limit", "500", "--knowledge", then)
    shown, pairs = replayed(system, tmp_path, *how)
    assert "1 came later" in shown
    before, after = (
        {source["document"] for pair in pairs for source in pair[side]["sources"]}
        for side in ("before", "after")
    )
    assert (document.name in before, document.name in after) == (True, False)
    assert kept(system) == []


def restrict(document: Document) -> None:
    document.ingest("quinze", tier="restricted")


@pytest.mark.parametrize(
    ("change", "told"), [(Document.delete, "deleted since"), (restrict, "0 came later")]
)
def test_what_was_deleted_or_restricted_since_is_not_shown(
    system: Running,
    document: Document,
    tmp_path: Path,
    change: Callable[[Document], None],
    told: str,
) -> None:
    document.ingest("douze")
    conversation, then = document.ask(), now()
    change(document)
    shown, [pair] = replayed(system, tmp_path, conversation, "--knowledge", then)
    assert told in shown
    assert "douze" in pair["before"]["text"]
    assert "douze" not in pair["after"]["text"]
    assert document.name not in {source["document"] for source in pair["after"]["sources"]}


def test_a_retriever_that_is_killed_serves_people_and_the_snapshot_as_before(
    system: Running, document: Document, http: httpx.Client
) -> None:
    first = document.ingest("douze")
    document.ingest("quinze")
    wanted = {"versions": {document.name: first}}
    lines = http.post(f"{SPACE}/snapshots", json=wanted).text.splitlines()
    snapshot = json.loads(lines[-1])["snapshot"]
    os.kill(system.pids()["retriever"], signal.SIGKILL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if http.get(f"{SPACE}/search", params={"q": QUESTION}).is_success:
            break
        time.sleep(0.2)
    assert document.found() == "Le badge de la piscine coûte quinze euros."
    assert [name.split("~")[1].split(".")[0] for name in kept(system)][:1] == [snapshot]
    http.delete(f"{SPACE}/snapshots/{snapshot}").raise_for_status()
    assert kept(system) == []


def test_a_command_that_is_killed_while_it_builds_leaves_nothing(
    system: Running, http: httpx.Client
) -> None:
    with http.stream("POST", f"{SPACE}/snapshots", json={}) as lines:
        next(lines.iter_lines())
        assert kept(system)
    deadline = time.monotonic() + 30
    while kept(system) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert kept(system) == []


def test_a_time_that_nobody_can_read_and_an_unknown_version_are_told(
    system: Running, document: Document
) -> None:
    document.ingest("douze")
    conversation = document.ask()
    for said, advice in (("hier", "say recorded, a time"), ("x.md@abcd", "no such document")):
        done = subprocess.run(
            [sys.executable, "-m", "palabre.cli", "replay", conversation, "--knowledge", said],
            env={**os.environ, **system.environment, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, advice in done.stderr) == (1, True), done.stderr
