"""Passages of a space that say the same."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from palabre.channels.answers import passage
from palabre.contracts.v1 import retriever_pb2 as rpc
from palabre.gateway import state
from palabre.gateway.access import Asking

router = APIRouter(prefix="/api/v1/spaces/{space}", tags=["documents"])

# A space of 500,000 passages is read through.
PATIENCE_S = 120.0


@router.get("/duplicates")
async def duplicates(
    space: str,
    request: Request,
    caller: Asking,
    threshold: Annotated[
        float | None, Query(ge=0.5, le=1, description="How alike; 0.7 by default.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="Groups.")] = 100,
) -> dict[str, Any]:
    """Groups of passages that say the same, the largest first, within what the caller may read."""
    gateway = state.of(request)
    caller.space(gateway.spaces, space, "search")
    wanted = rpc.ListDuplicatesRequest(
        space=space, groups=caller.groups, threshold=threshold or 0, limit=limit
    )
    found = await gateway.retriever.ListDuplicates(wanted, timeout=PATIENCE_S)
    return {"groups": [_group(each) for each in found.groups], "groups_total": found.groups_total}


def _group(found: rpc.DuplicateGroup) -> dict[str, Any]:
    return {
        "similarity": round(found.similarity, 3),
        "passages_total": found.passages_total,
        "passages": [passage(each) for each in found.passages],
    }
