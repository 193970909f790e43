"""Who may do what, and how refusals look."""

import asyncio
import datetime as dt
import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from palabre.channels.testing import ScriptedAnswers, plain_answer
from palabre.chassis.testing import Gains, NatsServer
from palabre.gateway import testing
from palabre.gateway.testing import AUTH, RunningGateway, Surroundings, demo_space


@pytest.fixture
async def gateway(
    nats: NatsServer, tmp_path: Path, around: Surroundings
) -> AsyncIterator[RunningGateway]:
    spaces = {"demo": demo_space(), "closed": demo_space(channels={"web": {"enabled": False}})}
    async with testing.running(
        nats,
        tmp_path,
        spaces,
        retriever_address=around.address,
        tts_address=around.address,
        max_upload_bytes=100_000,
        visitor_requests_per_minute=30,
    ) as running:
        yield running


@pytest.fixture
async def http(gateway: RunningGateway) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=gateway.url, timeout=20) as client:
        yield client


async def token(http: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    new = {"name": "essai", "scopes": ["ask"], "spaces": ["demo"]} | fields
    reply = await http.post("/api/v1/tokens", json=new, headers=AUTH)
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    return made


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def test_without_a_token_nothing_is_told(http: httpx.AsyncClient) -> None:
    for path in ("/api/v1/spaces", "/api/v1/tokens", "/api/v1/conversations/x", "/v1/models"):
        reply = await http.get(path)
        assert reply.status_code == 401, path
        assert reply.headers["www-authenticate"] == "Bearer"


async def test_a_token_does_what_its_scopes_say_in_its_spaces(http: httpx.AsyncClient) -> None:
    made = await token(http)
    mine = bearer(made["token"])
    assert made["token"].startswith("palabre_")
    begun = await http.post("/api/v1/spaces/demo/conversations", json={}, headers=mine)
    assert begun.status_code == 201
    for method, path in (
        ("POST", "/api/v1/spaces/closed/conversations"),
        ("GET", "/api/v1/spaces/demo/search?q=loyer"),
        ("GET", "/api/v1/spaces/demo/documents"),
        ("DELETE", "/api/v1/spaces/demo/documents/a.md"),
        ("GET", "/api/v1/tokens"),
        ("GET", "/api/v1/spaces/demo/definition"),
    ):
        body: dict[str, str] | None = {} if method == "POST" else None
        reply = await http.request(method, path, headers=mine, json=body)
        assert reply.status_code == 403, path
        assert reply.json()["detail"].endswith((".", "it."))
    spaces = (await http.get("/api/v1/spaces", headers=mine)).json()["spaces"]
    assert [space["id"] for space in spaces] == ["demo"]


async def test_cut_expired_and_revoked_tokens_are_refused(http: httpx.AsyncClient) -> None:
    made = await token(http)
    past = (dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)).isoformat()
    late = await token(http, expires_at=past)
    for secret in (made["token"][:-1], made["token"][:20], late["token"], made["id"]):
        reply = await http.get("/api/v1/spaces", headers=bearer(secret))
        assert reply.status_code == 401
    assert (await http.get("/api/v1/spaces", headers=bearer(made["token"]))).status_code == 200
    gone = await http.delete(f"/api/v1/tokens/{made['id']}", headers=AUTH)
    assert gone.status_code == 204
    refused = await http.get("/api/v1/spaces", headers=bearer(made["token"]))
    assert refused.status_code == 401
    assert "revoked" in refused.json()["detail"]


async def test_a_revocation_reaches_other_replicas_within_a_second(
    nats: NatsServer, tmp_path: Path, http: httpx.AsyncClient
) -> None:
    made = await token(http)
    async with (
        testing.running(nats, tmp_path) as other,
        httpx.AsyncClient(base_url=other.url, headers=bearer(made["token"])) as there,
    ):
        assert (await there.get("/api/v1/spaces")).status_code == 200
        await http.delete(f"/api/v1/tokens/{made['id']}", headers=AUTH)
        await asyncio.sleep(1)
        assert (await there.get("/api/v1/spaces")).status_code == 401


