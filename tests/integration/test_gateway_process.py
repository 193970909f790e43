"""The gateway as a process of its own: killed, started again, stopped."""

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from palabre.channels.testing import ScriptedAnswers, completed, delta
from palabre.chassis import streams
from palabre.chassis.testing import NatsServer, free_port, processes, service_process, until
from palabre.gateway import testing

TEXT = "".join(f"mot{number} " for number in range(40))
Events = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture
async def nats(nats: NatsServer) -> NatsServer:
    await nats.apply("demo", testing.demo_space())
    return nats


def settings(folder: Path, port: int, token: str) -> dict[str, str]:
    return {
        "PALABRE_DATA_DIR": str(folder),
        "PALABRE_HTTP_PORT": str(port),
        "PALABRE_BOOTSTRAP_TOKEN": token,
    }


@asynccontextmanager
async def process(
    nats: NatsServer, folder: Path, port: int, token: str = testing.TOKEN
) -> AsyncIterator[asyncio.subprocess.Process]:
    chosen = settings(folder, port, token)
    async with service_process(nats, "gateway", chosen, stdout=asyncio.subprocess.PIPE) as started:
        await until(lambda: answers_on(port), patience_s=20)
        yield started


async def answers_on(port: int) -> bool:
    async with httpx.AsyncClient() as client:
        try:
            return (await client.get(f"http://127.0.0.1:{port}/docs")).status_code == 200
        except httpx.TransportError:
            return False


def slowly(_: object) -> list[Any]:
    steps: list[Any] = []
    for offset in range(0, len(TEXT), 5):
        steps += [delta(TEXT[offset : offset + 5], offset), 0.05]
    return [*steps, completed(TEXT)]


async def read(client: httpx.AsyncClient, url: str, turn: str, found: Events) -> None:
    """Reads to the end of the turn, or until the connection breaks."""
    last = {"Last-Event-ID": found[-1][1]} if found else {}
    fields: dict[str, str] = {}
    async with client.stream("GET", url, params={"turn": turn}, headers=last) as reply:
        async for line in reply.aiter_lines():
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
            elif "event" in fields:
                found.append((fields["event"], fields["id"], json.loads(fields["data"])))
                fields = {}


async def test_a_killed_gateway_goes_on_where_it_was(nats: NatsServer, tmp_path: Path) -> None:
    answers = ScriptedAnswers(await nats.bus(streams.OPERATOR), slowly)
    await answers.listen()
    port, found = free_port(), Events()
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers=testing.AUTH, timeout=20
    ) as client:
        async with process(nats, tmp_path, port) as first:
            begun = await client.post("/api/v1/spaces/demo/conversations", json={})
            url = f"/api/v1/conversations/{begun.json()['id']}"
            turn = (await client.post(f"{url}/utterances", json={"text": "?"})).json()["turn"]
            reading = asyncio.create_task(read(client, f"{url}/events", turn, found))
            await until(lambda: len(found) > 5)
            first.kill()
            await asyncio.wait([reading])
            assert reading.exception()
        assert "completed" not in [name for name, _, _ in found]
        async with process(nats, tmp_path, port):
            await read(client, f"{url}/events", turn, found)
            kept = (await client.get(url)).json()["turns"]
    shown = ""
    for name, _, data in found:
        if name == "delta":
            assert data["offset"] == len(shown)
            shown += data["text"]
    assert shown == TEXT
    assert [name for name, _, _ in found].count("accepted") == 1
    assert [turn["answer"] for turn in kept] == [TEXT]
    await answers.close()


async def test_the_first_start_shows_a_token_once(nats: NatsServer, tmp_path: Path) -> None:
    port, shown = free_port(), []
    for _ in range(2):
        async with process(nats, tmp_path, port, token="") as started:
            started.send_signal(signal.SIGTERM)
            assert started.stdout
            async with asyncio.timeout(10):
                out = await started.stdout.read()
                assert await started.wait() == 0
            shown.append(re.findall(r"palabre_[\w-]{43}", out.decode()))
    assert [len(tokens) for tokens in shown] == [1, 0]


async def test_a_port_that_is_taken_is_said_in_a_sentence(nats: NatsServer, tmp_path: Path) -> None:
    port = free_port()
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", port)
    chosen = settings(tmp_path, port, testing.TOKEN)
    started = await processes.start("gateway", processes.environment(nats, "gateway", chosen))
    _, told = await asyncio.wait_for(started.communicate(), 20)
    assert started.returncode == 1
    assert b"PALABRE_HTTP_PORT" in told
    taken.close()
    await taken.wait_closed()
