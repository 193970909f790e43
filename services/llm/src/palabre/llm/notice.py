"""When a voice has to say that it is artificial, before anything else (`voices.notice`)."""

from palabre.chassis import subjects
from palabre.chassis.bus import Bus
from palabre.chassis.errors import Unavailable
from palabre.chassis.events import body_name, follow
from palabre.chassis.spaces import Space
from palabre.contracts.v1 import events_pb2 as pb


async def is_due(bus: Bus, space: Space, event: pb.Event) -> bool:
    """Not twice in a turn, however often it is begun again; "first-turn": once somebody has heard
    something of the conversation, no more. In doubt it is said.
    """
    when = space.voices.notice
    if when == "never" or not event.passages_retrieved.utterance.speech:
        return False
    bodies = (pb.SegmentReady(), pb.SpeechCompleted())
    wanted = [subjects.of(follow(event, body)) for body in bodies]
    try:
        found = [stored.event for stored in await bus.read("TURNS", {"multi_last": wanted})]
    except Unavailable:
        return True
    if any(each.turn == event.turn for each in found):
        return False
    return when == "always" or not any(_heard(each) for each in found)


def _heard(event: pb.Event) -> bool:
    return body_name(event) == "speech_completed" and event.speech_completed.frames > 0
