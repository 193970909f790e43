"""The knowledge of a space: documents in, passages out."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, File, Form, Query, Request, Response, UploadFile
from fastapi.responses import JSONResponse

from palabre.channels.answers import passage
from palabre.contracts.v1 import retriever_pb2 as rpc
from palabre.gateway import state
from palabre.gateway.access import Asking
from palabre.gateway.ndjson import NDJSON, lines
from palabre.gateway.problems import Problem
from palabre.gateway.sse import Stream

router = APIRouter(prefix="/api/v1/spaces/{space}", tags=["documents"])

PIECE = 64 * 1024
INGEST_S = 600.0
ARCHIVE = ".zip"
ARCHIVE_S = 6 * 3_600.0  # thousands of documents in one request
LISTED_AT_ONCE = 4_000  # well below what one message of gRPC holds

Text = Annotated[str, Form(max_length=1_000)]


@router.post("/documents", status_code=201, response_class=JSONResponse)
async def ingest(
    space: str,
    request: Request,
    caller: Asking,
    file: Annotated[UploadFile, File()],
    document: Text = "",
    title: Text = "",
    language: Text = "",
    tier: Text = "",
    url: Text = "",
    front_matter: Annotated[str, Form(max_length=64 * 1024)] = "",
) -> Response:
    """Adds or replaces a document, or all of a .zip archive, each with an outcome of its own.

    Of a tier that the token may read, unless it is an administrator's.

    `front_matter` is the YAML that a Markdown file has at its head, for formats with no place for
    it. With `Accept: application/x-ndjson` a line per step.
    """
    gateway = state.of(request)
    caller.space(gateway.spaces, space, "documents:write")
    header = rpc.DocumentHeader(
        space=space,
        document=_document_id(document or file.filename or ""),
        media_type=file.content_type or "",
        title=title,
        language=language,
        tier=tier,
        url=url,
        front_matter=front_matter,
        groups=caller.groups,
        bound=not caller.administers(space),
    )
    is_archive = header.document.lower().endswith(ARCHIVE)
    patience_s = ARCHIVE_S if is_archive else INGEST_S
    progress = gateway.retriever.Ingest(_pieces(header, file), timeout=patience_s)
    if NDJSON in request.headers.get("accept", ""):
        return Stream(lambda gone: lines(progress, _line), NDJSON)
    outcome = await (_outcomes(progress) if is_archive else _last(progress))
    return JSONResponse(outcome, 201)


@router.get("/documents")
async def documents(
    space: str,
    request: Request,
    caller: Asking,
    only: Annotated[list[str], Query(alias="document", max_length=200)] = [],  # noqa: B006
) -> dict[str, Any]:
    """All documents that the caller may read, or those of these names that exist."""
    gateway = state.of(request)
    caller.space(gateway.spaces, space, "search")
    wanted = rpc.ListDocumentsRequest(
        space=space, groups=caller.groups, documents=only, limit=LISTED_AT_ONCE
    )
    found: list[dict[str, Any]] = []
    full = True
    while full:
        page = (await gateway.retriever.ListDocuments(wanted)).documents
        found += [entry(each) for each in page]
        full = len(page) == LISTED_AT_ONCE
        wanted.after = found[-1]["document"] if found else ""
    return {"documents": found}


@router.get("/documents/{document:path}")
async def document(
    space: str,
    document: str,
    request: Request,
    caller: Asking,
    skip: Annotated[int, Query(ge=0, lt=1 << 31)] = 0,
    version: Annotated[str, Query(max_length=64)] = "",
) -> dict[str, Any]:
    """A document's entry and its passages, in order, from the one numbered `skip` on.

    Of a very large document not all come at once: `passages` of its entry says how many there are.
    Ask again with as many as came before, and with the entry's `version`: 409 when it has changed.
    """
    gateway = state.of(request)
    caller.space(gateway.spaces, space, "search")
    wanted = rpc.GetDocumentRequest(
        space=space, document=document, groups=caller.groups, skip=skip, version=version
    )
    found = await gateway.retriever.GetDocument(wanted)
    return {"document": entry(found.entry), "passages": [passage(p) for p in found.passages]}


@router.delete("/documents/{document:path}", status_code=204)
async def forget(space: str, document: str, request: Request, caller: Asking) -> Response:
    """Removes a document that the caller may read, or any as an administrator."""
    gateway = state.of(request)
    caller.space(gateway.spaces, space, "documents:write")
    await gateway.retriever.DeleteDocument(
        rpc.DeleteDocumentRequest(
            space=space,
            document=document,
            groups=caller.groups,
            bound=not caller.administers(space),
        )
    )
    return Response(status_code=204)


@router.get("/search")
async def search(
    space: str,
    request: Request,
    caller: Asking,
    q: Annotated[str, Query(min_length=1, max_length=2_000)],
    limit: Annotated[int, Query(ge=1, le=50)] = 6,
    floor: Annotated[bool, Query(description="Leave out what is not relevant enough.")] = True,
) -> dict[str, Any]:
    """The passages that answer best, the best first."""
    gateway = state.of(request)
    caller.space(gateway.spaces, space, "search")
    wanted = rpc.SearchRequest(
        space=space, queries=[q], groups=caller.groups, limit=limit, without_floor=not floor
    )
    found = await gateway.retriever.Search(wanted)
    return {"passages": [passage(p) for p in found.passages]}


def entry(found: rpc.DocumentEntry) -> dict[str, Any]:
    return {
        "document": found.document,
        "title": found.title,
        "version": found.version,
        "language": found.language,
        "tier": found.tier,
        "url": found.url or None,
        "media_type": found.media_type,
        "size_bytes": found.size_bytes,
        "passages": found.passages,
        "changed": found.changed,
        "ingested_at": found.ingested_at.ToJsonString(),
        "remarks": list(found.remarks),
    }


class _Progress(Protocol):
    def __aiter__(self) -> AsyncIterator[rpc.IngestResponse]: ...


def _document_id(name: str) -> str:
    """Stable within the space. Raises Problem 422."""
    name = name.replace("\\", "/").lstrip("/")
    if not name or len(name) > 500 or ".." in name.split("/"):
        raise Problem(
            422, "Name the document, as in guides/loyer.md, without '..'.", param="document"
        )
    return name


async def _pieces(header: rpc.DocumentHeader, file: UploadFile) -> AsyncIterator[rpc.IngestRequest]:
    yield rpc.IngestRequest(header=header)
    while data := await file.read(PIECE):
        yield rpc.IngestRequest(data=data)


async def _last(progress: _Progress) -> dict[str, Any]:
    async for step in progress:
        if step.HasField("done"):
            return entry(step.done)
    raise Problem(502, "The retriever ended before the document was stored: send it again.")


async def _outcomes(progress: _Progress) -> dict[str, Any]:
    """Of all documents of an archive."""
    steps = [_line(step) async for step in progress if not step.HasField("step")]
    return {
        "documents": [step["document"] for step in steps if "document" in step],
        "failed": [step["failed"] for step in steps if "failed" in step],
    }


def _line(step: rpc.IngestResponse) -> dict[str, Any]:
    """An archive has a `document` or `failed` for each of its documents."""
    if step.HasField("done"):
        return {"document": entry(step.done)}
    if step.HasField("failed"):
        said = step.failed
        return {"failed": {"document": said.document, "reason": said.reason, "remedy": said.remedy}}
    return {
        "step": step.step.name,
        "passages": step.step.passages,
        "passages_total": step.step.passages_total,
    }
