"""Publishing to NATS and reading from it: facts once, live pieces at once."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import (
    ConnectionClosedError,
    NoRespondersError,
    OutboundBufferLimitError,
    TimeoutError as NatsTimeout,
)
from nats.js.api import PubAck
from nats.js.errors import APIError, NoStreamResponseError

from palabre.chassis import (
    connecting,
    direct_get,
    events,
    gaps,
    streams,
    subjects,
    telemetry,
    topology,
    tracing,
)
from palabre.chassis.deliveries import Message, Pull
from palabre.chassis.direct_get import Raw
from palabre.chassis.errors import Erased, Reject, Unavailable
from palabre.contracts.v1 import events_pb2 as pb

PUBLISH_PATIENCE_S = 20.0  # how long a fact waits for a server that is away
ATTEMPT_S = 2.0
FLUSH_S = 60  # longer than the client keeps a connection that does not answer
WRONG_LAST_SEQUENCE = 10071
EXPECTED = "Nats-Expected-Last-Subject-Sequence"
NO_SUCH_MESSAGE = (10037, 10043)
AWAY = (NatsTimeout, NoStreamResponseError, NoRespondersError, OutboundBufferLimitError)


@dataclass(frozen=True, slots=True)
class Published:
    """A fact's place in TURNS; `duplicate` when it had been stored before."""

    sequence: int
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """An event as a stream holds it; `at` is when it was stored, in RFC 3339."""

    sequence: int
    event: pb.Event
    at: str = ""


class Conflict(Exception):
    """Somebody else published on this subject in the meantime."""


