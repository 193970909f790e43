"""The envelope of everything on the bus: how an event is begun, followed and named."""

import datetime as dt

from google.protobuf.message import DecodeError, Message

from palabre.chassis.errors import Reject
from palabre.chassis.ids import uuid7
from palabre.contracts.v1 import events_pb2 as pb

FACTS = frozenset(
    {
        "utterance_received",
        "utterance_understood",
        "passages_retrieved",
        "segment_ready",
        "speech_completed",
        "answer_completed",
        "turn_failed",
        "turn_cancelled",
        "spending_recorded",
    }
)
ENDINGS = frozenset({"answer_completed", "turn_failed", "turn_cancelled"})
LIVE = frozenset({"answer_delta", "answer_restarted", "speech_frame", "playback", "speech_started"})
# Several of a turn, written anew by each attempt: the attempt is part of their identity.
PER_ATTEMPT = frozenset({"segment_ready", "speech_completed"})
MAX_BYTES = 256 * 1024
DEADLINE_S = 300.0


def body_name(event: pb.Event) -> str:
    """The name of the event's body; empty when this version does not know it."""
    return event.WhichOneof("body") or ""


def begin(
    space: str,
    channel: str,
    conversation: str,
    body: Message,
    *,
    turn: str | None = None,
    deadline_s: float = DEADLINE_S,
) -> pb.Event:
    """The first event of a turn."""
    event = pb.Event(space=space, channel=channel, conversation=conversation, turn=turn or uuid7())
    now = dt.datetime.now(dt.UTC)
    event.deadline.FromDatetime(now + dt.timedelta(seconds=deadline_s))
    return _fill(event, body, now)


def follow(cause: pb.Event, body: Message, *, index: int = 0, attempt: int = 0) -> pb.Event:
    """The next event of the same turn. `attempt` 0 keeps the cause's."""
    event = pb.Event(
        space=cause.space,
        channel=cause.channel,
        conversation=cause.conversation,
        turn=cause.turn,
        index=index,
        attempt=attempt or cause.attempt,
        cause=cause.id,
    )
    event.deadline.CopyFrom(cause.deadline)
    return _fill(event, body, dt.datetime.now(dt.UTC))


def seconds_left(event: pb.Event) -> float:
    """Until the deadline; negative when it has passed."""
    now = dt.datetime.now(dt.UTC).timestamp()
    return float(event.deadline.seconds + event.deadline.nanos / 1e9 - now)


def decode(data: bytes) -> pb.Event:
    """Raises Reject on bytes that are no event."""
    try:
        return pb.Event.FromString(data)
    except DecodeError as error:
        raise Reject("not an event") from error


def identity(event: pb.Event) -> str:
    """Facts with the same identity are the same fact: the first one stored wins."""
    name = body_name(event)
    if name in ENDINGS:
        return f"{event.turn}/ended"
    if name == "spending_recorded":
        return f"{event.turn}/{name}/{event.spending_recorded.stage}.{event.index}"
    if name in PER_ATTEMPT:
        return f"{event.turn}/{name}/{event.attempt}.{event.index}"
    return f"{event.turn}/{name}/{event.index}"


def _fill(event: pb.Event, body: Message, now: dt.datetime) -> pb.Event:
    event.occurred_at.FromDatetime(now)
    getattr(event, _FIELDS[body.DESCRIPTOR.full_name]).CopyFrom(body)
    event.id = identity(event)
    return event


_FIELDS: dict[str, str] = {
    field.message_type.full_name: field.name
    for field in pb.Event.DESCRIPTOR.oneofs_by_name["body"].fields
    if field.message_type
}
