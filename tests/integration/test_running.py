"""Everything as `palabre run` starts it, driven by the command line."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from palabre.chassis import events, nats_config
from palabre.chassis.bus import Bus
from palabre.chassis.ids import uuid7
from palabre.chassis.testing import free_port, until
from palabre.cli.testing import Running, running
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Utterance

SPACES = Path("spaces").resolve()
DEPOSIT = "etat-des-lieux-de-sortie-et-restitution-du-depot.md"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("run")
    spaces = folder / "spaces"
    shutil.copytree(SPACES, spaces)
    with running(folder / "data", spaces=spaces) as system:
        yield system


def palabre(system: Running, *arguments: str, code: int = 0) -> str:
    """What the command prints. Both outputs, since people see both."""
    done = subprocess.run(
        [sys.executable, "-m", "palabre.cli", *arguments],
        env={**os.environ, **system.environment, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def client(system: Running) -> httpx.Client:
    headers = {"Authorization": f"Bearer {system.token}"}
    return httpx.Client(base_url=system.url, headers=headers, timeout=30)


def test_a_question_is_answered_with_its_sources(system: Running) -> None:
    answer = palabre(system, "ask", "Qui doit réparer le chauffe-eau ?")
    assert "Sources" in answer
    assert ".md" in answer


def test_a_file_that_is_no_image_is_named(system: Running, tmp_path: Path) -> None:
    (tmp_path / "bail.png").write_text("no image", encoding="utf-8")
    told = palabre(system, "ask", "?", "--image", str(tmp_path / "bail.png"), code=1)
    assert "bail.png: The image is no image" in " ".join(told.split())


def test_what_is_not_in_the_knowledge_is_said_to_be_unknown(system: Running) -> None:
    answer = palabre(system, "ask", "Quelle est la capitale du Pérou ?")
    assert "Sources" not in answer


def test_search_shows_passages(system: Running) -> None:
    assert "panne-de-chauffage" in palabre(system, "search", "panne de chauffage")


def test_a_running_space_is_evaluated(system: Running, tmp_path: Path) -> None:
    asked = tmp_path / "questions.jsonl"
    lines: list[dict[str, str | None]] = [
        {
            "question": "Quand mon dépôt de garantie est-il rendu après mon départ ?",
            "document": DEPOSIT,
        },
        {"question": "Quelle est la recette du cassoulet toulousain ?", "document": None},
    ]
    asked.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    kept = tmp_path / "result.json"
    shown = palabre(system, "eval", str(asked), "--space", "logement", "--json", str(kept))
    assert "Questions: 1 with an answer, 1 without; space logement" in shown
    figures = json.loads(kept.read_text(encoding="utf-8"))["figures"]
    assert figures["recall@5 without the floor"]["value"] == 1
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text(json.dumps(lines[0] | {"document": "depot.md"}), encoding="utf-8")
    assert "line 1: no document 'depot.md' here" in palabre(system, "eval", str(wrong), code=1)


def test_a_document_is_ingested_found_and_unchanged_the_second_time(
    system: Running, tmp_path: Path
) -> None:
    page = tmp_path / "zeppelin.md"
    page.write_text("# Dirigeables\n\nLe zeppelin est garé au hangar 7.\n", encoding="utf-8")
    assert "1 new or changed" in palabre(system, "ingest", str(page), "--space", "logement")
    assert "1 unchanged" in palabre(system, "ingest", str(page), "--space", "logement")
    assert "zeppelin.md" in palabre(system, "search", "Où est garé le zeppelin ?")


def test_a_documents_versions_are_listed_and_rolled_back_and_the_index_is_made_anew(
    system: Running, tmp_path: Path
) -> None:
    page, versions = tmp_path / "dirigeable.md", []
    for hangar in ("neuf", "douze"):
        page.write_text(f"# Dirigeable\n\nIl attend au hangar {hangar}.\n", encoding="utf-8")
        palabre(system, "ingest", str(page), "--space", "logement")
        shown = palabre(system, "knowledge", "history", page.name, "--space", "logement")
        versions.append(shown.splitlines()[1].split()[0])
    question = ("search", "Dans quel hangar attend le dirigeable ?")
    assert "hangar douze" in palabre(system, *question)
    palabre(system, "knowledge", "rollback", page.name, versions[0], "--space", "logement")
    assert "hangar neuf" in palabre(system, *question)
    assert "serves." in palabre(system, "knowledge", "rebuild", "--space", "logement")
    assert "hangar neuf" in palabre(system, *question)
    listed = palabre(system, "knowledge", "generations", "--space", "logement")
    assert [line.split()[1] for line in listed.splitlines()[1:]] == ["retired", "serving"]


def test_a_bad_document_is_named_with_the_reason_and_the_rest_goes_on(
    system: Running, tmp_path: Path
) -> None:
    (tmp_path / "vide.md").write_text("", encoding="utf-8")
    (tmp_path / "plein.md").write_text("# Plein\n\nUn texte.\n", encoding="utf-8")
    report = palabre(system, "ingest", str(tmp_path), "--space", "logement", code=1)
    assert "1 new or changed, 0 unchanged, 1 failed" in report
    assert "vide.md" in report


def test_a_token_is_made_listed_revoked_and_then_refused(system: Running) -> None:
    made = palabre(system, "token", "create", "essai", "--scopes", "search", "--groups", "rh")
    secret = next(word for word in made.split() if word.startswith("palabre_"))
    headers = {"Authorization": f"Bearer {secret}"}
    path = f"{system.url}/api/v1/spaces/logement/search"
    assert httpx.get(path, params={"q": "loyer"}, headers=headers).status_code == 200
    with client(system) as http:
        [kept] = [t for t in http.get("/api/v1/tokens").json()["tokens"] if t["name"] == "essai"]
    assert kept["groups"] == ["rh"]
    listed = palabre(system, "token", "list")
    number = next(line for line in listed.splitlines() if "essai" in line).split()[0]
    palabre(system, "token", "revoke", number)
    assert httpx.get(path, params={"q": "loyer"}, headers=headers).status_code == 401


def test_a_changed_space_is_live_within_two_seconds(system: Running) -> None:
    folder = system.folder.parent / "spaces" / "logement"
    file = folder / "space.toml"
    text = file.read_text(encoding="utf-8")
    name = next(line for line in text.splitlines() if line.startswith("name"))
    file.write_text(text.replace(name, 'name = "Autre nom"'), encoding="utf-8")
    assert "live" in palabre(system, "spaces", "apply", str(folder))
    assert "(none)" in palabre(system, "spaces", "diff", str(folder))
    with client(system) as http:

        def renamed() -> bool:
            return bool(http.get("/api/v1/spaces").json()["spaces"][0]["name"] == "Autre nom")

        asyncio.run(until(renamed, 2))
    history = palabre(system, "spaces", "history", "logement").splitlines()
    palabre(system, "spaces", "rollback", "logement", history[1].split()[0])
    assert "Autre nom" in palabre(system, "spaces", "diff", str(folder))
    file.write_text(text.replace(name, 'name = "Encore un"'), encoding="utf-8")
    assert "changed live" in palabre(system, "spaces", "apply", str(folder), code=1)
    said = palabre(system, "spaces", "apply", "--keep-edits", str(folder))
    assert "logement: left as it is: changed live" in said


def test_a_wrong_space_is_refused_with_file_key_and_remedy(system: Running, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    shutil.copytree(SPACES / "logement", wrong, ignore=shutil.ignore_patterns("knowledge"))
    with (wrong / "personas" / "hugo.toml").open("a", encoding="utf-8") as file:
        file.write("\n[humour]\nlevel = 3\n")
    said = palabre(system, "spaces", "apply", str(wrong), code=1)
    assert "personas/hugo.toml: humour: no such key" in said


def test_an_erased_conversation_is_gone(system: Running) -> None:
    with client(system) as http:
        made = http.post("/api/v1/spaces/logement/conversations", json={}).json()["id"]
        asked = {"text": "Comment rendre mon logement ?"}
        http.post(f"/api/v1/conversations/{made}/utterances", json=asked).raise_for_status()
        palabre(system, "erase", made, "--yes")
        assert http.get(f"/api/v1/conversations/{made}").status_code == 404


def test_status_shows_services_and_streams(system: Running) -> None:
    shown = palabre(system, "status")
    assert shown.count("ready") == 4
    assert "TURNS" in shown


def test_streams_apply_twice_changes_nothing(system: Running) -> None:
    assert "nothing to change" in palabre(system, "streams", "apply")


def test_a_second_one_on_the_same_folder_is_refused_with_a_sentence(system: Running) -> None:
    said = palabre(system, "run", code=1)
    assert "already runs" in said


def test_every_service_answers_live_ready_and_metrics(system: Running) -> None:
    for name, port in system.instance.ports.operations.items():
        for path in ("live", "ready", "metrics"):
            assert httpx.get(f"http://127.0.0.1:{port}/{path}").status_code == 200, name


def test_a_crashed_service_is_started_again(system: Running) -> None:
    before = system.pids()["tts"]
    os.kill(before, signal.SIGKILL)

    def again() -> bool:
        return system.pids().get("tts", before) != before

    asyncio.run(until(again, 20))


def test_without_a_server_the_command_says_what_to_do(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "palabre.cli", "ask", "Bonjour ?"],
        env={**os.environ, "PALABRE_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "palabre run" in done.stderr


def test_it_starts_again_where_it_was_and_stops_without_a_trace(tmp_path: Path) -> None:
    port = str(free_port())
    with running(tmp_path, {"PALABRE_HTTP_PORT": port}, spaces=SPACES) as first:
        token, log = first.token, first.log
    with running(tmp_path, {"PALABRE_HTTP_PORT": port}, spaces=SPACES) as second:
        assert second.token == token
        assert "panne-de-chauffage" in palabre(second, "search", "panne de chauffage")
        pids = second.pids()
    text = log.read_text(encoding="utf-8")
    assert text.count("Administrator's API token") == 1
    assert text.count("passages new") == 2  # once for each space: the second start sends nothing
    assert "Traceback" not in text
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids.values())
    assert json.loads(json.dumps(pids)).keys() == {"nats", "gateway", "retriever", "llm", "tts"}


async def test_a_dead_letter_is_listed_shown_and_asked_again(system: Running) -> None:
    asked = events.begin(
        "logement",
        "api",
        uuid7(),
        pb.UtteranceReceived(utterance=Utterance(text="Bonjour", persona="personne")),
    )
    word = nats_config.passwords(system.folder)["gateway"]
    bus = await Bus.connect(system.instance.nats_url, "gateway", "gateway", word)
    await bus.publish(asked)
    await until(lambda: bus.ended(asked), 20)
    await bus.close()
    listed = await asyncio.to_thread(palabre, system, "dead", "list")
    line = next(line for line in listed.splitlines() if asked.conversation in line)
    assert "no persona 'personne'" in line
    number = line.split()[0]
    assert "personne" in await asyncio.to_thread(palabre, system, "dead", "show", number)
    assert "asked again" in await asyncio.to_thread(palabre, system, "dead", "retry", number)