class Bus:
    """One connection. Survives a server that comes back; ends the process when it is closed."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.js = client.jetstream(timeout=ATTEMPT_S)
        self.erased: set[str] = set()  # conversations with a tombstone
        self._erased_seen = 0
        self._lag: dict[str, tuple[float, int]] = {}

    @classmethod
    async def connect(
        cls, url: str, name: str, user: str = "", password: str = "", ca: Path | None = None
    ) -> Self:
        """As `connecting.connect`. Raises topology.ServerTooOld."""
        client = await connecting.connect(url, name, user, password, ca)
        server = client.connected_server_version
        topology.check_version(f"{server.major}.{server.minor}.{server.patch}")
        return cls(client)

    async def close(self) -> None:
        """Sends what is pending. Not `drain`: it waits for pull subscriptions, in vain."""
        with contextlib.suppress(TypeError):  # nats-py 2.16 writes to a transport that is gone
            await self.client.close()

    async def publish(
        self,
        event: pb.Event,
        *,
        expected: int | None = None,
        cause: Mapping[str, str] | None = None,
    ) -> Published:
        """Stores a fact, once.

        `expected` is the last sequence on this subject (0: none): otherwise Conflict. `cause`: the
        headers of what it does anew, whose trace is linked to.
        Raises Reject when it is too large, Erased, or Unavailable when the server stays away.
        """
        subject, payload = subjects.of(event), event.SerializeToString()
        if len(payload) > events.MAX_BYTES:
            name = events.body_name(event)
            raise Reject(f"{name} has {len(payload)} bytes, more than {events.MAX_BYTES}")
        if event.conversation in self.erased:
            raise Erased
        with tracing.publishing(event, cause) as headers:
            headers["Nats-Msg-Id"] = event.id
            if events.body_name(event) in streams.INTERMEDIATE:
                headers["Nats-TTL"] = str(int(streams.INTERMEDIATE_TTL_S))
            if expected is not None:
                headers[EXPECTED] = str(expected)
            return await self._store(subject, payload, headers)

    async def publish_live(self, event: pb.Event) -> None:
        """Sends a live piece without waiting; while the server is away it may be lost."""
        if event.conversation in self.erased:
            return
        with contextlib.suppress(OutboundBufferLimitError):
            await self.client.publish(subjects.of(event), event.SerializeToString())

    async def dead_letter(self, message: Message, stage: str, reason: str) -> None:
        """Keeps what can never succeed: subject, headers, error, payload."""
        headers = {
            **message.headers,
            "Nats-Msg-Id": f"dead/{stage}/{message.headers.get('Nats-Msg-Id', '')}",
            "Palabre-Subject": message.subject,
            "Palabre-Stage": stage,
            "Palabre-Error": " ".join(reason.split())[:500],
        }
        headers.pop("Nats-TTL", None)
        await self._store(subjects.dead(message.subject), message.data, headers)
        telemetry.DEAD_LETTERS.labels(stage).inc()

    def pull(self, durable: str, take: Callable[[Message], object]) -> Pull:
        """What a durable delivers, while entered."""
        return Pull(self.client, durable, take)

    async def lag(self, durable: str) -> int:
        """Events that wait for the durable, at most a second old."""
        taken, value = self._lag.get(durable, (0.0, 0))
        if time.monotonic() - taken > 1:
            self._lag[durable] = (time.monotonic(), value)  # others do not ask meanwhile
            info = await self.js.consumer_info("TURNS", durable)
            value = info.num_pending or 0
            self._lag[durable] = (time.monotonic(), value)
        return value

    async def latest(self, space: str, channel: str, conversation: str) -> list[Stored]:
        """The last fact of each kind in a conversation, oldest first."""
        subject = subjects.conversation("turns", space, channel, conversation)
        return await self.read("TURNS", {"multi_last": [subject]})

    async def facts(self, space: str, channel: str, conversation: str) -> list[pb.Event]:
        """All stored facts of a conversation, in order."""
        return [s.event for s in await self.past("turns", space, channel, conversation)]

    async def past(self, kind: str, space: str, channel: str, conversation: str) -> list[Stored]:
        """What TURNS or LIVE (kind turns, live) holds of a conversation, in order."""
        subject = subjects.conversation(kind, space, channel, conversation)
        return await self.read(kind.upper(), {"next_by_subj": subject})

    async def pieces_of(self, facts: Iterable[Stored]) -> list[Stored]:
        """What LIVE holds of the turns of these facts, which are one conversation's, in order."""
        facts = list(facts)
        if not facts or not (begun := gaps.live_from(facts)):
            return []
        thread = (facts[0].event.space, facts[0].event.channel, facts[0].event.conversation)
        subject = subjects.conversation("live", *thread)
        return await self.read("LIVE", {"next_by_subj": subject, "start_time": begun})

    async def ended(self, event: pb.Event) -> bool:
        """The event's turn has its ending."""
        latest = await self.latest(event.space, event.channel, event.conversation)
        endings = (s.event for s in latest if events.body_name(s.event) in events.ENDINGS)
        return any(ending.turn == event.turn for ending in endings)

    async def read(self, stream: str, query: Mapping[str, object]) -> list[Stored]:
        """The events that `raw` finds."""
        found = await self.raw(stream, query)
        return [
            Stored(r.sequence, _decoded(r.data, r.headers), r.headers["Nats-Time-Stamp"])
            for r in found
        ]

    async def raw(self, stream: str, query: Mapping[str, object]) -> list[Raw]:
        """Batched direct get (ADR-31): no consumer is made. Empty when the stream is gone."""
        return [found async for page in self.pages(stream, query) for found in page]

    def pages(self, stream: str, query: Mapping[str, object]) -> AsyncIterator[list[Raw]]:
        """As `raw`, for whole streams: a page at a time. Raises Unavailable."""
        return direct_get.pages(self.client, stream, query)

    async def newest(self, stream: str, subject: str) -> int:
        """The sequence of the last message on a subject, as the leader has it; 0: there is none.

        Direct gets are answered by any node of a cluster, which may be some milliseconds behind.
        Raises Unavailable.
        """
        request = json.dumps({"last_by_subj": subject}).encode()
        try:
            reply = await self.client.request(
                f"$JS.API.STREAM.MSG.GET.{stream}", request, timeout=ATTEMPT_S
            )
        except AWAY as away:
            raise Unavailable("JetStream does not answer") from away
        answer = json.loads(reply.data)
        error = answer.get("error", {})
        if error and error.get("err_code") not in NO_SUCH_MESSAGE:
            raise Unavailable(f"{stream}: {error.get('description')}")
        return int(answer.get("message", {}).get("seq", 0))

    @contextlib.asynccontextmanager
    async def follow(
        self,
        space: str,
        channel: str,
        conversation: str,
        *,
        since_turn: str | None = None,
        confirmed: bool = True,
    ) -> AsyncIterator[AsyncIterator[pb.Event]]:
        """Follows a conversation: subscribed when entered, so that nothing is missed.

        With `since_turn` first what the streams hold of that turn and later ones, facts and live
        pieces; then what comes. Doubles are dropped; live pieces of two publishers may interleave.
        Without `confirmed` it is only sure to see what comes of what this bus sends later: the
        server takes one connection's words in order, which saves a round trip. Raises Unavailable.
        """
        came: asyncio.Queue[Msg] = asyncio.Queue()
        subscriptions = [
            # Not the kind `turns`: a fact comes once it is stored, unless it is a double.
            await self.client.subscribe(
                subjects.conversation(kind, space, channel, conversation), cb=came.put
            )
            for kind in ("stored", "live")
        ]
        try:
            if confirmed:
                await self._confirm()
            yield self._followed(came, (space, channel, conversation), since_turn)
        finally:
            with contextlib.suppress(ConnectionClosedError):
                for subscription in subscriptions:
                    await subscription.unsubscribe()

    async def _confirm(self) -> None:
        """What was sent has reached the server. Raises Unavailable.

        Who waits while the connection breaks is forgotten by the client, and never called back;
        and to an answer that comes when its wait was given up, nats-py 2.16 ends the connection.
        """
        flushing = asyncio.ensure_future(self.client.flush(timeout=FLUSH_S))
        await asyncio.wait({flushing}, timeout=ATTEMPT_S)
        flushing.add_done_callback(lambda late: late.cancelled() or late.exception())
        if not flushing.done() or flushing.exception():
            raise Unavailable("NATS does not answer")

    async def _followed(
        self, came: asyncio.Queue[Msg], thread: tuple[str, str, str], since_turn: str | None
    ) -> AsyncIterator[pb.Event]:
        missed: dict[tuple[object, ...], pb.Event] = {}
        if since_turn is not None:
            facts = gaps.since(await self.past("turns", *thread), since_turn)
            missed = gaps.in_order(facts + await self.pieces_of(facts))
            for event in missed.values():
                yield event
        while True:
            msg = await came.get()
            event = _decoded(msg.data, msg.headers)
            if not missed or gaps.piece(event) not in missed:
                yield event

    async def overwrite(self, stream: str, sequence: int) -> None:
        """Deletes a message and overwrites its bytes on disk; nothing happens when it is gone."""
        request = json.dumps({"seq": sequence, "no_erase": False}).encode()
        try:
            subject = f"$JS.API.STREAM.MSG.DELETE.{stream}"
            reply = await self.client.request(subject, request, timeout=5)
        except AWAY as away:
            raise Unavailable("JetStream does not answer") from away
        error = json.loads(reply.data).get("error", {})
        if error and error.get("err_code") not in NO_SUCH_MESSAGE:
            raise Unavailable(f"{stream}: {error.get('description')}")

    async def put(
        self,
        subject: str,
        data: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        expected: int | None = None,
    ) -> PubAck:
        """Writes an entry of a bucket, or adds to a counter, without trying again.

        `expected` as in `publish`. Raises Conflict, Unavailable.
        """
        headers = dict(headers or {})
        if expected is not None:
            headers[EXPECTED] = str(expected)
        store = subject.removeprefix("$KV.").removeprefix(f"{subjects.ROOT}.").split(".")[0]
        try:
            return await self.js.publish(subject, data, headers=headers or None)
        except APIError as error:
            if error.err_code == WRONG_LAST_SEQUENCE:
                raise Conflict(subject) from error
            raise Unavailable(f"{store}: {error.description}") from error
        except AWAY as error:
            raise Unavailable(f"{store}: NATS does not answer") from error

    async def refresh_erased(self) -> None:
        """Takes the tombstones that came since the last time. Raises Unavailable."""
        query = {"next_by_subj": "$KV.erased.>", "seq": self._erased_seen + 1}
        for entry in await self.raw("KV_erased", query):
            self.erased.add(entry.subject.removeprefix("$KV.erased."))
            self._erased_seen = entry.sequence

    async def _store(self, subject: str, payload: bytes, headers: dict[str, str]) -> Published:
        until = time.monotonic() + PUBLISH_PATIENCE_S
        while True:
            begun = time.perf_counter()
            try:
                ack = await self.js.publish(subject, payload, timeout=ATTEMPT_S, headers=headers)
                telemetry.observe(telemetry.PUBLISH_SECONDS, time.perf_counter() - begun)
                return Published(ack.seq, bool(ack.duplicate))
            except AWAY as error:
                telemetry.PUBLISH_FAILURES.labels(type(error).__name__).inc()
                if time.monotonic() > until:
                    raise Unavailable("NATS does not take facts") from error
                await asyncio.sleep(0.1)
            except APIError as error:
                if error.err_code == WRONG_LAST_SEQUENCE:
                    raise Conflict(subject) from error
                telemetry.PUBLISH_FAILURES.labels("refused").inc()
                if time.monotonic() > until or error.code != 503:
                    raise Unavailable(f"NATS refuses facts: {error.description}") from error
                await asyncio.sleep(0.1)


def _decoded(data: bytes, headers: Mapping[str, str] | None) -> pb.Event:
    """An event as it was read, whose turn's trace is remembered."""
    event = events.decode(data)
    tracing.begun_by(event, headers or {})
    return event
