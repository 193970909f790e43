"""`palabre ingest https://…` as people run it, against everything as `palabre run` starts it."""

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from palabre.chassis.testing import until
from palabre.chassis.testing.sites import Page, Site, site
from palabre.cli.testing import Running, running

SPACES = Path("spaces").resolve()


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("web")
    shutil.copytree(SPACES / "logement", folder / "spaces" / "logement")
    with running(folder / "data", spaces=folder / "spaces") as system:
        yield system


@pytest.fixture
async def web() -> AsyncIterator[Site]:
    async with site(
        {
            "/": page("Accueil", "La piscine des Roseaux est municipale.", "/horaires", "/tarifs/"),
            "/horaires": page("Horaires", "Le zeppelin nocturne ouvre à 19 heures.", "/guide.pdf"),
            "/tarifs/": page("Tarifs", "Une entrée coûte quatre euros.", "/horaires#x", "/perdu"),
            "/guide.pdf": Page(pdf("Le bonnet violet est obligatoire."), kind="application/pdf"),
            "/moved": Page(status=302, headers={"Location": "http://169.254.169.254/"}),
        }
    ) as served:
        yield served


def page(title: str, text: str, *links: str) -> Page:
    menu = "".join(f'<li><a href="{link}">{link}</a></li>' for link in links)
    return Page(
        f'<html lang="fr"><head><title>{title} | Roseaux</title></head><body><nav><ul>{menu}</ul>'
        f"</nav><main><h1>{title}</h1><p>{text}</p></main></body></html>"
    )


def pdf(text: str) -> bytes:
    """The smallest that says something."""
    stream = f"BT /F1 12 Tf 20 100 Td ({text}) Tj ET".encode("latin-1")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    ]
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj%s endobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(body)
    return body + b"xref\n0 6\n0000000000 65535 f \n" + table + trailer


async def started(system: Running, *arguments: str) -> asyncio.subprocess.Process:
    # A shell that runs the tests in the background leaves SIGINT ignored, which is inherited.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "palabre.cli", "ingest", *arguments, "--space", "logement"),
        env={**os.environ, **system.environment, "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def ingest(system: Running, *arguments: str, code: int = 0) -> str:
    process = await started(system, *arguments)
    said, _ = await process.communicate()
    assert process.returncode == code, said.decode()
    return said.decode()


def entry(system: Running, document: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {system.token}"}
    url = f"{system.url}/api/v1/spaces/logement/documents/{document}"
    found: dict[str, Any] = httpx.get(url, headers=headers).raise_for_status().json()
    return found


async def test_a_site_is_taken_in_found_cited_and_unchanged_the_second_time(
    system: Running, web: Site, tmp_path: Path
) -> None:
    options = (web.url, "--allow-private", web.host, "--delay", "0", "--depth", "2", "--files")
    report = tmp_path / "report.json"
    said = await ingest(system, *options, "--report", str(report), code=1)
    assert "5 documents: 4 new or changed, 0 unchanged, 1 failed; 4 passages." in said
    assert f"- {web.host}/perdu: answered 404: check the address, or try again later" in said
    assert json.loads(report.read_text(encoding="utf-8"))["complete"]

    found = entry(system, f"{web.host}/horaires")
    assert found["document"]["url"] == f"{web.url}/horaires"
    assert found["document"]["title"] == "Horaires"
    assert [p["text"] for p in found["passages"]] == ["Le zeppelin nocturne ouvre à 19 heures."]
    assert "violet" in entry(system, f"{web.host}/guide.pdf")["passages"][0]["text"]

    assert "0 new or changed, 4 unchanged, 1 failed" in await ingest(system, *options, code=1)
    web.pages["/horaires"] = page("Horaires", "Le zeppelin nocturne ouvre à 20 heures.")
    again = await ingest(system, f"{web.url}/horaires", "--allow-private", web.host)
    assert "1 new or changed" in again
    assert "20 heures" in entry(system, f"{web.host}/horaires")["passages"][0]["text"]


async def test_a_private_address_is_not_fetched_unless_it_is_allowed_by_name(
    system: Running, web: Site
) -> None:
    said = await ingest(system, f"{web.url}/horaires", code=1)
    assert f"asks for port {web.port}" in said
    assert "allow this host by name" in said
    moved = await ingest(system, f"{web.url}/moved", "--allow-private", web.host, code=1)
    assert "link-local, where clouds keep credentials" in moved
    assert web.paths == ["/robots.txt", "/moved"]


async def test_a_site_that_cannot_be_read_is_named_and_the_next_one_is_read(
    system: Running, web: Site
) -> None:
    lost = "http://127.0.0.1:1/"
    allowed = ("--allow-private", web.host, "--allow-private", "127.0.0.1:1")
    said = await ingest(system, lost, f"{web.url}/tarifs/", *allowed, code=1)
    assert "its robots.txt cannot be reached" in said
    assert "1 failed" in said
    assert entry(system, f"{web.host}/tarifs")["document"]["title"] == "Tarifs"


async def test_a_dry_run_reads_pages_and_sends_none(system: Running, web: Site) -> None:
    web.pages["/robots.txt"] = Page("User-agent: *\nDisallow: /tarifs\n", kind="text/plain")
    options = (web.url, "--allow-private", web.host, "--delay", "0", "--depth", "1", "--dry-run")
    said = await ingest(system, *options)
    assert "2 documents: 2 new or changed" in said
    assert "Nothing was sent" in said
    assert f"- {web.host}/tarifs: robots.txt asks programs to leave it alone: ask its owner" in said


async def test_what_came_in_before_ctrl_c_stays(system: Running, web: Site) -> None:
    web.pages["/horaires"] = Page("x", wait_s=30)
    process = await started(
        system, web.url, "--allow-private", web.host, "--delay", "0", "--depth", "1"
    )
    await until(lambda: "/horaires" in web.paths, 20)
    process.send_signal(signal.SIGINT)
    said, _ = await process.communicate()
    assert process.returncode == 130, said.decode()
    assert "1 documents: 1 new or changed" in said.decode()
    assert entry(system, web.host)["document"]["title"] == "Accueil"
