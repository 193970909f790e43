"""Turns that are asked again so that their answers can be compared: nobody hears of them.

A replay has a channel of its own, which no adapter serves, and a conversation of its own, which no
history and no list has. It is derived from the original's, so that erasing the one finds the other.
"""

from palabre.chassis.errors import Reject
from palabre.chassis.ids import derived
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Utterance

CHANNEL = "replay"


def conversation_of(conversation: str) -> str:
    """Where a conversation is replayed: always there."""
    return derived(CHANNEL, conversation)


def is_replay(event: pb.Event) -> bool:
    return event.channel == CHANNEL


def check(event: pb.Event, utterance: Utterance) -> None:
    """Raises Reject where a replay might reach somebody, or a person's turn would be lost."""
    if is_replay(event) != utterance.replay:
        raise Reject(f"a replay belongs into the channel {CHANNEL!r}, and nothing else does")
