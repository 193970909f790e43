"""Versions and generations over HTTP, to those who may write documents."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from palabre.chassis.testing import NatsServer, until
from palabre.gateway import testing
from palabre.gateway.testing import AUTH, Surroundings, demo_space

DOCUMENTS = "/api/v1/spaces/demo/documents"
SNAPSHOTS = "/api/v1/spaces/demo/snapshots"


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
    bodies = {SNAPSHOTS: dict[str, str]()}
    for method, path in (
        ("GET", f"{DOCUMENTS}/loyer.md/versions"),
        ("POST", f"{DOCUMENTS}/loyer.md/rollback"),
        ("GET", "/api/v1/spaces/demo/generations"),
        ("POST", "/api/v1/spaces/demo/rebuild"),
        ("POST", SNAPSHOTS),
        ("DELETE", f"{SNAPSHOTS}/abcd"),
    ):
        reply = await http.request(
            method, path, headers=theirs, json=bodies.get(path, {"version": "abcd"})
        )
        assert reply.status_code == 403, path


async def test_the_knowledge_as_it_was_is_told_step_by_step_and_dropped(
    http: httpx.AsyncClient, around: Surroundings
) -> None:
    await ingested(http, "loyer.md")
    wanted = {"at": "2026-11-20T10:00:00+01:00", "versions": {"loyer.md": "abcd"}}
    lines = await http.post(SNAPSHOTS, json=wanted)
    first, last = (json.loads(line) for line in lines.text.splitlines())
    assert (first["documents"], first["documents_total"], first["snapshot"]) == (0, 1, None)
    assert (last["snapshot"], last["expires_at"]) == ("abcd", "1970-01-01T01:00:00Z")
    assert last["left_out"] == [{"document": "2026-11-20T09:00:00Z", "reason": "deleted"}]
    assert around.retriever.snapshots == {"abcd"}
    for _ in range(2):
        assert (await http.delete(f"{SNAPSHOTS}/abcd")).status_code == 204
    assert around.retriever.snapshots == set()


async def test_who_hangs_up_while_a_snapshot_is_made_ends_it(
    http: httpx.AsyncClient, around: Surroundings
) -> None:
    wanted = {"versions": {"loyer.md": "dead"}}
    async with http.stream("POST", SNAPSHOTS, json=wanted) as lines:
        await anext(lines.aiter_lines())
        assert around.retriever.snapshots == {"begun"}

    async def ended() -> bool:
        return not around.retriever.snapshots

    await until(ended, 20)


@pytest.mark.parametrize(
    "wanted", [{"at": "2026-11-20"}, {"at": "hier"}, {"versions": {"a.md": "x"}}, {"when": "hier"}]
)
async def test_a_time_that_could_be_anywhere_is_refused(
    http: httpx.AsyncClient, wanted: dict[str, object]
) -> None:
    assert (await http.post(SNAPSHOTS, json=wanted)).status_code == 422


async def test_those_who_may_write_documents_may_not_see_what_was(http: httpx.AsyncClient) -> None:
    new = {"name": "essai", "scopes": ["documents:write", "spaces:write"], "spaces": ["demo"]}
    secret = (await http.post("/api/v1/tokens", json=new)).json()["token"]
    theirs = {"Authorization": f"Bearer {secret}"}
    assert (await http.post(SNAPSHOTS, headers=theirs, json={})).status_code == 403
    assert (await http.delete(f"{SNAPSHOTS}/abcd", headers=theirs)).status_code == 403
