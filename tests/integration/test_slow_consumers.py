"""Who is slow slows nobody else: a client that does not read, a stage, a service on the bus."""

import asyncio
import contextlib
import json
import signal
import socket
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from palabre.channels.testing import ScriptedAnswers, completed, delta
from palabre.chassis import stage
from palabre.chassis.cancellations import Cancellations
from palabre.chassis.stage import Stage
from palabre.chassis.testing import NatsServer, free_port, service_process, until
from palabre.contracts.v1 import events_pb2 as pb
from palabre.gateway import testing
from palabre.gateway.testing import AUTH, RunningGateway

PIECE = "mot " * 40_000  # 160 kB
PIECES = 100  # more than the kernel takes for a client that does not read


def at_length(_: object) -> list[Any]:
    pieces = [delta(PIECE, number * len(PIECE)) for number in range(PIECES)]
    return [*pieces, completed("C'est tout.")]


@contextlib.contextmanager
def deaf_client(url: httpx.URL, path: str) -> Iterator[None]:
    """Asks for a stream, and reads nothing of it."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.connect((url.host, url.port))
        head = f"GET {path} HTTP/1.1\r\nHost: {url.host}\r\nAuthorization: {AUTH['Authorization']}"
        connection.sendall(f"{head}\r\n\r\n".encode())
        yield


async def asked(http: httpx.AsyncClient) -> tuple[str, str]:
    """A conversation and the turn that was begun in it."""
    begun = (await http.post("/api/v1/spaces/demo/conversations", json={})).json()
    url = f"/api/v1/conversations/{begun['id']}"
    said = await http.post(f"{url}/utterances", json={"text": "Quand ?"})
    assert said.status_code == 202, said.text
    return url, said.json()["turn"]


async def ending(http: httpx.AsyncClient, path: str) -> dict[str, Any]:
    """What `completed` says; empty where the stream is refused."""
    name = ""
    async with http.stream("GET", path) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: ") and name == "completed":
                return dict(json.loads(line.removeprefix("data: ")))
    return {}


@pytest.fixture
async def patient(nats: NatsServer, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    """A gateway with one stream per token that waits a second for who does not read."""
    async with testing.running(nats, tmp_path, streams=1, stream_patience_s=1) as gateway:
        yield gateway


async def test_a_client_that_does_not_read_is_let_go_and_may_come_back(
    nats: NatsServer, patient: RunningGateway
) -> None:
    answers = ScriptedAnswers(await nats.bus("operator"), at_length)
    await answers.listen()
    async with httpx.AsyncClient(base_url=patient.url, headers=AUTH, timeout=20) as http:
        url, turn = await asked(http)
        path = f"{url}/events?turn={turn}"
        with deaf_client(httpx.URL(patient.url), path):
            await until(lambda: REGISTRY.get_sample_value("palabre_http_streams") == 1)
            refused = await http.get(path)
            assert refused.status_code == 429  # its place is taken, until its patience is over
            found: dict[str, Any] = {}

            async def is_free() -> bool:
                found.update(await ending(http, path))
                return bool(found)

            await until(is_free, 20)
        assert found["text"] == "C'est tout."
    await answers.close()


async def test_questions_are_refused_while_a_stage_is_behind_and_taken_again_after(
    nats: NatsServer, tmp_path: Path
) -> None:
    async with (
        testing.running(nats, tmp_path, overload_lag=2) as gateway,
        httpx.AsyncClient(base_url=gateway.url, headers=AUTH, timeout=20) as http,
    ):
        waiting = [await asked(http) for _ in range(3)]
        path = f"{waiting[0][0]}/utterances"

        async def is_behind() -> bool:
            return (await http.post(path, json={"text": "Et ?"})).status_code == 503

        await until(is_behind)
        refused = await http.post(path, json={"text": "Et ?"})
        assert refused.headers["retry-after"] == "5"
        assert refused.headers["content-type"] == "application/problem+json"
        assert "try again in a few seconds" in refused.json()["detail"]
        async with slow_stage(nats) as handled:
            await until(lambda: len(handled) == len(waiting), 20)
            await until(lambda: taken(http), 20)
        assert [turn for _, turn in waiting] == handled[: len(waiting)]


async def taken(http: httpx.AsyncClient) -> bool:
    with contextlib.suppress(AssertionError):
        return bool(await asked(http))
    return False


@contextlib.asynccontextmanager
async def slow_stage(nats: NatsServer) -> AsyncIterator[list[str]]:
    """`comprehend`, one utterance after the other; gives the turns that it has done with."""
    handled: list[str] = []

    async def handle(event: pb.Event) -> AsyncIterator[pb.Event]:
        await asyncio.sleep(0.2)
        handled.append(event.turn)
        return
        yield

    stop, bus = asyncio.Event(), await nats.bus("llm")
    slow = Stage("comprehend", handle, concurrency=1)
    running = asyncio.create_task(stage.run(slow, bus, Cancellations(), stop))
    yield handled
    stop.set()
    await running
    await bus.close()


async def test_a_service_that_the_bus_cut_off_as_slow_comes_back_and_tells_the_ending(
    tmp_path: Path,
) -> None:
    monitor, port = free_port(), free_port()
    http_at = f"127.0.0.1:{monitor}"
    settings = {
        "PALABRE_DATA_DIR": str(tmp_path / "gateway"),
        "PALABRE_HTTP_PORT": str(port),
        "PALABRE_BOOTSTRAP_TOKEN": testing.TOKEN,
    }
    more = {"write_deadline": "300ms", "http": http_at}
    async with NatsServer(tmp_path, **more) as nats:
        await nats.apply("demo", testing.demo_space())
        base = f"http://127.0.0.1:{port}"
        async with (
            service_process(nats, "gateway", settings) as process,
            httpx.AsyncClient(base_url=base, headers=AUTH, timeout=30) as http,
        ):
            answers = ScriptedAnswers(await nats.bus("operator"), lambda event: [])
            await answers.listen()
            url, turn = await asked(http)
            told = asyncio.create_task(ending(http, f"{url}/events?turn={turn}"))
            await until(lambda: bool(answers.heard))
            await asyncio.sleep(0.5)  # it follows
            process.send_signal(signal.SIGSTOP)
            await until(lambda: cut_off(answers, http_at), 30)
            await answers.bus.publish(answers._event(answers.heard[0], completed("Oui."), 0))
            process.send_signal(signal.SIGCONT)
            assert (await told)["text"] == "Oui."
            assert process.returncode is None
            await answers.close()


async def cut_off(answers: ScriptedAnswers, monitor: str) -> bool:
    """Says more to who follows, and looks whether the server has seen a slow consumer."""
    for number in range(20):
        await answers.bus.publish_live(
            answers._event(answers.heard[0], delta(PIECE, number * len(PIECE)), number)
        )
        await answers.bus.client.flush()

    def read() -> int:
        with urllib.request.urlopen(f"http://{monitor}/varz", timeout=5) as found:
            return int(json.load(found)["slow_consumers"])

    return await asyncio.to_thread(read) > 0
