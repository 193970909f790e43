"""The stage `retrieve`: an utterance that was understood gets its passages."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Protocol

from palabre.chassis import events, replays
from palabre.chassis.errors import Reject
from palabre.chassis.spaces import Space
from palabre.chassis.stage import Handler
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Utterance
from palabre.retriever.access import tiers_of
from palabre.retriever.errors import UnknownSnapshot
from palabre.retriever.search import Found, Question, Search

# A word in common may inspire a story; it would be no answer.
STORY_FLOOR = 0.05


class Spaces(Protocol):
    def get(self, name: str) -> Space:
        """Raises UnknownSpace."""
        ...


class Snapshots(Protocol):
    async def searched(self, space: str, name: str) -> str:
        """Under which name the index has one. Raises UnknownSnapshot and Unavailable."""
        ...


def retriever(search: Search, spaces: Spaces, snapshots: Snapshots) -> Handler:
    """Raises Reject for a space, persona or snapshot that does not exist, or for who may not ask
    for a snapshot; and Unavailable."""

    async def retrieve(event: pb.Event) -> AsyncIterator[pb.Event]:
        question = _question(event, spaces.get(event.space))
        if event.utterance_understood.utterance.snapshot:
            question = replace(question, space=await _snapshot(event, snapshots))
        yield _retrieved(event, await search.find(question))

    return retrieve


async def _snapshot(event: pb.Event, snapshots: Snapshots) -> str:
    """What was is not for people: it may have been withdrawn for a reason."""
    utterance: Utterance = event.utterance_understood.utterance
    if not (replays.is_replay(event) and utterance.replay):
        raise Reject("only a replay may ask for the knowledge as it was")
    try:
        return await snapshots.searched(event.space, utterance.snapshot)
    except UnknownSnapshot as error:
        raise Reject(str(error)) from None


def _question(event: pb.Event, space: Space) -> Question:
    body = event.utterance_understood
    utterance, understanding = body.utterance, body.understanding
    try:
        persona = space.persona(utterance.persona, event.channel)
    except KeyError:
        raise Reject(f"space {event.space} has no persona {utterance.persona!r}") from None
    languages = (understanding.language, *space.languages)
    story = persona.mode == "story"
    return Question(
        space=event.space,
        forms=[understanding.question or utterance.text, *understanding.queries],
        tiers=tiers_of(utterance.author.groups, persona.tier),
        languages=tuple(dict.fromkeys(language for language in languages if language)),
        limit=space.knowledge.passages,
        floor=STORY_FLOOR if story else space.knowledge.floor,
        read=understanding.read and not story,
    )


def _retrieved(event: pb.Event, found: Found) -> pb.Event:
    """The last passages are left out when history and passages are too much for one event."""
    cause = event.utterance_understood
    body = pb.PassagesRetrieved(
        utterance=cause.utterance,
        understanding=cause.understanding,
        history=cause.history,
        passages=found.passages,
        below_floor=found.below_floor,
        search_ms=found.search_ms,
        doubtful=found.doubtful,
    )
    result = events.follow(event, body)
    passages = result.passages_retrieved.passages
    while passages and result.ByteSize() > events.MAX_BYTES:
        del passages[-1]
    return result
