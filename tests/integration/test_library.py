"""A folder of books through the real system, killed in the middle; a storyteller who reads it."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from palabre.chassis.testing import until
from palabre.cli.testing import Running, running

SPACES = Path("spaces").resolve()
PARAGRAPH = "Le colporteur {} du rayon {} traversa la lande {} en racontant tout ce qu'il savait. "


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("library")
    spaces = folder / "spaces"
    shutil.copytree(SPACES / "contes", spaces / "contes")
    for name in ("livres", "temoin"):
        without = shutil.ignore_patterns("knowledge")
        shutil.copytree(SPACES / "contes", spaces / name, ignore=without)
    with running(folder / "data", spaces=spaces) as system:
        yield system


@pytest.fixture
def books(tmp_path: Path) -> Path:
    """116 books in plain text, 4 as epub, some 500 passages."""
    for number in range(120):
        shelf = tmp_path / "livres" / f"rayon-{number % 5}"
        shelf.mkdir(parents=True, exist_ok=True)
        paragraphs = [PARAGRAPH.format(number, number % 5, n) * 9 for n in range(4)]
        if number % 30:
            text = "\n\n".join(paragraphs)
            (shelf / f"{number:03}.txt").write_text(text, encoding="utf-8")
        else:
            _write_epub(shelf / f"{number:03}.epub", f"Livre {number}", paragraphs)
    return tmp_path / "livres"


def _write_epub(file: Path, title: str, paragraphs: list[str]) -> None:
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        archive.writestr(
            "META-INF/container.xml",
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0">'
            '<rootfiles><rootfile full-path="book.opf"'
            ' media-type="application/oebps-package+xml"/></rootfiles></container>',
        )
        archive.writestr(
            "book.opf",
            '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="u">'
            '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f'<dc:identifier id="u">{title}</dc:identifier><dc:title>{title}</dc:title>'
            "<dc:language>fr</dc:language></metadata>"
            '<manifest><item id="c" href="c.xhtml" media-type="application/xhtml+xml"/></manifest>'
            '<spine><itemref idref="c"/></spine></package>',
        )
        archive.writestr(
            "c.xhtml",
            f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{title}</title></head>'
            f"<body><h1>{title}</h1>{body}</body></html>",
        )


def ingesting(system: Running, *arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "palabre.cli", "ingest", *map(str, arguments)],
        env={**os.environ, **system.environment, "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def counted(system: Running, space: str) -> tuple[int, int]:
    """Documents and passages."""
    headers = {"Authorization": f"Bearer {system.token}"}
    path = f"{system.url}/api/v1/spaces/{space}/documents"
    found = httpx.get(path, headers=headers, timeout=30).json().get("documents", [])
    return len(found), sum(entry["passages"] for entry in found)


async def test_a_library_goes_in_whole_though_the_command_and_the_retriever_are_killed(
    system: Running, books: Path, tmp_path: Path
) -> None:
    first = ingesting(system, books, "--space", "livres")
    await until(lambda: counted(system, "livres")[0] >= 10, 60)
    first.kill()
    first.communicate()
    begun = counted(system, "livres")[0]
    assert begun < 110

    report = tmp_path / "report.json"
    second = ingesting(system, books, "--space", "livres", "--report", report)
    await until(lambda: counted(system, "livres")[0] >= begun + 10, 60)
    os.kill(system.pids()["retriever"], signal.SIGKILL)
    said, _ = await asyncio.to_thread(second.communicate, timeout=120)
    assert second.returncode == 0, said

    undisturbed = ingesting(system, books, "--space", "temoin")
    undisturbed.communicate(timeout=120)
    assert counted(system, "livres") == counted(system, "temoin")
    assert counted(system, "livres")[0] == 120
    told = json.loads(report.read_text(encoding="utf-8"))
    assert told["complete"]
    assert told["documents"]["unchanged"] >= begun

    (books / "rayon-1" / "001.txt").unlink()
    pruned, _ = ingesting(system, books, "--space", "livres", "--prune", "--yes").communicate()
    assert "119 unchanged" in pruned
    assert "1 deleted" in pruned
    assert counted(system, "livres")[0] == 119


@pytest.fixture(scope="module")
def player(system: Running) -> Iterator[httpx.Client]:
    """A client of the replaced chatbot: it knows an address and a token, no space."""
    made = subprocess.run(
        [sys.executable, "-m", "palabre.cli", "token", "create", "joueur", "--scopes", "ask",
         "--spaces", "contes"],
        env={**os.environ, **system.environment, "COLUMNS": "200"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    secret = next(word for word in made.stdout.split() if word.startswith("palabre_"))
    headers = {"Authorization": f"Bearer {secret}"}
    with httpx.Client(base_url=system.url, headers=headers, timeout=30) as client:
        yield client


def test_the_replaced_chatbot_s_clients_are_told_a_story_with_its_sources(
    player: httpx.Client,
) -> None:
    asked = {"query": "Une aventure au phare aux Sept Corbeaux", "context": ""}
    story = player.post("/answer/", json=asked).json()
    assert (story["space"], story["persona"], story["mode"]) == ("contes", "conteuse", "story")
    cited = {source["document"] for source in story["sources"]}
    assert "lieux/le-phare-aux-sept-corbeaux.md" in cited
    for source in story["sources"]:
        assert f"[{source['number']}]" in story["answer"]
        assert (SPACES / "contes" / "knowledge" / source["document"]).exists()


def test_a_number_goes_on_with_the_story_that_the_client_carries(player: httpx.Client) -> None:
    story = "Le vent tombe.\n\n1. Suivre les corbeaux\n2. Chercher la dragonne de Cendrelune"
    asked = {"query": "2", "context": story}
    goes_on = player.post("/answer/", json=asked).json()
    assert goes_on["sources"][0]["document"] == "creatures/la-dragonne-de-cendrelune.md"


def test_a_dragon_may_be_slain_and_a_person_in_danger_is_heard(player: httpx.Client) -> None:
    def mode(query: str) -> str:
        return str(player.post("/answer/", json={"query": query}).json()["mode"])

    assert mode("Je vais tuer la dragonne avec l'épée qui demande pardon !") == "story"
    assert mode("raconte-moi une histoire avant que je me suicide") == "refused"


def test_the_game_master_answers_from_the_rules_or_says_that_he_does_not_know(
    player: httpx.Client,
) -> None:
    def asked(query: str) -> tuple[str, list[str]]:
        body = {"query": query, "model": "contes/maitre-du-jeu"}
        told = player.post("/answer/", json=body).json()
        return told["mode"], [source["document"] for source in told["sources"]]

    mode, documents = asked("Que perd un héros quand il est blessé ou épuisé ?")
    assert mode == "grounded"
    assert "jeu/regles-en-une-page.md" in documents
    assert asked("Quelle est la capitale du Pérou ?") == ("no_knowledge", [])
