"""ArchiveService over gRPC: for the adapters of channels that are no HTTP clients."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import batched
from typing import Any

import grpc
from google.protobuf.message import Message
from nats.errors import Error as NatsError
from sqlalchemy.exc import SQLAlchemyError

from palabre.chassis.errors import Reject, Unavailable
from palabre.chassis.spaces import UnknownSpace
from palabre.contracts.v1 import archive_pb2 as pb, turns_pb2
from palabre.contracts.v1.archive_pb2_grpc import (
    ArchiveServiceServicer,
    add_ArchiveServiceServicer_to_server,
)
from palabre.gateway import archive, erasure
from palabre.gateway.conversations import Conversation
from palabre.gateway.ledger import Query, Row
from palabre.gateway.problems import Problem
from palabre.gateway.routes.conversations import current_turns
from palabre.gateway.state import State

NAME = pb.DESCRIPTOR.services_by_name["ArchiveService"].full_name
MAX_COMMENT_CHARACTERS = 2_000
# Conversations that are erased at once: each waits for all writers to hear of it.
ERASED_AT_ONCE = 64
CATCH_UP_S = 20.0
_PART_BYTES = 1 << 20

Context = grpc.aio.ServicerContext[Message, Message]
Asked = pb.ExportRequest | pb.EraseRequest


class ArchiveServicer(ArchiveServiceServicer):
    """What is another's is NOT_FOUND: nobody learns that it exists."""

    def __init__(self, gateway: State) -> None:
        self._gateway = gateway

    def add_to(self, server: grpc.aio.Server) -> None:
        add_ArchiveServiceServicer_to_server(self, server)

    async def Rate(self, request: pb.RateRequest, context: Context) -> pb.RateResponse:
        async with _translated(context):
            _check_rating(request)
            conversations, person = self._gateway.conversations, request.person
            found = await conversations.asked_in(request.turn, request.channel, person)
            if (found.space, found.id) != (request.space, request.conversation):
                raise Problem(404, "There is no such turn in this conversation.")
            comment = request.comment or None
            await conversations.rate(request.turn, found, person, request.score, comment)
            return pb.RateResponse()

    async def Export(
        self, request: pb.ExportRequest, context: Context
    ) -> AsyncIterator[pb.ExportResponse]:
        async with _translated(context):
            for found in await self._conversations(request):
                rows = await current_turns(self._gateway, found)
                mine = [row for row in rows if (row.get("person") or found.owner) == request.person]
                ratings = await self._gateway.conversations.ratings(found.id, request.person)
                for turns in _parts(_turn(row, *ratings.get(row["id"], (0, ""))) for row in mine):
                    yield pb.ExportResponse(conversation=_conversation(found, turns))

    async def Erase(
        self, request: pb.EraseRequest, context: Context
    ) -> AsyncIterator[pb.EraseResponse]:
        async with _translated(context):
            who = (request.channel, request.person, request.space)
            found = await self._conversations(request)
            found += await self._gateway.conversations.paid_for(*who)
            done = 0
            for some in batched(found, ERASED_AT_ONCE):
                await self._erase(some)
                for each in some:
                    done += 1
                    yield pb.EraseResponse(
                        conversations=done, conversations_total=len(found), conversation=each.id
                    )

    async def Used(self, request: pb.UsedRequest, context: Context) -> pb.UsedResponse:
        async with _translated(context):
            zone = self._gateway.spaces.get(request.space).zone
            today = dt.datetime.now(zone).date()
            return pb.UsedResponse(
                day=await self._used(request, today, today),
                month=await self._used(request, today.replace(day=1), today),
            )

    async def _conversations(self, request: Asked) -> list[Conversation]:
        """The person's, all of them: what was asked a moment ago, too."""
        if not (request.channel and request.person):
            raise ValueError("name a channel and a person")
        await archive.caught_up(self._gateway.bus, CATCH_UP_S)
        return await self._gateway.conversations.of_person(
            request.channel, request.person, request.space
        )

    async def _erase(self, some: Iterable[Conversation]) -> None:
        """Those that are begun are ended when one of them fails; all may be asked for again."""
        bus, conversations = self._gateway.bus, self._gateway.conversations
        work = (erasure.erase(bus, conversations, each) for each in some)
        for outcome in await asyncio.gather(*work, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _used(
        self, request: pb.UsedRequest, since: dt.date, until: dt.date
    ) -> pb.PersonUsage:
        query = Query(
            since,
            until,
            spaces=frozenset({request.space}),
            channel=request.channel,
            person=request.person,
        )
        _, total = await self._gateway.ledger.report(query)
        return pb.PersonUsage(
            turns=total["turns"],
            prompt_tokens=total["prompt_tokens"],
            completion_tokens=total["completion_tokens"],
            cost_micros=total["micros"],
            calls_of_unknown_cost=total["calls_of_unknown_cost"],
        )


def _check_rating(request: pb.RateRequest) -> None:
    """Raises ValueError with a sentence that says what to do."""
    if request.score not in (-1, 0, 1):
        raise ValueError(f"score is {request.score}: use 1, -1, or 0 to take it back")
    if len(request.comment) > MAX_COMMENT_CHARACTERS:
        raise ValueError(f"the comment is too long: at most {MAX_COMMENT_CHARACTERS} characters")


def _conversation(found: Conversation, turns: list[pb.ArchivedTurn]) -> pb.ArchivedConversation:
    made = pb.ArchivedConversation(
        id=found.id, space=found.space, persona=found.persona, turns=turns
    )
    made.begun_at.FromDatetime(found.created_at)
    return made


def _parts(turns: Iterable[pb.ArchivedTurn]) -> Iterator[list[pb.ArchivedTurn]]:
    """As many together as one message holds; one part at least."""
    part: list[pb.ArchivedTurn] = []
    size = 0
    for turn in turns:
        if size > _PART_BYTES:
            yield part
            part, size = [], 0
        part.append(turn)
        size += turn.ByteSize()
    yield part


def _turn(row: Row, score: int, comment: str) -> pb.ArchivedTurn:
    made = pb.ArchivedTurn(
        id=row["id"],
        question=row.get("question") or "",
        answer=row.get("answer") or "",
        status=row["status"],
        sources=[_source(source) for source in row.get("sources") or ()],
        attachments=[_attachment(row["space"], image) for image in row.get("attachments") or ()],
        score=score,
        comment=comment,
    )
    if asked_at := row.get("asked_at"):
        made.asked_at.FromDatetime(asked_at)
    return made


def _attachment(space: str, image: dict[str, Any]) -> turns_pb2.Attachment:
    return turns_pb2.Attachment(
        name=image["name"],
        blob=f"{space}/{image['blob']}",
        width=image["width"],
        height=image["height"],
    )


def _source(source: dict[str, Any]) -> turns_pb2.Source:
    """Without its whole text, which is the organisation's, not the person's."""
    return turns_pb2.Source(
        number=source["number"],
        quote=source.get("quote") or "",
        passage=turns_pb2.Passage(
            document=source["document"],
            title=source["title"],
            heading_path=source["heading_path"],
            url=source.get("url") or "",
            page=source.get("page") or 0,
        ),
    )


@contextlib.asynccontextmanager
async def _translated(context: Context) -> AsyncIterator[None]:
    """Errors as gRPC codes."""
    try:
        yield
    except (Problem, UnknownSpace) as error:
        await context.abort(grpc.StatusCode.NOT_FOUND, str(error))
    except (ValueError, Reject) as error:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
    except Unavailable as error:
        await context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
    except (SQLAlchemyError, NatsError, OSError):
        await context.abort(grpc.StatusCode.UNAVAILABLE, "the archive does not answer: try again")
