"""For tests of a channel: what `llm` would answer, on a real bus."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from nats.errors import TimeoutError as NatsTimeout

from palabre.chassis import events, subjects
from palabre.chassis.bus import Bus
from palabre.chassis.ids import uuid7
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2

_PROBES, _PROBE_S = 20, 0.5


def delta(text: str, offset: int) -> pb.AnswerDelta:
    return pb.AnswerDelta(text=text, offset=offset)


def source(number: int = 1, **fields: Any) -> turns_pb2.Source:
    passage = {"document": "guide.md", "title": "Guide", "text": "Le loyer est dû le cinq."}
    return turns_pb2.Source(number=number, passage=turns_pb2.Passage(**(passage | fields)))


def completed(text: str, *sources: turns_pb2.Source) -> pb.AnswerCompleted:
    usage = turns_pb2.Usage(
        prompt_tokens=100,
        completion_tokens=len(text.split()),
        engine="scripted",
        model="scripted-1",
        cost_micros=120,
        currency="EUR",
        cost_known=True,
    )
    return pb.AnswerCompleted(
        text=text,
        mode=turns_pb2.ANSWER_MODE_GROUNDED,
        sources=sources,
        usage=usage,
        language="fr",
        persona="camille",
    )


@dataclass
class ScriptedAnswers:
    """Answers every utterance in place of comprehend, retrieve and answer.

    `script` is what follows an utterance: bodies, with pauses in seconds between them. A turn
    that is cancelled stops.
    """

    bus: Bus
    script: Callable[[pb.Event], Iterable[Any]]
    heard: list[pb.Event] = field(default_factory=list)
    cancelled: list[pb.Event] = field(default_factory=list)
    attempt: int = 1
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def listen(self) -> None:
        await until_republished(self.bus)
        for name in ("utterance_received", "turn_cancelled"):
            await self.bus.client.subscribe(subjects.every("stored", name), cb=self._received)
        await self.bus.client.flush()

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self.bus.close()

    async def _received(self, msg: Any) -> None:
        event = events.decode(msg.data)
        if events.body_name(event) == "turn_cancelled":
            self.cancelled.append(event)
            if event.turn in self._tasks:
                self._tasks[event.turn].cancel()
        elif event.turn not in self._tasks:  # core NATS also delivers what the stream refuses
            self.heard.append(event)
            self._tasks[event.turn] = asyncio.create_task(self._play(event))

    async def _play(self, cause: pb.Event) -> None:
        for index, step in enumerate(self.script(cause)):
            if isinstance(step, (int, float)):
                await asyncio.sleep(step)
                continue
            event = step if isinstance(step, pb.Event) else self._event(cause, step, index)
            if events.body_name(event) in events.FACTS:
                await self.bus.publish(event)
            else:
                await self.bus.publish_live(event)

    def _event(self, cause: pb.Event, body: Any, index: int) -> pb.Event:
        if isinstance(body, pb.AnswerCompleted):
            body.utterance.CopyFrom(cause.utterance_received.utterance)
        return events.follow(cause, body, index=index, attempt=self.attempt)


def plain_answer(event: pb.Event) -> list[Any]:
    """Two deltas, then the answer with a source."""
    text = "Le loyer est dû le cinq [1]."
    return [delta(text[:8], 0), delta(text[8:], 8), completed(text, source())]


async def until_republished(bus: Bus) -> None:
    """On a busy machine the first facts of a stream that was just made are not republished."""
    thread = ("probe", "probe", uuid7())
    heard = await bus.client.subscribe(subjects.conversation("stored", *thread))
    for _ in range(_PROBES):
        await bus.publish(events.begin(*thread, pb.TurnCancelled()))
        with contextlib.suppress(NatsTimeout):
            await heard.next_msg(timeout=_PROBE_S)
            await heard.unsubscribe()
            return
    raise AssertionError("TURNS republishes nothing")
