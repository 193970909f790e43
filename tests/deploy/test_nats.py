"""The configuration of NATS on Kubernetes, on three real servers on loopback."""

import asyncio
import contextlib
import json
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import trustme
from nats.errors import Error as NatsError
from nats.js.errors import APIError

from deploy import generate
from palabre.chassis import nats_config, streams, topology
from palabre.chassis.bus import Bus
from palabre.chassis.testing.cluster import Node
from tests.deploy.built import K8S, build, containers_of

WORDS = {user: f"word-of-{user}" for user in nats_config.USERS}


class Cluster:
    """As the StatefulSet starts them, but for ports and folders."""

    def __init__(self, folder: Path, ca: trustme.CA | None = None) -> None:
        self.folder = folder
        self.nodes = [Node(f"nats-{n}", folder / f"nats-{n}") for n in range(3)]
        self.url = f"{'tls' if ca else 'nats'}://localhost:{self.nodes[0].client}"
        self.ca = folder / "ca.crt" if ca else None
        self._config = build(K8S / "overlays/production" if ca else K8S / "overlays/local")
        self._certify(ca)
        for node in self.nodes:
            self._start(node)

    def _certify(self, ca: trustme.CA | None) -> None:
        if ca:
            made = ca.issue_cert("localhost", "127.0.0.1")
            ca.cert_pem.write_to_path(self.folder / "ca.crt")
            made.cert_chain_pems[0].write_to_path(self.folder / "tls.crt")
            made.private_key_pem.write_to_path(self.folder / "tls.key")

    def _start(self, node: Node) -> None:
        node.folder.mkdir()
        data = next(c["data"] for c in self._config.of("ConfigMap") if "nats.conf" in c["data"])
        for name, text in data.items():
            (node.folder / name).write_text(self._moved(text, node), encoding="utf-8")
        urls = [f"nats://route:word-of-route@127.0.0.1:{each.route}" for each in self.nodes]
        words = {generate.password_variable(user): word for user, word in WORDS.items()}
        node.start(
            {
                "POD_NAME": node.name,
                "ROUTE_PASSWORD": "word-of-route",
                "ROUTES": json.dumps(urls),
                **words,
            }
        )

    def _moved(self, text: str, node: Node) -> str:
        moves = {
            "port: 4222": f"host: 127.0.0.1\nport: {node.client}",
            "http: 8222": f'http: "127.0.0.1:{node.monitor}"',
            "port: 6222": f"host: 127.0.0.1\nport: {node.route}",
            "store_dir: /data": f"store_dir: {node.folder}/data",
            "/tmp/nats.pid": f"{node.folder}/pid",  # noqa: S108
            "/etc/nats-tls": str(self.folder),
        }
        for there, here in moves.items():
            text = text.replace(there, here)
        return text

    async def bus(self, user: str) -> Bus:
        return await Bus.connect(self.url, user, user, WORDS[user], self.ca)

    async def ready(self) -> None:
        for node in self.nodes:
            await node.ready()

    def end(self) -> None:
        for node in self.nodes:
            node.end()


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
        await found.ready()
        yield found


def test_the_users_are_those_of_the_streams() -> None:
    assert generate.USERS.read_text(encoding="utf-8") == generate.users()


async def test_three_nodes_become_one_cluster_that_holds_everything_three_times(
    cluster: Cluster,
) -> None:
    bus = await cluster.bus(streams.OPERATOR)
    await topology.apply(bus.js, replicas=3)
    assert await topology.apply(bus.js, replicas=3) == []
    info = await bus.js.stream_info("TURNS")
    assert info.config.num_replicas == 3
    assert info.cluster
    assert len(info.cluster.replicas or []) == 2
    await topology.verify(bus.js, [d.name for d in streams.DURABLES])
    await bus.close()


async def test_a_service_may_do_there_what_it_may_here_and_no_more(cluster: Cluster) -> None:
    operator = await cluster.bus(streams.OPERATOR)
    await topology.apply(operator.js, replicas=3)
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
        assert cluster.nodes[0].answers(container[kind]["httpGet"]["path"]) == 200
    assert cluster.nodes[0].answers("/healthy") == 404


async def test_a_scaler_finds_the_lag_of_every_durable_by_the_name_of_a_node(
    cluster: Cluster,
) -> None:
    """As KEDA's scaler of nats-jetstream looks for it."""
    bus = await cluster.bus(streams.OPERATOR)
    await topology.apply(bus.js, replicas=3)
    await bus.close()
    found: dict[str, str] = {}
    for node in cluster.nodes:
        url = f"http://127.0.0.1:{node.monitor}/jsz?acc=$G&consumers=true&config=true"
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
        await cluster.ready()
        bus = await cluster.bus(streams.OPERATOR)
        await topology.apply(bus.js, replicas=3)
        assert (await bus.js.stream_info("TURNS")).config.num_replicas == 3
        assert bus.client.connected_url
        assert bus.client.connected_url.scheme == "tls"
        await bus.close()