async def test_an_administrator_of_a_space_cannot_reach_further(http: httpx.AsyncClient) -> None:
    local = bearer((await token(http, scopes=["admin"]))["token"])
    everywhere = {"name": "x", "scopes": ["ask"], "spaces": ["*"]}
    assert (await http.post("/api/v1/tokens", json=everywhere, headers=local)).status_code == 403
    seen = (await http.get("/api/v1/tokens", headers=local)).json()["tokens"]
    assert all(known["spaces"] == ["demo"] for known in seen)
    assert (await http.delete("/api/v1/tokens/bootstrap", headers=local)).status_code == 404


async def test_a_visitor_asks_from_the_page_and_only_there(http: httpx.AsyncClient) -> None:
    page = await http.get("/")
    assert page.status_code == 200
    cookie = page.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    spaces = (await http.get("/api/v1/spaces")).json()["spaces"]
    assert [space["id"] for space in spaces] == ["demo"]
    url = "/api/v1/spaces/demo/conversations"
    assert (await http.post(url, json={})).status_code == 403
    evil = {"Origin": "https://evil.example"}
    assert (await http.post(url, json={}, headers=evil)).status_code == 403
    ours = {"Origin": str(http.base_url)}
    assert (await http.post(url, json={}, headers=ours)).status_code == 201
    closed = await http.post("/api/v1/spaces/closed/conversations", json={}, headers=ours)
    assert closed.status_code == 404
    assert (await http.get("/api/v1/spaces/demo/search?q=x")).status_code == 403
    http.cookies.clear()
    forged = {"palabre_visitor": cookie.partition("=")[2].partition(".")[0] + ".forged"}
    async with httpx.AsyncClient(base_url=http.base_url, cookies=forged) as other:
        assert (await other.get("/api/v1/spaces")).status_code == 401


async def test_a_visitor_who_asks_too_much_has_to_wait(http: httpx.AsyncClient) -> None:
    await http.get("/")
    replies = [await http.get("/api/v1/spaces") for _ in range(31)]
    assert replies[-1].status_code == 429
    assert int(replies[-1].headers["retry-after"]) > 0


