"""Versions of documents, and generations of a space's index."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response
from fastapi.responses import JSONResponse

from palabre.contracts.v1 import retriever_pb2 as rpc
from palabre.gateway import state
from palabre.gateway.access import Asking
from palabre.gateway.ndjson import NDJSON, lines
from palabre.gateway.routes.documents import INGEST_S, entry
from palabre.gateway.sse import Stream

# Before those of documents, whose names may have any number of slashes.
router = APIRouter(prefix="/api/v1/spaces/{space}", tags=["documents"])

REBUILD_S = 24 * 3_600.0

Version = Annotated[str, Body(embed=True, min_length=4, max_length=64)]


@router.get("/documents/{document:path}/versions")
async def versions(space: str, document: str, request: Request, caller: Asking) -> dict[str, Any]:
    """What is kept of a document, newest first; the first one is current."""
    gateway = state.of(request)
    caller.space(gateway.spaces, space, "documents:write")
    wanted = rpc.ListVersionsRequest(space=space, document=document, groups=caller.groups)
    found = await gateway.retriever.ListVersions(wanted)
    return {"versions": [entry(each) for each in found.versions]}


@router.post("/documents/{document:path}/rollback")
async def rollback(
    space: str, document: str, version: Version, request: Request, caller: Asking
) -> dict[str, Any]:
    """Makes an earlier version current again, with the title and the tier that it had.

    The first characters of a version are enough.
    """
    gateway = state.of(request)
    caller.space(gateway.spaces, space, "documents:write")
    wanted = rpc.RollbackRequest(
        space=space,
        document=document,
        version=version,
        groups=caller.groups,
        bound=not caller.administers(space),
    )
    found = await gateway.retriever.Rollback(wanted, timeout=INGEST_S)
    return entry(found.entry)


@router.get("/generations")
async def generations(space: str, request: Request, caller: Asking) -> dict[str, Any]:
    """Of the space's index, oldest first."""
    gateway = state.of(request)
    caller.space(gateway.spaces, space, "documents:write")
    found = await gateway.retriever.ListGenerations(rpc.ListGenerationsRequest(space=space))
    return {"generations": [_generation(each) for each in found.generations]}


@router.post("/rebuild", response_class=JSONResponse)
async def rebuild(space: str, request: Request, caller: Asking) -> Response:
    """Indexes all documents anew from their originals, beside what serves, then switches.

    With `Accept: application/x-ndjson` a line per step. It goes on when nobody listens any more.
    """
    gateway = state.of(request)
    caller.space(gateway.spaces, space, "documents:write")
    progress = gateway.retriever.Rebuild(rpc.RebuildRequest(space=space), timeout=REBUILD_S)
    if NDJSON in request.headers.get("accept", ""):
        return Stream(lambda gone: lines(progress, _step), NDJSON)
    said = [step async for step in progress]
    return JSONResponse(_step(said[-1]))


def _step(step: rpc.RebuildResponse) -> dict[str, Any]:
    return {
        "documents": step.documents,
        "documents_total": step.documents_total,
        "lost": list(step.lost),
        "generation": step.generation,
    }


def _generation(found: rpc.IndexGeneration) -> dict[str, Any]:
    return {
        "name": found.name,
        "state": found.state,
        "passages": found.passages,
        "embedder": found.embedder or None,
        "dimensions": found.dimensions,
    }
