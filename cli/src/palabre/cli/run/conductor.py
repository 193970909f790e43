"""`palabre run`: starts what one machine needs, in order, and ends it cleanly."""

import asyncio
import contextlib
import http.client
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from palabre.chassis import directory, nats_config, spaces, streams, topology
from palabre.chassis.bus import Bus
from palabre.chassis.settings import ServiceSettings, read
from palabre.cli.run import processes
from palabre.cli.run.instance import ALWAYS, DISCORD, Instance, Ports, operator_token
from palabre.cli.run.knowledge import ingest_spaces
from palabre.cli.run.supervised import Supervisor
from palabre.cli.settings import CliSettings
from palabre.discord.settings import DiscordSettings

PATIENCE_S = 120.0
WORD_EVERY_S = 15.0
console = Console(stderr=True, highlight=False)


def run(settings: CliSettings, *, demo: bool = True) -> int:
    """Until Ctrl-C or SIGTERM. Returns the exit status."""
    folder = settings.data_dir.resolve()
    settings = settings.model_copy(update={"data_dir": folder})
    if (other := Instance.read(folder)) is not None:
        console.print(
            f"Palabre already runs on {other.url} with this data folder (process {other.pid})."
            " Set PALABRE_DATA_DIR and PALABRE_HTTP_PORT for a second one."
        )
        return 1
    _refuse_taken_port(settings.http_port)
    begun = time.monotonic()
    ports, token = _prepare(settings)
    supervisor = Supervisor.start(folder / "run")
    try:
        with _ending(supervisor, ports.services):
            _bring_up(settings, ports, supervisor, demo=demo)
            _say_ready(settings, ports, token, time.monotonic() - begun)
        return supervisor.wait()
    finally:
        _stop(supervisor, ports.services)
        Instance.forget(folder)
        console.print("Palabre has stopped.")


def _prepare(settings: CliSettings) -> tuple[Ports, str]:
    """Writes the configuration of every process into data_dir/run."""
    folder = settings.data_dir / "run"
    folder.mkdir(parents=True, exist_ok=True)
    services = (*ALWAYS, DISCORD) if read(DiscordSettings).bots else ALWAYS
    ports = Ports.choose(settings.http_port, services)
    given = settings.bootstrap_token.get_secret_value()
    token, made = operator_token(settings.data_dir, given)
    passwords = nats_config.passwords(settings.data_dir)
    config = nats_config.render(ports.nats, settings.data_dir, passwords)
    _write(folder / "nats.conf", config)
    environments = {
        service: processes.environment(service, settings, ports, passwords, token)
        for service in services
    }
    nats = processes.nats_server(settings)
    _write(folder / "supervisord.conf", processes.supervisor_config(folder, nats, environments))
    Instance(os.getpid(), ports).write(settings.data_dir)
    return ports, token if made else ""


def _write(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")


def _bring_up(settings: CliSettings, ports: Ports, supervisor: Supervisor, *, demo: bool) -> None:
    _until(supervisor.is_up, supervisor, "supervisor")
    supervisor.call("startProcess", "nats", False)
    _until(lambda: _listens(ports.nats), supervisor, "nats")
    asyncio.run(_apply(settings, ports))
    for service in ports.services:
        supervisor.call("startProcess", service, False)
    for service in ports.services:
        _until(partial(_is_ready, ports.operations[service]), supervisor, service)
    if demo:
        retriever = f"127.0.0.1:{ports.grpc['retriever']}"
        ingest_spaces(settings.spaces_dir, retriever, read(ServiceSettings).showing, console)


async def _apply(settings: CliSettings, ports: Ports) -> None:
    """Streams, then the spaces of this machine, never over a live edit."""
    words = nats_config.passwords(settings.data_dir)
    user = streams.OPERATOR
    bus = await Bus.connect(f"nats://127.0.0.1:{ports.nats}", user, user, words[user])
    await topology.apply(bus.js)
    bucket = await bus.js.key_value("spaces")
    for folder in sorted(p.parent for p in settings.spaces_dir.glob("*/space.toml")):
        try:
            if await directory.apply(bucket, folder.name, spaces.read_folder(folder)):
                console.print(f"Space {folder.name} applied.")
        except (spaces.InvalidSpace, directory.LiveEdit) as error:
            console.print(f"Space {folder.name} left as it is: {error}")
    await bus.close()


def _say_ready(settings: CliSettings, ports: Ports, made: str, seconds: float) -> None:
    if made:
        console.print(f"Administrator's API token (shown once): {made}")
    console.print(
        f"Palabre is ready on http://127.0.0.1:{ports.http} after {seconds:.1f} s."
        " Ctrl-C stops it.",
        style="bold",
    )


@contextlib.contextmanager
def _ending(supervisor: Supervisor, services: Sequence[str]) -> Iterator[None]:
    """SIGINT and SIGTERM end supervisord, which drains the services before NATS."""

    def end(number: int, frame: object) -> None:
        console.print("Stopping: answers in hand are ended first…")
        supervisor.stop_all(services)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    yield


def _stop(supervisor: Supervisor, services: Sequence[str]) -> None:
    if not supervisor.has_ended():
        supervisor.stop_all(services)
        supervisor.wait()


def _until(condition: Callable[[], bool], supervisor: Supervisor, what: str) -> None:
    """A process that lives may take its time, as with a large index; one that keeps ending not."""
    begun = said = time.monotonic()
    while not condition():
        if supervisor.has_ended():
            raise SystemExit(1)
        if supervisor.is_refused(what):
            raise SystemExit(f"{what} cannot start with these settings: see above")
        now = time.monotonic()
        if now - begun > PATIENCE_S and supervisor.age_s(what) < PATIENCE_S / 2:
            raise SystemExit(f"{what} did not become ready within {PATIENCE_S:.0f} s: see above")
        if now - said > WORD_EVERY_S:
            console.print(f"Waiting for {what} to be ready…")
            said = now
        time.sleep(0.05)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    with contextlib.suppress(OSError), contextlib.closing(connection):
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    return False


def _refuse_taken_port(port: int) -> None:
    if _listens(port):
        raise SystemExit(
            f"Port {port} is taken: stop what listens there, or set PALABRE_HTTP_PORT to another."
        )