async def test_a_tokens_own_limit_counts(http: httpx.AsyncClient) -> None:
    mine = bearer((await token(http, requests_per_minute=2))["token"])
    statuses = [(await http.get("/api/v1/spaces", headers=mine)).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


async def test_every_refusal_is_a_problem_with_a_sentence(http: httpx.AsyncClient) -> None:
    conversation = (
        await http.post("/api/v1/spaces/demo/conversations", json={}, headers=AUTH)
    ).json()["id"]
    asks = f"/api/v1/conversations/{conversation}/utterances"
    cases: list[tuple[int, str, str, dict[str, Any]]] = [
        (404, "GET", "/nowhere", {}),
        (405, "PUT", "/api/v1/spaces", {}),
        (404, "POST", "/api/v1/spaces/nowhere/conversations", {"json": {}}),
        (422, "POST", "/api/v1/spaces/demo/conversations", {"json": {"persona": "nobody"}}),
        (422, "POST", "/api/v1/spaces/demo/conversations", {"json": {"unheard_of": 1}}),
        (422, "POST", asks, {"json": {}}),
        (422, "POST", asks, {"json": {"text": "  "}}),
        (413, "POST", asks, {"json": {"text": "a" * 8_001}}),
        (413, "POST", asks, {"content": b"x" * (1 << 20 | 1)}),
        (400, "POST", asks, {"content": b"{", "headers": {"content-type": "application/json"}}),
        (422, "GET", "/api/v1/spaces/demo/search?q=", {}),
        (422, "GET", "/api/v1/spaces/demo/search?q=a&limit=51", {}),
    ]
    for expected, method, path, options in cases:
        headers = AUTH | options.pop("headers", {})
        reply = await http.request(method, path, headers=headers, **options)
        assert reply.status_code == expected, (path, reply.text)
        assert reply.headers["content-type"] == "application/problem+json"
        problem = reply.json()
        assert problem["status"] == expected
        assert problem["title"]
        assert len(problem["detail"]) > 20


async def test_a_body_that_lies_about_its_size_is_refused(http: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 65_536

    reply = await http.post("/v1/audio/speech", content=endless(), headers=AUTH)
    assert reply.status_code == 413
    assert reply.json()["error"]["message"]


async def test_headers_guard_every_reply(http: httpx.AsyncClient) -> None:
    for path in ("/", "/docs", "/nowhere", "/api/v1/spaces"):
        headers = (await http.get(path)).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "server" not in headers


async def test_the_reference_loads_nothing_from_elsewhere(http: httpx.AsyncClient) -> None:
    page = (await http.get("/docs")).text
    assert "/v1/chat/completions" in page
    assert "/answer/" in page
    assert "http" not in page.replace("</html>", "").replace("http_", "")
    schema = (await http.get("/openapi.json")).json()
    assert "/api/v1/conversations/{conversation}/events" in schema["paths"]


async def test_a_document_is_kept_found_shown_and_forgotten(
    http: httpx.AsyncClient, around: Surroundings
) -> None:
    url = "/api/v1/spaces/demo/documents"
    files = {"file": ("guide.md", "Le loyer est dû le cinq.".encode(), "text/markdown")}
    fields = {"document": "guides/loyer.md", "title": "Le loyer"}
    made = await http.post(url, files=files, data=fields, headers=AUTH)
    assert made.status_code == 201, made.text
    assert made.json()["document"] == "guides/loyer.md"
    listed = (await http.get(url, headers=AUTH)).json()["documents"]
    assert [entry["title"] for entry in listed] == ["Le loyer"]
    found = await http.get("/api/v1/spaces/demo/search?q=loyer", headers=AUTH)
    assert found.json()["passages"][0]["document"] == "guides/loyer.md"
    shown = (await http.get(f"{url}/guides/loyer.md", headers=AUTH)).json()
    assert shown["passages"][0]["text"].startswith("Le loyer")
    assert (await http.get("/sources/demo/guides/loyer.md")).status_code == 200
    assert (await http.delete(f"{url}/guides/loyer.md", headers=AUTH)).status_code == 204
    again = await http.delete(f"{url}/guides/loyer.md", headers=AUTH)
    assert again.status_code == 404
    assert again.json()["detail"] == "There is no such document."


async def test_an_upload_tells_its_progress(http: httpx.AsyncClient, around: Surroundings) -> None:
    lines = await http.post(
        "/api/v1/spaces/demo/documents",
        files={"file": ("a.md", b"x" * 70_000)},
        headers=AUTH | {"Accept": "application/x-ndjson"},
    )
    steps = [json.loads(line) for line in lines.text.splitlines()]
    assert steps[0]["step"] == "stored"
    assert steps[-1]["document"]["size_bytes"] == 70_000
    empty = await http.post(
        "/api/v1/spaces/demo/documents",
        files={"file": ("a.md", b"")},
        headers=AUTH | {"Accept": "application/x-ndjson"},
    )
    assert json.loads(empty.text)["problem"]["detail"] == "The document is empty."


def packed(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.md", data)
    return out.getvalue()


async def test_each_document_of_an_archive_has_its_outcome(
    http: httpx.AsyncClient, around: Surroundings
) -> None:
    url = "/api/v1/spaces/demo/documents"
    files = {"file": ("a.zip", packed(bail=b"Trois ans.", vide=b""), "application/zip")}
    made = await http.post(url, files=files, headers=AUTH)
    assert made.status_code == 201
    assert [entry["document"] for entry in made.json()["documents"]] == ["a.zip/bail.md"]
    failed = {"document": "a.zip/vide.md", "reason": "is empty", "remedy": "send text"}
    assert made.json()["failed"] == [failed]
    lines = await http.post(url, files=files, headers=AUTH | {"Accept": "application/x-ndjson"})
    steps = [json.loads(line) for line in lines.text.splitlines()]
    assert [next(iter(step)) for step in steps] == ["step", "document", "failed"]
    assert steps[-1]["failed"] == failed


async def test_what_an_owner_says_of_a_document_goes_with_it(
    http: httpx.AsyncClient, around: Surroundings
) -> None:
    url = "/api/v1/spaces/demo/documents"
    files = {"file": ("a.pdf", b"%PDF")}
    made = await http.post(url, files=files, data={"front_matter": "tier: rh"}, headers=AUTH)
    assert made.json()["remarks"] == []
    header, _ = around.retriever.kept["demo", "a.pdf"]
    assert header.front_matter == "tier: rh"
    long = {"front_matter": "x" * 70_000}
    assert (await http.post(url, files=files, data=long, headers=AUTH)).status_code == 422


async def test_bad_uploads_are_refused(http: httpx.AsyncClient, around: Surroundings) -> None:
    url = "/api/v1/spaces/demo/documents"
    for expected, name, data in (
        (422, "empty.md", b""),
        (422, "../../etc/passwd", b"x"),
        (413, "large.md", b"x" * 100_001),
    ):
        reply = await http.post(
            url, files={"file": ("x.md", data)}, data={"document": name}, headers=AUTH
        )
        assert reply.status_code == expected, (name, reply.text)


async def test_while_the_retriever_is_away_that_is_said(nats: NatsServer, tmp_path: Path) -> None:
    async with (
        testing.running(nats, tmp_path, retriever_address="127.0.0.1:9") as gateway,
        httpx.AsyncClient(base_url=gateway.url, headers=AUTH, timeout=20) as http,
    ):
        reply = await http.get("/api/v1/spaces/demo/search?q=loyer")
        assert reply.status_code == 503
        assert "retry-after" in reply.headers


async def test_new_questions_wait_while_a_stage_is_behind(nats: NatsServer, tmp_path: Path) -> None:
    async with (
        testing.running(nats, tmp_path, overload_lag=2) as gateway,
        httpx.AsyncClient(base_url=gateway.url, headers=AUTH, timeout=20) as http,
    ):
        for _ in range(3):
            begun = await http.post("/api/v1/spaces/demo/conversations", json={})
            url = f"/api/v1/conversations/{begun.json()['id']}/utterances"
            assert (await http.post(url, json={"text": "Quand ?"})).status_code == 202
        await asyncio.sleep(2.5)
        gains = Gains()
        reply = await http.post("/answer/", json={"query": "Quand ?"})
        assert reply.status_code == 503
        assert reply.headers["retry-after"] == "5"
        assert gains.of("palabre_http_refusals_total", reason="overloaded") == 1
        assert REGISTRY.get_sample_value("palabre_overload_lag") == 2


async def test_answers_are_kept_in_sql_after_the_bus_forgets(
    http: httpx.AsyncClient, nats: NatsServer, gateway: RunningGateway
) -> None:
    answers = ScriptedAnswers(await nats.bus("operator"), plain_answer)
    await answers.listen()
    begun = await http.post("/api/v1/spaces/demo/conversations", json={}, headers=AUTH)
    url = f"/api/v1/conversations/{begun.json()['id']}"
    await http.post(f"{url}/utterances", json={"text": "Quand ?"}, headers=AUTH)
    for _ in range(200):
        shown = (await http.get(url, headers=AUTH)).json()["turns"]
        if shown and shown[0]["status"] == "completed":
            break
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.5)
    await answers.bus.js.purge_stream("TURNS")
    kept = (await http.get(url, headers=AUTH)).json()["turns"]
    assert kept == shown
    await answers.close()
