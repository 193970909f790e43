"""From an interaction to the command that answers it: at once, once, and always with a word."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Literal, Protocol

import grpc
import structlog

from palabre.chassis.errors import Unavailable
from palabre.chassis.telemetry import observe
from palabre.discord import metrics
from palabre.discord.calls import Gone, Invalid, Refused, Unreachable
from palabre.discord.commands.defining import Call, Command, Desk
from palabre.discord.interactions import Interaction, Replies
from palabre.discord.messages import Person, Place
from palabre.discord.posts import said_at

log = structlog.get_logger()

Outcome = Literal["answered", "busy", "double", "late", "unavailable", "failed"]

_REMEMBERED = 10_000
_BUTTON = "c"  # of a command: `c:<word>:…`


class Situation(Protocol):
    async def __call__(self, asked: Interaction, *, at_once: bool) -> tuple[Place, Person]:
        """Where it was asked and by whom; `at_once`: without a call."""


class Dispatcher:
    """For one bot. Commands that are not ours are another program's of the same application."""

    def __init__(
        self,
        commands: Sequence[Command],
        desk: Desk,
        situation: Situation,
    ) -> None:
        self._commands = {each.name: each for each in commands}
        self._buttons = {word: run for each in commands for word, run in each.buttons.items()}
        self._desk, self._situation = desk, situation
        self._told: OrderedDict[int, None] = OrderedDict()
        self._running: set[tuple[int, str]] = set()

    def takes(self, asked: Interaction) -> bool:
        if asked.kind in {"command", "completion"}:
            return asked.name in self._commands
        return _word(asked) in self._buttons

    async def answer(
        self, asked: Interaction, replies: Replies, *, is_deferred: bool = False
    ) -> None:
        """Raises nothing that is expected to happen.

        `is_deferred`: the first answer was given before a restart.
        """
        outcome: Outcome = "double"
        # An event may come twice, and a button be clicked twice before it goes.
        ids = [asked.id, *([asked.message] if asked.message else [])]
        if all(map(self._is_new, ids)):
            try:
                outcome = await self._answer(asked, replies, is_deferred=is_deferred)
            except Gone:
                outcome = "late"
            except (Invalid, Refused, Unreachable) as error:
                outcome = "failed"
                log.warning("a command is unanswered", command=_named(asked), reason=str(error))
        if outcome in {"late", "failed"}:
            self._told.pop(ids[-1], None)  # the buttons are still there
        metrics.COMMANDS.labels(self._desk.bot, _named(asked), outcome).inc()

    async def _answer(self, asked: Interaction, replies: Replies, *, is_deferred: bool) -> Outcome:
        if asked.kind == "completion":
            return await self._complete(asked, replies)
        if asked.kind != "command":
            call = await self._call(asked, replies, at_once=True)
            return await _guarded(self._buttons[_word(asked)], call)
        command = self._commands[asked.name]
        is_private = command.is_private(asked)
        if not is_deferred:
            if not await replies.defer(private=is_private):
                return "double"
            took_s = max(time.time() - said_at(asked.id), 0)
            observe(metrics.FIRST_ANSWER.labels(self._desk.bot), took_s)
        call = await self._call(asked, replies, at_once=False)
        call = replace(call, is_again=is_deferred, is_private=is_private)
        return await self._run(command, call)

    async def _run(self, command: Command, call: Call) -> Outcome:
        """One at a time of each command for each person."""
        running = (call.person.id, command.name)
        if running in self._running:
            await call.show(call.say("busy"))
            return "busy"
        self._running.add(running)
        try:
            return await _guarded(command.run, call)
        finally:
            self._running.discard(running)

    async def _complete(self, asked: Interaction, replies: Replies) -> Outcome:
        command = self._commands[asked.name]
        call = await self._call(asked, replies, at_once=True)
        await replies.complete(await command.complete(call) if command.complete else [])
        return "answered"

    async def _call(self, asked: Interaction, replies: Replies, *, at_once: bool) -> Call:
        place, person = await self._situation(asked, at_once=at_once)
        return Call(asked, replies, place, person, self._desk)

    def _is_new(self, id_: int) -> bool:
        if id_ in self._told:
            return False
        self._told[id_] = None
        while len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        return True


async def _guarded(run: Callable[[Call], Awaitable[None]], call: Call) -> Outcome:
    try:
        await run(call)
    except (Unavailable, grpc.aio.AioRpcError) as error:
        log.warning("a command failed", command=_named(call.asked), reason=type(error).__name__)
        await call.show(call.say("unavailable"))
        return "unavailable"
    return "answered"


def _named(asked: Interaction) -> str:
    """The command, or the word of its button: few, as a metric's labels have to be."""
    return _word(asked) or asked.name


def _word(asked: Interaction) -> str:
    kind, _, rest = asked.name.partition(":")
    return rest.partition(":")[0] if kind == _BUTTON else ""
