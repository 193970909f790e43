"""The knowledge of a space as it was: for replays, and for administrators alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from palabre.channels.waiting import Gone
from palabre.contracts.v1 import retriever_pb2 as rpc
from palabre.gateway import state
from palabre.gateway.access import Asking
from palabre.gateway.ndjson import NDJSON, lines
from palabre.gateway.routes.knowledge import REBUILD_S
from palabre.gateway.sse import Stream

router = APIRouter(prefix="/api/v1/spaces/{space}", tags=["documents"])

Version = Annotated[str, Field(min_length=4, max_length=64)]


class Wanted(BaseModel):
    """Documents as they were then, or as they are; some of them in another version instead."""

    model_config = ConfigDict(extra="forbid")

    at: AwareDatetime | None = None
    versions: dict[str, Version] = Field(default={}, max_length=100)

    def request(self, space: str) -> rpc.SnapshotRequest:
        wanted = rpc.SnapshotRequest(space=space, versions=self.versions)
        if self.at:
            wanted.at.FromDatetime(self.at)
        return wanted


@router.post("/snapshots", response_class=StreamingResponse)
async def take(space: str, wanted: Wanted, request: Request, caller: Asking) -> Response:
    """Builds the index of the documents as they were: a line of JSON per step.

    The last line names the snapshot, and the documents that are missing though they may have been
    there. Only replays are answered from it. Who hangs up before gets none.
    """
    gateway = state.of(request)
    caller.space(gateway.spaces, space, "admin")
    steps = gateway.retriever.Snapshot(wanted.request(space), timeout=REBUILD_S)
    return Stream(lambda gone: _lines(steps, gone), NDJSON)


@router.delete("/snapshots/{snapshot}", status_code=204)
async def drop(space: str, snapshot: str, request: Request, caller: Asking) -> None:
    """Nothing happens when there is none."""
    gateway = state.of(request)
    caller.space(gateway.spaces, space, "admin")
    await gateway.retriever.DropSnapshot(rpc.DropSnapshotRequest(space=space, snapshot=snapshot))


async def _lines(steps: Any, gone: Gone) -> AsyncIterator[bytes]:
    """`steps` is a call of gRPC, which ends with its client."""
    gone.add_done_callback(lambda _: steps.cancel())
    try:
        async with aclosing(lines(steps, _step)) as told:
            async for line in told:
                yield line
    except asyncio.CancelledError:
        if not steps.cancelled() or not gone.done():
            raise
    finally:
        steps.cancel()


def _step(step: rpc.SnapshotResponse) -> dict[str, Any]:
    done = step.HasField("expires_at")
    return {
        "documents": step.documents,
        "documents_total": step.documents_total,
        "passages": step.passages,
        "later": step.later,
        "left_out": [{"document": e.document, "reason": e.reason} for e in step.left_out],
        "left_out_total": step.left_out_total,
        "snapshot": step.snapshot or None,
        "expires_at": step.expires_at.ToJsonString() if done else None,
    }
