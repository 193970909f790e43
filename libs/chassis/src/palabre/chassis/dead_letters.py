"""What could never succeed, kept in DEAD for whoever operates."""

from dataclasses import dataclass, field

from palabre.chassis import events, subjects
from palabre.chassis.bus import Bus
from palabre.chassis.errors import Reject
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Utterance


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter; `data` is the event as it was, `headers` its own and what became of it."""

    number: int
    subject: str
    stage: str
    error: str
    data: bytes
    headers: dict[str, str] = field(default_factory=dict)


async def all_letters(bus: Bus) -> list[Letter]:
    """Oldest first."""
    found = await bus.raw("DEAD", {"next_by_subj": subjects.every("dead")})
    return [
        Letter(
            raw.sequence,
            raw.headers.get("Palabre-Subject", raw.subject),
            raw.headers.get("Palabre-Stage", ""),
            raw.headers.get("Palabre-Error", ""),
            raw.data,
            raw.headers,
        )
        for raw in found
    ]


async def retry(bus: Bus, letter: Letter) -> str:
    """Asks again as a new turn that names the old one. Returns its id; raises Reject.

    Its trace is linked to the old one's, also where this process records none.
    """
    dead = events.decode(letter.data)
    utterance = _utterance(dead)
    utterance.retries = dead.turn
    body = pb.UtteranceReceived(utterance=utterance)
    again = events.begin(dead.space, dead.channel, dead.conversation, body)
    await bus.publish(again, cause=letter.headers)
    return again.turn


def _utterance(event: pb.Event) -> Utterance:
    name = events.body_name(event)
    body = getattr(event, name) if name else None
    if not isinstance(body, pb.UtteranceReceived | pb.UtteranceUnderstood | pb.PassagesRetrieved):
        raise Reject(f"a letter that holds {name or 'no event'} cannot be asked again")
    copy = Utterance()
    copy.CopyFrom(body.utterance)
    return copy
