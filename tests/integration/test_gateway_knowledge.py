"""Versions and generations over HTTP, to those who may write documents."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from palabre.chassis.testing import NatsServer
from palabre.gateway import testing
from palabre.gateway.testing import AUTH, Surroundings, demo_space

DOCUMENTS = "/api/v1/spaces/demo/documents"


@pytest.fixture
async def http(
    nats: NatsServer, tmp_path: Path, around: Surroundings
) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        testing.running(
            nats,
            tmp_path,
            {"demo": demo_space()},
            retriever_address=around.address,
            tts_address=around.address,
        ) as running,
        httpx.AsyncClient(base_url=running.url, timeout=20, headers=AUTH) as client,
    ):
        yield client


async def ingested(http: httpx.AsyncClient, name: str) -> str:
    """The version."""
    file = {"file": (name, b"Le loyer.")}
    reply = await http.post(DOCUMENTS, files=file, data={"document": name})
    assert reply.status_code == 201, reply.text
    version: str = reply.json()["version"]
    return version


async def test_versions_of_a_document_are_listed_and_one_comes_back(
    http: httpx.AsyncClient,
) -> None:
    version = await ingested(http, "guides/loyer.md")
    listed = (await http.get(f"{DOCUMENTS}/guides/loyer.md/versions")).json()
    assert [entry["version"] for entry in listed["versions"]] == [version]
    body = {"version": version[:8]}
    back = await http.post(f"{DOCUMENTS}/guides/loyer.md/rollback", json=body)
    assert (back.status_code, back.json()["version"]) == (200, version)


async def test_what_is_not_kept_is_not_found_and_no_version_is_refused(
    http: httpx.AsyncClient,
) -> None:
    await ingested(http, "loyer.md")
    statuses = [
        (await http.post(f"{DOCUMENTS}/{name}/rollback", json={"version": version})).status_code
        for name, version in (("loyer.md", "zzzz"), ("autre.md", "abcd"), ("loyer.md", ""))
    ]
    assert statuses == [404, 404, 422]


async def test_a_rebuild_is_told_as_one_answer_or_step_by_step(http: httpx.AsyncClient) -> None:
    await ingested(http, "loyer.md")
    done = {"documents": 1, "documents_total": 1, "lost": [], "generation": "demo"}
    whole = await http.post("/api/v1/spaces/demo/rebuild")
    assert (whole.status_code, whole.json()) == (200, done)
    lines = await http.post(
        "/api/v1/spaces/demo/rebuild", headers={"Accept": "application/x-ndjson"}
    )
    assert [json.loads(line) for line in lines.text.splitlines()] == [done]
    assert (await http.get("/api/v1/spaces/demo/generations")).json() == {"generations": []}


async def test_who_may_not_write_documents_may_none_of_this(http: httpx.AsyncClient) -> None:
    await ingested(http, "loyer.md")
    new = {"name": "essai", "scopes": ["ask", "search"], "spaces": ["demo"]}
    secret = (await http.post("/api/v1/tokens", json=new)).json()["token"]
    theirs = {"Authorization": f"Bearer {secret}"}
    for method, path in (
        ("GET", f"{DOCUMENTS}/loyer.md/versions"),
        ("POST", f"{DOCUMENTS}/loyer.md/rollback"),
        ("GET", "/api/v1/spaces/demo/generations"),
        ("POST", "/api/v1/spaces/demo/rebuild"),
    ):
        reply = await http.request(method, path, headers=theirs, json={"version": "abcd"})
        assert reply.status_code == 403, path
