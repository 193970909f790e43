"""The server that a command talks to: over HTTP, or over NATS as the operator."""

import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import httpx

from palabre.cli.run.instance import Instance
from palabre.cli.settings import CliSettings

if TYPE_CHECKING:  # most commands need no NATS, and it takes its time to load
    from palabre.chassis.bus import Bus


class Trouble(Exception):
    """Something a person can do something about; the message says what."""


NO_SERVER = (
    "no server: start one with `palabre run`, or set PALABRE_URL and PALABRE_TOKEN"
    " to the address and the token of another"
)


@contextlib.contextmanager
def http(settings: CliSettings, timeout_s: float = 30.0) -> Iterator[httpx.Client]:
    """A client with the token. Raises Trouble when there is no server, also during a call."""
    url, token = _address(settings)
    # Without one the server says itself that it wants a token.
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=timeout_s) as client:
            yield client
    except httpx.ConnectError:
        raise Trouble(f"nothing answers on {url}: {NO_SERVER}") from None
    except httpx.TimeoutException:
        raise Trouble(f"{url} did not answer in time: look at `palabre status`") from None


@contextlib.asynccontextmanager
async def bus(settings: CliSettings) -> AsyncIterator["Bus"]:
    """A connection with the operator's rights. Raises Trouble."""
    from palabre.chassis import nats_config, streams
    from palabre.chassis.bus import Bus

    url, password = settings.nats_url, settings.nats_password.get_secret_value()
    if not url:
        instance = Instance.read(settings.data_dir)
        if instance is None:
            raise Trouble(
                "no NATS: start Palabre with `palabre run`, or set PALABRE_NATS_URL,"
                " PALABRE_NATS_USER and PALABRE_NATS_PASSWORD"
            )
        url = instance.nats_url
        password = nats_config.passwords(settings.data_dir)[streams.OPERATOR]
    connection = await Bus.connect(
        url, streams.OPERATOR, settings.nats_user, password, settings.nats_ca
    )
    try:
        yield connection
    finally:
        await connection.close()


def checked(response: httpx.Response) -> httpx.Response:
    """Raises Trouble with the server's own sentence."""
    if response.is_success:
        return response
    response.read()
    raise Trouble(_sentence(response))


def events(response: httpx.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, data) of a stream of server-sent events."""
    name = ""
    for line in response.iter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


def _sentence(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return f"the server answered {response.status_code}"
    detail = body.get("detail") or body.get("error", {}).get("message") or response.text
    return f"{detail} ({response.status_code})"


def _address(settings: CliSettings) -> tuple[str, str]:
    token = settings.token.get_secret_value()
    if settings.url:
        return settings.url, token
    instance = Instance.read(settings.data_dir)
    if instance is None:
        raise Trouble(NO_SERVER)
    file = settings.data_dir / "operator-token"
    return instance.url, token or file.read_text(encoding="utf-8").strip()
