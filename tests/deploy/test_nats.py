"""The configuration of NATS on Kubernetes, on three real servers on loopback."""

import asyncio
import contextlib
import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import trustme
from nats.errors import Error as NatsError, TimeoutError as NatsTimeout
from nats.js.errors import APIError, ServiceUnavailableError

from deploy import generate
from palabre.chassis import nats_config, streams, topology
from palabre.chassis.bus import Bus
from palabre.chassis.testing.server import binary, free_port
from tests.deploy.built import K8S, build, containers_of

WORDS = {user: f"word-of-{user}" for user in nats_config.USERS}


class Cluster:
    """As the StatefulSet starts them, but for ports and folders."""

    def __init__(self, folder: Path, ca: trustme.CA | None = None) -> None:
        self.folder = folder
        self.clients = [free_port() for _ in range(3)]
        self.monitors = [free_port() for _ in range(3)]
        self._routes = [free_port() for _ in range(3)]
        self.url = f"{'tls' if ca else 'nats'}://localhost:{self.clients[0]}"
        self.ca = folder / "ca.crt" if ca else None
        self._config = build(K8S / "overlays/production" if ca else K8S / "overlays/local")
        self._certify(ca)
        self.processes = [self._start(node) for node in range(3)]

    def _certify(self, ca: trustme.CA | None) -> None:
        if ca:
            made = ca.issue_cert("localhost", "127.0.0.1")
            ca.cert_pem.write_to_path(self.folder / "ca.crt")
            made.cert_chain_pems[0].write_to_path(self.folder / "tls.crt")
            made.private_key_pem.write_to_path(self.folder / "tls.key")

    def _start(self, node: int) -> subprocess.Popen[bytes]:
        own = self.folder / f"nats-{node}"
        own.mkdir()
        data = next(c["data"] for c in self._config.of("ConfigMap") if "nats.conf" in c["data"])
        for name, text in data.items():
            (own / name).write_text(self._moved(text, node), encoding="utf-8")
        urls = [f"nats://route:word-of-route@127.0.0.1:{port}" for port in self._routes]
        environment = {
            "POD_NAME": f"nats-{node}",
            "ROUTE_PASSWORD": "word-of-route",
            "ROUTES": json.dumps(urls),
            **{generate.password_variable(user): word for user, word in WORDS.items()},
        }
        return subprocess.Popen(
            [binary(), "-c", "nats.conf"], cwd=own, env=environment, stderr=subprocess.DEVNULL
        )

    def _moved(self, text: str, node: int) -> str:
        moves = {
            "port: 4222": f"host: 127.0.0.1\nport: {self.clients[node]}",
            "http: 8222": f'http: "127.0.0.1:{self.monitors[node]}"',
            "port: 6222": f"host: 127.0.0.1\nport: {self._routes[node]}",
            "store_dir: /data": f"store_dir: {self.folder}/nats-{node}/data",
            "/tmp/nats.pid": f"{self.folder}/nats-{node}/pid",  # noqa: S108
            "/etc/nats-tls": str(self.folder),
        }
        for there, here in moves.items():
            text = text.replace(there, here)
        return text

    def answers(self, node: int, path: str) -> int:
        url = f"http://127.0.0.1:{self.monitors[node]}{path}"
        try:
            with urllib.request.urlopen(url, timeout=5) as found:
                return int(found.status)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code
        except OSError:
            return 0

    async def bus(self, user: str) -> Bus:
        return await Bus.connect(self.url, user, user, WORDS[user], self.ca)

    def wait(self) -> None:
        while not all(self.answers(n, "/healthz?js-server-only=true") == 200 for n in range(3)):
            time.sleep(0.1)

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


async def _set_up(bus: Bus) -> None:
    """As the job does, which is started again where a new cluster is not there yet."""
    while True:
        with contextlib.suppress(NatsTimeout, ServiceUnavailableError):
            await topology.apply(bus.js, replicas=3)
            return


@contextlib.contextmanager
def _running(folder: Path, ca: trustme.CA | None = None) -> Iterator[Cluster]:
    found = Cluster(folder, ca)
    try:
        yield found
    finally:
        found.end()


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    with _running(tmp_path) as found:
        await asyncio.to_thread(found.wait)
        yield found


def test_the_users_are_those_of_the_streams() -> None:
    assert generate.FILE.read_text(encoding="utf-8") == generate.rendered()


async def test_three_nodes_become_one_cluster_that_holds_everything_three_times(
    cluster: Cluster,
) -> None:
    bus = await cluster.bus(streams.OPERATOR)
    await _set_up(bus)
    assert await topology.apply(bus.js, replicas=3) == []
    info = await bus.js.stream_info("TURNS")
    assert info.config.num_replicas == 3
    assert info.cluster
    assert len(info.cluster.replicas or []) == 2
    await topology.verify(bus.js, [d.name for d in streams.DURABLES])
    await bus.close()


async def test_a_service_may_do_there_what_it_may_here_and_no_more(cluster: Cluster) -> None:
    operator = await cluster.bus(streams.OPERATOR)
    await _set_up(operator)
    llm = await cluster.bus("llm")
    await topology.verify(llm.js, ["comprehend", "answer"])
    with pytest.raises((NatsError, APIError)):
        await llm.js.delete_stream("TURNS")
    assert (await operator.js.stream_info("TURNS")).state.messages == 0
    await llm.close()
    await operator.close()


async def test_probes_ask_for_what_the_server_answers(cluster: Cluster) -> None:
    container = containers_of(build(K8S / "overlays/local").get("StatefulSet", "nats"))[0]
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert cluster.answers(0, container[kind]["httpGet"]["path"]) == 200
    assert cluster.answers(0, "/healthy") == 404


async def test_a_scaler_finds_the_lag_of_every_durable_by_the_name_of_a_node(
    cluster: Cluster,
) -> None:
    """As KEDA's scaler of nats-jetstream looks for it."""
    bus = await cluster.bus(streams.OPERATOR)
    await _set_up(bus)
    await bus.close()
    found: dict[str, str] = {}
    for port in cluster.monitors:
        url = f"http://127.0.0.1:{port}/jsz?acc=$G&consumers=true&config=true"
        answer = json.loads(await asyncio.to_thread(_read, url))
        account = next(a for a in answer["account_details"] if a["name"] == "$G")
        turns = [s for s in account["stream_detail"] if s["name"] == "TURNS"]
        for consumer in (c for s in turns for c in s.get("consumer_detail", [])):
            assert consumer["num_pending"] + consumer["num_ack_pending"] == 0
            found[consumer["name"]] = consumer["cluster"]["leader"]
    assert found.keys() == {d.name for d in streams.DURABLES}
    assert set(found.values()) <= {"nats-0", "nats-1", "nats-2"}


def _read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
        return bytes(answer.read())


async def test_with_cert_manager_nodes_and_clients_speak_tls(tmp_path: Path) -> None:
    ca = trustme.CA()
    with _running(tmp_path, ca) as cluster:
        await asyncio.to_thread(cluster.wait)
        bus = await cluster.bus(streams.OPERATOR)
        await _set_up(bus)
        assert (await bus.js.stream_info("TURNS")).config.num_replicas == 3
        assert bus.client.connected_url
        assert bus.client.connected_url.scheme == "tls"
        await bus.close()
