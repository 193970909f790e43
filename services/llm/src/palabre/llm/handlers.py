"""The two stages of this service, as pure handlers from event to events."""

from collections.abc import AsyncIterator, Callable

from palabre.chassis.errors import Reject
from palabre.chassis.events import follow
from palabre.chassis.histories import Histories
from palabre.chassis.spaces import Space
from palabre.chassis.stage import Handler
from palabre.contracts.v1 import events_pb2 as pb
from palabre.llm.answer import Answering
from palabre.llm.comprehend import ANSWERS, STORIES, Comprehension, bounded
from palabre.llm.images import Vision


def comprehender(
    spaces: Callable[[str], Space],
    histories: Histories,
    comprehension: Comprehension,
    vision: Vision,
) -> Handler:
    """UtteranceReceived → UtteranceUnderstood."""

    async def comprehend(event: pb.Event) -> AsyncIterator[pb.Event]:
        """Raises Reject for an unknown space or persona, Unavailable."""
        space, utterance = spaces(event.space), event.utterance_received.utterance
        name = space.persona_name(utterance.persona, event.channel)
        if name not in space.personas:
            raise Reject(f"space {event.space} has no persona {name!r}")
        persona = space.personas[name]
        carried = utterance.carried_history
        past = carried if utterance.carries_history else await histories.read(event)
        history = bounded(past, STORIES if persona.mode == "story" else ANSWERS)
        language = space.languages[0]  # of descriptions: everybody of the space shares them
        seen = await vision.describe(utterance.attachments, persona.models, language)
        for exchange in history:
            before = await vision.describe(exchange.attachments, persona.models, language)
            exchange.images.extend(text for text in before.texts if text)
            exchange.ClearField("attachments")
            seen.usages.extend(before.usages)
        understanding = await comprehension.understand(
            space, persona, utterance, history, seen.texts
        )
        understanding.images.extend(seen.texts)
        understanding.images_usage.extend(seen.usages)
        understood = pb.UtteranceUnderstood(
            utterance=utterance, understanding=understanding, history=history
        )
        understood.utterance.ClearField("carried_history")
        yield follow(event, understood)

    return comprehend


def answerer(answering: Answering) -> Handler:
    """PassagesRetrieved → AnswerDelta…, SegmentReady…, then AnswerCompleted or TurnFailed."""
    return answering.answer
