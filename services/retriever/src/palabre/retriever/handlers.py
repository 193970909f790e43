"""The stage `retrieve`: an utterance that was understood gets its passages."""

from collections.abc import AsyncIterator
from typing import Protocol

from palabre.chassis import events
from palabre.chassis.errors import Reject
from palabre.chassis.spaces import Space
from palabre.chassis.stage import Handler
from palabre.contracts.v1 import events_pb2 as pb
from palabre.retriever.access import tiers_of
from palabre.retriever.search import Found, Question, Search

# A word in common may inspire a story; it would be no answer.
STORY_FLOOR = 0.05


class Spaces(Protocol):
    def get(self, name: str) -> Space:
        """Raises UnknownSpace."""
        ...


def retriever(search: Search, spaces: Spaces) -> Handler:
    """Raises Reject for a space or persona that does not exist, and Unavailable."""

    async def retrieve(event: pb.Event) -> AsyncIterator[pb.Event]:
        found = await search.find(_question(event, spaces.get(event.space)))
        yield _retrieved(event, found)

    return retrieve


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
