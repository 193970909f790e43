"""Writes the answer of a turn: grounded, without knowledge, refused, or a question back."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import structlog

from palabre.chassis.events import follow, seconds_left
from palabre.chassis.histories import Histories
from palabre.chassis.leases import Leases
from palabre.chassis.spaces import Space
from palabre.chassis.stage import deliveries
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2 as turns
from palabre.llm import categories, inspirations, meters, prompts, sampling, spending, wishes
from palabre.llm.citations import Pair
from palabre.llm.coalescing import Coalescer, Pace
from palabre.llm.comprehend import SAMPLING
from palabre.llm.draft import Draft
from palabre.llm.engines import Completion, Material, Rung
from palabre.llm.errors import Exhausted, Interrupted, LlmError
from palabre.llm.generation import Generation
from palabre.llm.images import Vision
from palabre.llm.ladder import Ladder
from palabre.llm.prices import LAST
from palabre.llm.prompts import Prompting, Retrieved
from palabre.llm.turn import Turn
from palabre.llm.verification import Verification

log = structlog.get_logger()

Events = AsyncGenerator[pb.Event, None]
NoticeDue = Callable[[Space, pb.Event], Awaitable[bool]]
Shown = Callable[[pb.Event], Awaitable[bool]]  # has an earlier attempt shown something?

LONGEST = 60_000  # characters: an event holds 256 KiB, passages included

GUARD_SCHEMA = {
    "type": "object",
    "properties": {
        "guard": {"type": "array", "items": {"type": "string", "enum": sorted(categories.ALL)}}
    },
    "required": ["guard"],
    "additionalProperties": False,
}


async def _never(space: Space, event: pb.Event) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Answering:
    """One attempt under one lease; an attempt that broke off is followed by another, or excused."""

    spaces: Callable[[str], Space]
    leases: Leases
    histories: Histories
    ladder: Ladder
    vision: Vision
    shown: Shown
    prompting: Prompting = field(default_factory=Prompting)
    pace: Pace = field(default_factory=Pace)
    guard_timeout_s: float = 2.0
    verification: Verification | None = None  # by a model, of what is cited
    notice_due: NoticeDue = _never  # must the voice say what it is?
    heard: Callable[[str], int] = lambda turn: 0  # code points that reached the person; 0: unknown
    clock: Callable[[], float] = time.monotonic

    async def answer(self, event: pb.Event) -> Events:
        """From PassagesRetrieved to AnswerCompleted or TurnFailed.

        Raises Reject for an unknown space or persona, Busy, Unavailable. Cancelled or closed, it
        keeps what was shown in the history.
        """
        turn = self._turn(event)
        rungs = await self._afforded(turn)
        await self._look(turn, rungs)
        void = deliveries.get() > 1 and await self.shown(event)
        try:
            while not turn.ended:
                try:
                    async with self.leases.hold(event.conversation) as attempt:
                        turn.draft = Draft(
                            event, attempt, turn.language, turn.persona.voice, turn.supporting()
                        )
                        results = self._attempt(turn, turn.draft, rungs, void)
                        async with aclosing(results):
                            async for result in results:
                                yield self._noted(turn, result)
                except Interrupted as error:
                    rungs, void = error.rest, void or bool(turn.shown)
        except (asyncio.CancelledError, GeneratorExit):
            if not turn.ended:
                await asyncio.shield(self._keep(turn, partial=True))
            raise

    async def _attempt(self, turn: Turn, draft: Draft, rungs: Sequence[Rung], void: bool) -> Events:
        """Ends the turn, or raises Interrupted when another attempt may."""
        if reason := turn.hopeless(void=void):
            async for result in self._failed(turn, draft, reason):
                yield result
            return
        if void:
            yield follow(turn.event, pb.AnswerRestarted(), attempt=draft.attempt)
        for result in await self._announced(turn, draft):
            yield result
        try:
            async with aclosing(self._written(turn, draft, rungs)) as results:
                async for result in results:
                    yield result
            return
        except Exhausted:
            reason = pb.FAILURE_REASON_UNAVAILABLE
        except Interrupted as error:
            replaceable = turn.received.utterance.replaceable or not draft.text
            if replaceable and error.rest:
                raise
            reason = pb.FAILURE_REASON_INTERRUPTED
        async for result in self._failed(turn, draft, reason):
            yield result

    async def _announced(self, turn: Turn, draft: Draft) -> Iterable[pb.Event]:
        if not await self.notice_due(turn.space, turn.event):
            return ()
        return draft.announce(turn.space.notice(turn.language))

    async def _written(self, turn: Turn, draft: Draft, rungs: Sequence[Rung]) -> Events:
        """The generation begins at once; its first words wait until the guard has spoken."""
        if not turn.instead():
            until = self.ladder.until(seconds_left(turn.event))
            asked = self._completion(turn)
            self._protect(turn, draft, asked)
            pieces = self.ladder.stream(asked, rungs, until)
            async with Generation(pieces, Coalescer(self.pace, self.clock)) as generation:
                await self._hear_guard(turn)
                if not turn.instead():
                    async for result in self._streamed(turn, draft, generation):
                        yield result
                    return
        elif turn.lack():
            await self._hear_guard(turn)  # few words may be a cry
        said, usage = turn.instead(), turns.Usage(cost_known=True)
        for result in (*draft.write(turn.told(said)), *draft.end()):
            yield result
        yield await self._completed(turn, draft, turn.mode(said), usage)

    async def _streamed(self, turn: Turn, draft: Draft, generation: Generation) -> Events:
        unseen = ["cannot_see"] if turn.unseen else []
        for key in filter(None, [categories.said_first(turn.guard), *unseen]):
            for result in draft.write(f"{turn.say(key)}\n\n"):
                yield result
        async for text in generation.texts:
            for result in draft.take(text):
                yield result
            if draft.secrecy.broken or len(draft.text) > LONGEST:
                await generation.stop()
                break
        usage = generation.usage if generation.usage.engine else spending.current().latest
        for result in (*draft.took(), *draft.write(_closing(turn, draft)), *draft.end()):
            yield result
        verdict = await self._verified(turn, draft)
        yield await self._completed(turn, draft, _mode(turn, draft), usage, verdict)

    def _verifiable(self, turn: Turn) -> turns.Usage | None:
        """What verifying it may take, at most."""
        everything = [Pair("", number) for number in range(1, len(turn.received.passages) + 1)]
        if not self.verification or turn.is_story or not everything:
            return None
        return self.verification.at_most(turn.cited(everything))

    async def _verified(self, turn: Turn, draft: Draft) -> pb.GroundingVerdict | None:
        """Takes out what a model refuses, where what was shown can be replaced."""
        if not self.verification or turn.is_story or turn.frugal or draft.secrecy.broken:
            return None
        cited = turn.cited(draft.citations.pairs)
        verdicts = await self.verification.verdicts(cited, seconds_left(turn.event))
        refused = [pair for pair, supported in verdicts.items() if not supported]
        if turn.received.utterance.replaceable:
            draft.withdraw(refused)
        return pb.GroundingVerdict(judged=len(verdicts), refused=len(refused)) if verdicts else None

    async def _completed(
        self,
        turn: Turn,
        draft: Draft,
        mode: "turns.AnswerMode.ValueType",
        usage: turns.Usage,
        verdict: pb.GroundingVerdict | None = None,
    ) -> pb.Event:
        await self._keep(turn)
        turn.ended = True
        meters.citations(draft.citations, verdict.refused if verdict else 0)
        meters.withheld(draft.screen.withheld, told=draft.secrecy.broken)
        completed = pb.AnswerCompleted(
            text=draft.text,
            mode=mode,
            sources=draft.sources(),
            usage=usage,
            language=turn.language,
            persona=turn.persona_name,
            utterance=turn.received.utterance,
            guard=categories.known(turn.guard),
            first_delta_ms=turn.first_delta_ms,
            invented_citations=draft.citations.invented,
            unsupported_citations=draft.citations.unsupported,
            grounding=verdict,
        )
        completed.utterance.ClearField("carried_history")
        return follow(turn.event, completed, attempt=draft.attempt)

    async def _failed(
        self, turn: Turn, draft: Draft, reason: "pb.FailureReason.ValueType"
    ) -> Events:
        """One sentence of apology, spoken when speech is wanted."""
        message = turn.say(turn.excuse(reason))
        for result in draft.say(message):
            yield result
        await self._keep(turn, partial=True)
        turn.ended = True
        failed = pb.TurnFailed(
            reason=reason, message=message, stage="answer", shown=draft.text,
            retryable=not turn.spent,
        )  # fmt: skip
        if turn.spent:
            failed.retry_at.FromDatetime(turn.spent.opens)
        yield follow(turn.event, failed, attempt=draft.attempt)

    async def _afforded(self, turn: Turn) -> Sequence[Rung]:
        """The persona's, or those below a spent budget, whose use is counted all the same."""
        budgets, said = turn.space.budgets, turn.received.understanding.spent
        own = self.ladder.rungs(turn.persona.models)
        if not (allowance := spending.current().allowance):
            return own
        below = self.ladder.rungs(budgets.models or (LAST,))
        refuses = budgets.when_spent == "refuse"
        if said and refuses:
            turn.spent = allowance.named(said)
            return below
        turn.frugal = bool(said)
        rungs = below if said else own
        call = spending.at_most(rungs, self._completion(turn))
        after = None if said else self._verifiable(turn)
        if (spent := await spending.current().reserve(call=call, after=after)) and not said:
            turn.spent, turn.frugal = spent if refuses else None, True
            return below
        return rungs

    async def _look(self, turn: Turn, rungs: Sequence[Rung]) -> None:
        """The images that the first rung or one after it may see, or that nobody can tell of."""
        if attached := turn.received.utterance.attachments:
            turn.pictures = await self.vision.pictures(attached, rungs)
            shown = turn.pictures and rungs[0].sees
            turn.unseen = not shown and not any(turn.received.understanding.images)

    async def _hear_guard(self, turn: Turn) -> None:
        """Asks the space's guard model where comprehension had no verdict."""
        model = turn.space.guard.model
        understanding = turn.received.understanding
        if understanding.judged or model == "none" or not (rungs := self.ladder.judges((model,))):
            return
        said = turn.received.utterance.text
        asked = Completion(
            self.prompting.guard(said, turn.language, fiction=turn.is_story), sampling=SAMPLING
        )
        try:
            async with asyncio.timeout(self.guard_timeout_s):
                verdict = await self.ladder.judge(asked, GUARD_SCHEMA, rungs[:1])
        except (LlmError, TimeoutError) as error:
            log.warning("no verdict of the guard model", reason=type(error).__name__)
            return
        found = verdict.values.get("guard")
        turn.guard.update(categories.known(found if isinstance(found, list) else ()))

    async def _keep(self, turn: Turn, *, partial: bool = False) -> None:
        """Into the history, unless the client carries its own or nothing was shown."""
        utterance = turn.received.utterance
        if utterance.carries_history or not turn.shown:
            return
        heard = (self.heard(turn.event.turn) if partial else 0) or len(turn.shown)
        exchange = turns.Exchange(
            turn=turn.event.turn,
            question=utterance.text,
            answer=turn.shown[:heard],
            partial=partial,
            images=[text for text in turn.received.understanding.images if text],
        )
        await self.histories.append(turn.event, exchange)

    def _turn(self, event: pb.Event) -> Turn:
        utterance = event.passages_retrieved.utterance
        space, name = wishes.speaker(self.spaces(event.space), event, utterance, self.ladder)
        guard = set(event.passages_retrieved.understanding.guard)
        return Turn(event, space, name, space.personas[name], guard, self.clock())

    def _completion(self, turn: Turn) -> Completion:
        received, utterance = turn.received, turn.received.utterance
        retrieved = Retrieved(
            utterance.text, turn.language, received.passages, received.history,
            utterance.instructions, received.doubtful, list(received.understanding.images),
            turn.pictures, turn.unseen,
        )  # fmt: skip
        material = Material(
            question=received.understanding.question or utterance.text,
            passages=tuple(turn.quotable),
            language=turn.language,
            address=turn.persona.address,
            where_to_turn=turn.space.text(turn.space.no_knowledge, turn.language),
            mode=turn.persona.mode,
        )
        messages = self.prompting.answer(turn.space, turn.persona, retrieved)
        drawn = sampling.of(utterance.sampling, turn.persona)
        return Completion(messages, sampling=drawn, material=material)

    def _protect(self, turn: Turn, draft: Draft, asked: Completion) -> None:
        said = turn.space.text(turn.space.no_knowledge, turn.language)
        draft.protect(asked.messages[0].content, prompts.mark(turn.space, turn.persona), said)

    def _noted(self, turn: Turn, result: pb.Event) -> pb.Event:
        if not turn.first_delta_ms and result.HasField("answer_delta"):
            turn.first_delta_ms = (self.clock() - turn.begun) * 1000
        return result


def _closing(turn: Turn, draft: Draft) -> str:
    """What we add to a model's words; instead of them, where somebody made it tell ours."""
    if draft.secrecy.broken:
        turn.guard.add("injection")
        return f"\n\n{turn.say('injection')}" if draft.text else turn.say("injection")
    return _inspired_by(turn, draft) if turn.is_story and not draft.citations.cited else ""


def _mode(turn: Turn, draft: Draft) -> "turns.AnswerMode.ValueType":
    if draft.secrecy.broken:
        return turns.ANSWER_MODE_REFUSED
    if turn.is_story:
        return turns.ANSWER_MODE_STORY
    known = turn.quotable or draft.citations.cited
    return turns.ANSWER_MODE_GROUNDED if known else turns.ANSWER_MODE_NO_KNOWLEDGE


def _inspired_by(turn: Turn, draft: Draft) -> str:
    """The line that a model forgot, by the passages whose words the story took up; or nothing."""
    numbers = inspirations.of(draft.text, turn.received.utterance.text, turn.received.passages)
    marks = "".join(f"[{number}]" for number in numbers)
    return f"\n\n{turn.say('inspired_by')} {marks}" if marks else ""
