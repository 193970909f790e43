"""The two stages of this service, as pure handlers from event to events."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from palabre.chassis.budgets import Spent
from palabre.chassis.events import follow
from palabre.chassis.histories import Histories
from palabre.chassis.spaces import Persona, Space
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Exchange, Utterance
from palabre.llm import meters, wishes
from palabre.llm.answer import Answering
from palabre.llm.comprehend import ANSWERS, STORIES, Comprehension, bounded
from palabre.llm.images import Seen, Vision
from palabre.llm.ladder import Ladder
from palabre.llm.spending import Account, Payer, Spending

Events = AsyncGenerator[pb.Event, None]
Handler = Callable[[pb.Event], Events]


def comprehender(
    spaces: Callable[[str], Space],
    histories: Histories,
    comprehension: Comprehension,
    vision: Vision,
    spending: Spending,
) -> Handler:
    """UtteranceReceived → UtteranceUnderstood."""

    async def comprehend(event: pb.Event) -> Events:
        """Raises Reject for an unknown space or persona, Unavailable."""
        utterance = event.utterance_received.utterance
        space = spaces(event.space)
        payer = _payer(space, event, utterance, comprehension.ladder)
        if wishes.is_ignored(space, utterance, comprehension.ladder):
            meters.model_ignored(event.space)
        persona = payer.space.personas[payer.persona]
        carried = utterance.carried_history
        past = carried if utterance.carries_history else await histories.read(event)
        history = bounded(past, STORIES if persona.mode == "story" else ANSWERS)
        async with spending.account("comprehend", event, payer) as account:
            spent = await _counted(account, comprehension, payer, utterance, history)
            payer = payer.frugal() if spent else payer
            persona = payer.space.personas[payer.persona]
            eyes = vision.blindfolded if utterance.replay else vision
            seen = await _seen(None if spent else eyes, payer.space, persona, utterance, history)
            understanding = await comprehension.understand(
                payer.space, persona, utterance, history, seen.texts
            )
            understanding.images.extend(seen.texts)
            understanding.images_usage.extend(seen.usages)
            understanding.calls.extend(account.calls)
            understanding.spent = spent.limit.name if spent else ""
            understood = pb.UtteranceUnderstood(
                utterance=utterance, understanding=understanding, history=history
            )
            understood.utterance.ClearField("carried_history")
            yield follow(event, understood)

    return comprehend


def answerer(answering: Answering, spending: Spending) -> Handler:
    """PassagesRetrieved → AnswerDelta…, SegmentReady…, then AnswerCompleted or TurnFailed."""

    async def answer(event: pb.Event) -> Events:
        utterance = event.passages_retrieved.utterance
        payer = _payer(answering.spaces(event.space), event, utterance, answering.ladder)
        async with (
            spending.account("answer", event, payer) as account,
            aclosing(answering.answer(event)) as results,
        ):
            async for result in results:
                if result.HasField("answer_completed"):
                    _tell(result.answer_completed, event, account)
                yield result
                # Not where the yield is the end: another ending was stored before.
                account.told = account.told or result.HasField("answer_completed")

    return answer


async def _counted(
    account: Account,
    comprehension: Comprehension,
    payer: Payer,
    utterance: Utterance,
    history: Sequence[Exchange],
) -> Spent | None:
    """The turn is counted here, once; who is over a budget is told so where answers are written."""
    if not account.allowance:
        return None
    persona = payer.space.personas[payer.persona]
    call = comprehension.at_most(payer.space, persona, utterance, history)
    paid = comprehension.ladder.reads(persona.models)
    return await account.reserve(turns=1, call=call, paid=paid)


async def _seen(
    vision: Vision | None,
    space: Space,
    persona: Persona,
    utterance: Utterance,
    history: Sequence[Exchange],
) -> Seen:
    """What the images show; those of the history are put into words there."""
    language = space.languages[0]  # of descriptions: everybody of the space shares them
    seen = Seen(["" for _ in utterance.attachments], [])
    if vision:
        seen = await vision.describe(utterance.attachments, persona.models, language)
    for exchange in history:
        if vision:
            before = await vision.describe(exchange.attachments, persona.models, language)
            exchange.images.extend(text for text in before.texts if text)
            seen.usages.extend(before.usages)
        exchange.ClearField("attachments")
    return seen


def _tell(completed: pb.AnswerCompleted, event: pb.Event, account: Account) -> None:
    completed.calls.extend(event.passages_retrieved.understanding.calls)
    completed.calls.extend(account.calls)


def _payer(space: Space, event: pb.Event, utterance: Utterance, ladder: Ladder) -> Payer:
    """Raises Reject."""
    wanted, name = wishes.speaker(space, event, utterance, ladder)
    return Payer(event.space, wanted, name, utterance.author)
