"""What an earlier attempt of a turn has shown, as the stream LIVE knows it."""

from palabre.chassis import subjects
from palabre.chassis.bus import Bus
from palabre.chassis.errors import Unavailable
from palabre.chassis.events import follow
from palabre.contracts.v1 import events_pb2 as pb


async def deltas_of(bus: Bus, event: pb.Event) -> bool:
    """Whether the conversation's last delta is of this turn. In doubt nothing was shown."""
    subject = subjects.of(follow(event, pb.AnswerDelta()))
    try:
        found = await bus.read("LIVE", {"multi_last": [subject]})
    except Unavailable:
        return False
    return any(stored.event.turn == event.turn for stored in found)
