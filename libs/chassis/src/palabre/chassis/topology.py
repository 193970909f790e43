"""Makes what `streams.py` declares, and refuses what differs from it."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from nats.errors import NoRespondersError, TimeoutError as NatsTimeout
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, StreamConfig, StreamInfo
from nats.js.errors import APIError, NotFoundError

from palabre.chassis import streams
from palabre.chassis.errors import Unavailable

OLDEST = (2, 12)
PATIENCE_S = 90.0  # for the nodes of a new cluster to find one another and to agree
ASK_EVERY_S = 0.5
_NO_PEERS = 10005  # "no suitable peers for placement": too few nodes are known yet
REMEDY = "run `palabre streams apply`"
_STREAM_FIELDS = (
    "subjects", "retention", "storage", "max_age", "max_bytes", "max_msgs_per_subject",
    "duplicate_window", "allow_direct", "allow_msg_ttl", "republish",
    "allow_msg_counter",
)  # fmt: skip
_DURABLE_FIELDS = (
    "filter_subjects", "deliver_policy", "ack_policy", "ack_wait", "max_deliver", "max_ack_pending",
)  # fmt: skip


class WrongTopology(RuntimeError):
    """A stream, bucket or durable is missing or differs; the message says which, and the remedy."""


class ServerTooOld(RuntimeError):
    """Older servers silently ignore what we rely on."""


def check_version(version: str) -> None:
    """`version` as the server announces it, such as "2.12.1". Raises ServerTooOld."""
    numbers = tuple(int(part) for part in version.split("-")[0].split(".")[:2])
    if numbers < OLDEST:
        raise ServerTooOld(
            f"nats-server {version} is too old: it silently ignores options that keep facts from"
            f" happening twice; use {OLDEST[0]}.{OLDEST[1]} or newer"
        )


def _unheard(sentence: str) -> None:
    """Nobody wants to know."""


async def apply(
    js: JetStreamContext,
    replicas: int = 1,
    tell: Callable[[str], object] = _unheard,
    patience_s: float = PATIENCE_S,
) -> list[str]:
    """Makes or updates streams, buckets and durables. Says what it did, a line each.

    Waits for a cluster whose nodes are still meeting, and tells so. Raises Unavailable.
    """
    steps: list[Callable[[], Awaitable[str]]] = [
        partial(_apply_stream, js, config) for config in streams.everything(replicas)
    ]
    steps += [partial(_apply_durable, js, durable.config()) for durable in streams.DURABLES]
    waiting = _Waiting(tell, time.monotonic() + patience_s)
    done = [await waiting.until_done(step) for step in steps]
    return [line for line in done if line]


class _Waiting:
    """Tries again what is not there yet, or what JetStream is not ready for."""

    def __init__(self, tell: Callable[[str], object], until: float) -> None:
        self._tell, self._until, self._told = tell, until, ""

    async def until_done[T](self, step: Callable[[], Awaitable[T]]) -> T:
        """What the step returns. Raises Unavailable and WrongTopology once it is too late."""
        while True:
            try:
                with _readiness():
                    return await step()
            except (Unavailable, WrongTopology) as error:
                if time.monotonic() > self._until:
                    raise
                if self._told != str(error):
                    self._told = str(error)
                    self._tell(f"waiting: {error}")
            await asyncio.sleep(ASK_EVERY_S)


@contextlib.contextmanager
def _readiness() -> Iterator[None]:
    """Raises Unavailable where JetStream is not ready."""
    try:
        yield
    except (NatsTimeout, NoRespondersError):
        reason = "it does not answer"
    except APIError as error:
        if error.code != 503 and error.err_code != _NO_PEERS:
            raise
        reason = error.description or "it is not available"
    else:
        return
    raise Unavailable(
        f"JetStream is not ready ({reason}): look whether as many nodes of NATS run,"
        " and know one another, as there shall be copies"
    )


async def bind(
    js: JetStreamContext,
    service: str,
    tell: Callable[[str], object] = _unheard,
    patience_s: float = PATIENCE_S,
) -> None:
    """Waits until what a service relies on is as declared, and tells what is not.

    LIVE is made again where it alone is missing. Raises WrongTopology and Unavailable.
    """
    own = [d.name for d in streams.DURABLES if d.service == service]

    async def step() -> None:
        await remake_live(js)
        await verify(js, own, streams.stores_of(service))

    await _Waiting(tell, time.monotonic() + patience_s).until_done(step)


async def verify(js: JetStreamContext, durables: Iterable[str], stores: Iterable[str] = ()) -> None:
    """Raises WrongTopology unless the streams and these durables are as declared.

    `stores` are names of streams behind buckets: they must be there.
    """
    for config in streams.streams():
        found = await _found(f"stream {config.name}", js.stream_info(config.name or ""))
        _compare(f"stream {config.name}", config, found.config, _STREAM_FIELDS)
    for name in durables:
        durable = await _found(f"durable {name}", js.consumer_info("TURNS", name))
        wanted = streams.durable(name).config()
        _compare(f"durable {name}", wanted, durable.config, _DURABLE_FIELDS)
    for name in stores:
        await _found(f"stream {name}", js.stream_info(name))


async def _found[T](what: str, asked: Awaitable[T]) -> T:
    try:
        return await asked
    except NotFoundError:
        raise WrongTopology(f"{what} is missing: {REMEDY}") from None


async def remake_live(js: JetStreamContext) -> bool:
    """LIVE is in memory: a server that was killed comes back without it.

    True when it was made, with as many copies as TURNS has. Safe from several replicas at once.
    Without TURNS nothing was made yet, and nothing is here. Raises Unavailable.
    """
    if await _info(js, "LIVE") or not (facts := await _info(js, "TURNS")):
        return False
    config = next(c for c in streams.streams() if c.name == "LIVE")
    try:
        await js.add_stream(replace(config, num_replicas=facts.config.num_replicas))
    except (NatsTimeout, NoRespondersError, APIError) as error:
        raise Unavailable("JetStream does not make LIVE") from error
    return True


async def _info(js: JetStreamContext, stream: str) -> StreamInfo | None:
    """None: there is no such stream. Raises Unavailable."""
    try:
        return await js.stream_info(stream)
    except NotFoundError:
        return None
    except (NatsTimeout, NoRespondersError, APIError) as error:
        raise Unavailable("JetStream does not answer") from error


async def _apply_stream(js: JetStreamContext, config: StreamConfig) -> str:
    try:
        found = (await js.stream_info(config.name or "")).config
    except NotFoundError:
        await js.add_stream(config)
        return f"made stream {config.name}"
    if not _differences(config, found, (*_STREAM_FIELDS, "num_replicas")):
        return ""
    await js.update_stream(config)
    return f"updated stream {config.name}"


async def _apply_durable(js: JetStreamContext, config: ConsumerConfig) -> str:
    name = config.durable_name or ""
    try:
        found = (await js.consumer_info("TURNS", name)).config
    except NotFoundError:
        await js.add_consumer("TURNS", config)
        return f"made durable {name}"
    if not _differences(config, found, _DURABLE_FIELDS):
        return ""
    await js.add_consumer("TURNS", config)  # updates what may change, refuses what may not
    return f"updated durable {name}"


def _compare(what: str, wanted: Any, found: Any, fields: tuple[str, ...]) -> None:
    if differences := _differences(wanted, found, fields):
        raise WrongTopology(f"{what} differs ({'; '.join(differences)}): {REMEDY}")


def _differences(wanted: Any, found: Any, fields: tuple[str, ...]) -> list[str]:
    """What is not declared is the server's choice."""
    pairs = ((name, getattr(wanted, name), getattr(found, name)) for name in fields)
    return [
        f"{name} is {is_}, should be {should}"
        for name, should, is_ in pairs
        if should and should != is_
    ]
