"""The service over a real gRPC connection on loopback."""

import asyncio
import datetime as dt
import io
import zipfile
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from palabre.chassis import rpc
from palabre.chassis.blobs import MemoryObjects
from palabre.chassis.directory import Spaces
from palabre.chassis.spaces import parse
from palabre.chassis.testing import collect, until
from palabre.contracts.v1 import retriever_pb2 as pb
from palabre.contracts.v1.retriever_pb2_grpc import RetrieverServiceStub
from palabre.retriever.building import Builder
from palabre.retriever.catalogue import Catalogue, MemoryBucket
from palabre.retriever.documents.archives import ArchiveLimits
from palabre.retriever.index.edge import EdgeIndex
from palabre.retriever.knowledge import Knowledge
from palabre.retriever.search import Search
from palabre.retriever.servicer import MAX_INGESTING, NAME, Retriever
from palabre.retriever.snapshots import Snapshots

if TYPE_CHECKING:  # a name of the type stubs only
    from palabre.contracts.v1.retriever_pb2_grpc import RetrieverServiceAsyncStub

MAX_BYTES = 6_000_000
DEMO = {
    "schema": 1,
    "name": "Démo",
    "languages": ["fr"],
    "default_persona": "camille",
    "greeting": {"fr": "Bonjour"},
    "personas": {"camille": {"name": "Camille", "identity": {"fr": "Une agente."}}},
}


@pytest.fixture
async def stub(edge: EdgeIndex) -> AsyncIterator["RetrieverServiceAsyncStub"]:
    now = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    catalogue = Catalogue(MemoryBucket())
    knowledge = Knowledge(edge, catalogue, MemoryObjects(), lambda: now)
    builder = Builder(knowledge, edge, catalogue)
    snapshots = Snapshots(knowledge, edge, catalogue, lambda: now, resting=False)
    spaces, archives = Spaces({"demo": parse(DEMO)}), ArchiveLimits(document=MAX_BYTES)
    servicer = Retriever(Search(edge), knowledge, spaces, MAX_BYTES, builder, snapshots, archives)
    server, port = await rpc.serve([servicer.add_to], [NAME], "127.0.0.1:0", reflect=False)
    async with rpc.channel(f"127.0.0.1:{port}") as channel:
        yield RetrieverServiceStub(channel)
    await server.stop(None)


def pieces(header: pb.DocumentHeader, data: bytes) -> Iterator[pb.IngestRequest]:
    yield pb.IngestRequest(header=header)
    for start in range(0, len(data), 64 << 10):
        yield pb.IngestRequest(data=data[start : start + (64 << 10)])


def zipped(members: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return out.getvalue()


async def ingest(
    stub: "RetrieverServiceAsyncStub", text: str, document: str = "guide.md", **header: Any
) -> list[pb.IngestResponse]:
    sent = pb.DocumentHeader(**({"space": "demo", "document": document} | header))
    return [progress async for progress in stub.Ingest(pieces(sent, text.encode()))]


async def refused(call: object) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call  # type: ignore[misc]
    return caught.value.code(), str(caught.value.details())


async def test_a_document_goes_in_and_is_found(stub: "RetrieverServiceAsyncStub") -> None:
    text = "\n\n".join(f"Le bail numéro {number} dure trois ans." for number in range(4_000))
    progress = await ingest(stub, f"# Bail\n\n{text}")
    assert progress[-1].done.passages > 100
    request = pb.SearchRequest(space="demo", queries=["que dure le bail ?"], limit=3)
    response = await stub.Search(request)
    assert [p.title for p in response.passages] == ["Bail"] * 3
    assert response.search_ms > 0


async def test_the_floor_can_be_left_out(stub: "RetrieverServiceAsyncStub") -> None:
    await ingest(stub, "# Bail\n\nLe bail dure trois ans.")
    request = pb.SearchRequest(space="demo", queries=["le bail des girafes de Mongolie"], limit=3)
    response = await stub.Search(request)
    assert (len(response.passages), response.below_floor) == (0, 1)
    request.without_floor = True
    assert len((await stub.Search(request)).passages) == 1


async def test_a_search_may_be_bound_to_a_folder(stub: "RetrieverServiceAsyncStub") -> None:
    for name in ("forum/1/a.md", "forum/2/b.md"):
        await ingest(stub, f"# {name}\n\nLe bail dure trois ans.", document=name)
    request = pb.SearchRequest(
        space="demo", queries=["que dure le bail ?"], limit=3, folder="forum/2/"
    )
    response = await stub.Search(request)
    assert [p.document for p in response.passages] == ["forum/2/b.md"]


@pytest.mark.parametrize(
    ("request_", "code", "said"),
    [
        (pb.SearchRequest(space="x", queries=["a"], limit=1), "NOT_FOUND", "no space 'x'"),
        (pb.SearchRequest(space="demo", queries=["a"]), "INVALID_ARGUMENT", "choose 1 to 50"),
        (pb.SearchRequest(space="demo", limit=1), "INVALID_ARGUMENT", "say what to search for"),
        (
            pb.SearchRequest(space="demo", queries=["a" * 9_000], limit=1),
            "INVALID_ARGUMENT",
            "use at most 8000 characters",
        ),
    ],
)
async def test_a_search_that_makes_no_sense_is_refused_with_what_to_do(
    stub: "RetrieverServiceAsyncStub", request_: pb.SearchRequest, code: str, said: str
) -> None:
    status, details = await refused(stub.Search(request_))
    assert status.name == code
    assert said in details


@pytest.mark.parametrize(
    ("header", "text", "code", "said"),
    [
        ({}, " ", "INVALID_ARGUMENT", "guide.md: is empty"),
        ({"document": ""}, "a", "INVALID_ARGUMENT", "has no name"),
        ({"document": "a\nb.md"}, "a", "INVALID_ARGUMENT", "no control characters"),
        ({"space": "x"}, "a", "NOT_FOUND", "no space 'x'"),
        ({}, "a" * (MAX_BYTES + 1), "INVALID_ARGUMENT", "guide.md: is larger than 5 MiB"),
    ],
)
async def test_a_document_that_cannot_be_taken_is_refused_with_what_to_do(
    stub: "RetrieverServiceAsyncStub", header: dict[str, str], text: str, code: str, said: str
) -> None:
    status, details = await refused(ingest(stub, text, **header))
    assert status.name == code
    assert said in details


async def test_archives_that_are_being_sent_keep_no_document_waiting(
    stub: "RetrieverServiceAsyncStub",
) -> None:
    sent = asyncio.Event()

    async def slow(number: int) -> AsyncIterator[pb.IngestRequest]:
        yield pb.IngestRequest(header=pb.DocumentHeader(space="demo", document=f"{number}.zip"))
        await sent.wait()
        yield pb.IngestRequest(data=zipped({"a.md": "# Bail\n\nTrois ans."}))

    async def unpacked(number: int) -> list[str]:
        return [p.done.document async for p in stub.Ingest(slow(number)) if p.HasField("done")]

    archives = [asyncio.create_task(unpacked(number)) for number in range(MAX_INGESTING)]
    await asyncio.sleep(0.1)
    async with asyncio.timeout(10):
        assert (await ingest(stub, "# Bail\n\nTrois ans."))[-1].done.passages == 1
    sent.set()
    assert await asyncio.gather(*archives) == [[f"{n}.zip/a.md"] for n in range(MAX_INGESTING)]


async def test_another_tiers_document_does_not_exist(stub: "RetrieverServiceAsyncStub") -> None:
    await ingest(stub, "# Consignes\n\nEn interne.", "interne.md", tier="restricted")
    await ingest(stub, "# Bail\n\nPour tous.", "bail.md")
    listed = await stub.ListDocuments(pb.ListDocumentsRequest(space="demo"))
    assert [e.document for e in listed.documents] == ["bail.md"]
    get = pb.GetDocumentRequest(space="demo", document="interne.md")
    assert (await refused(stub.GetDocument(get)))[0] is grpc.StatusCode.NOT_FOUND
    get.groups.append("restricted")
    got = await stub.GetDocument(get)
    assert (got.entry.tier, [p.text for p in got.passages]) == ("restricted", ["En interne."])


async def test_a_long_list_is_given_in_parts(stub: "RetrieverServiceAsyncStub") -> None:
    for name in ("a.md", "b.md", "c.md"):
        await ingest(stub, f"# {name}\n\nUn texte.", name)
    first = await stub.ListDocuments(pb.ListDocumentsRequest(space="demo", limit=2))
    assert [e.document for e in first.documents] == ["a.md", "b.md"]
    rest = await stub.ListDocuments(pb.ListDocumentsRequest(space="demo", limit=2, after="b.md"))
    assert [e.document for e in rest.documents] == ["c.md"]


async def test_documents_are_asked_for_by_name_not_too_many_at_once(
    stub: "RetrieverServiceAsyncStub",
) -> None:
    await ingest(stub, "# Un\n\nUn texte.", "a.md")
    asked = pb.ListDocumentsRequest(space="demo", documents=["a.md", "b.md"])
    assert [e.document for e in (await stub.ListDocuments(asked)).documents] == ["a.md"]
    asked.documents.extend(str(n) for n in range(200))
    code, said = await refused(stub.ListDocuments(asked))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "at most 200" in said


async def test_a_very_large_document_is_read_in_parts(
    stub: "RetrieverServiceAsyncStub",
) -> None:
    [*_, last] = await ingest(stub, ("é" * 8_000 + "\n\n") * 300, "long.txt")
    request = pb.GetDocumentRequest(space="demo", document="long.txt")
    first = await stub.GetDocument(request)
    assert 100 < len(first.passages) < first.entry.passages == last.done.passages
    request.skip = len(first.passages)
    second = await stub.GetDocument(request)
    assert len(first.passages) + len(second.passages) == last.done.passages
    request.skip = last.done.passages
    assert not (await stub.GetDocument(request)).passages


async def test_a_reader_in_parts_learns_that_a_document_has_changed(
    stub: "RetrieverServiceAsyncStub",
) -> None:
    [*_, last] = await ingest(stub, "# Bail\n\nTrois ans.")
    request = pb.GetDocumentRequest(space="demo", document="guide.md", version=last.done.version)
    assert (await stub.GetDocument(request)).entry == last.done
    await ingest(stub, "# Bail\n\nSix ans.")
    code, said = await refused(stub.GetDocument(request))
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert said == "guide.md: has changed meanwhile: read it again from its beginning"


async def test_versions_and_generations_over_the_wire(stub: "RetrieverServiceAsyncStub") -> None:
    [*_, first] = await ingest(stub, "# Bail\n\nLe bail dure trois ans.")
    await ingest(stub, "# Bail\n\nLe bail dure six ans.")
    rollback = pb.RollbackRequest(space="demo", document="guide.md", version=first.done.version)
    assert (await stub.Rollback(rollback)).entry.version == first.done.version
    listed = await stub.ListVersions(pb.ListVersionsRequest(space="demo", document="guide.md"))
    assert len(listed.versions) == 2
    steps = [step async for step in stub.Rebuild(pb.RebuildRequest(space="demo"))]
    assert (steps[-1].documents, steps[-1].documents_total) == (1, 1)
    wanted = pb.ListGenerationsRequest(space="demo")
    generations = (await stub.ListGenerations(wanted)).generations
    assert [(g.state, g.passages) for g in generations] == [("retired", 1), ("serving", 1)]
    assert generations[1].name == steps[-1].generation


async def test_versions_of_another_tier_do_not_exist(stub: "RetrieverServiceAsyncStub") -> None:
    await ingest(stub, "# Consignes\n\nEn interne.", "a.md", tier="restricted")
    await ingest(stub, "# Consignes\n\nPour tous.", "a.md", tier="public")
    wanted = pb.ListVersionsRequest(space="demo", document="a.md")
    assert len((await stub.ListVersions(wanted)).versions) == 1
    wanted.groups.append("restricted")
    assert len((await stub.ListVersions(wanted)).versions) == 2
    await ingest(stub, "# Consignes\n\nEncore en interne.", "a.md", tier="restricted")
    wanted.ClearField("groups")
    assert (await refused(stub.ListVersions(wanted)))[0] is grpc.StatusCode.NOT_FOUND


async def test_who_is_bound_changes_nothing_of_other_tiers_and_learns_nothing(
    stub: "RetrieverServiceAsyncStub",
) -> None:
    first = (await ingest(stub, "# Paie\n\nLe cinq.", "paie.md", tier="rh"))[-1].done
    await ingest(stub, "# Paie\n\nLe six.", "paie.md", tier="rh")
    said = set()
    for name in ("paie.md", "rien.md"):
        delete = pb.DeleteDocumentRequest(space="demo", document=name, bound=True)
        rollback = pb.RollbackRequest(
            space="demo", document=name, version=first.version, groups=["syndic"], bound=True
        )
        for call in (stub.DeleteDocument(delete), stub.Rollback(rollback)):
            code, details = await refused(call)
            said.add((code, details.replace(name, "NAME")))
    assert len(said) == 1
    listed = await stub.ListVersions(
        pb.ListVersionsRequest(space="demo", document="paie.md", groups=["rh"])
    )
    assert len(listed.versions) == 2
    rollback = pb.RollbackRequest(
        space="demo", document="paie.md", version=first.version, groups=["rh"], bound=True
    )
    assert (await stub.Rollback(rollback)).entry.version == first.version
    delete = pb.DeleteDocumentRequest(space="demo", document="paie.md", groups=["rh"], bound=True)
    assert (await stub.DeleteDocument(delete)).passages == 1


async def test_a_version_of_another_tier_does_not_come_back_for_who_is_bound(
    stub: "RetrieverServiceAsyncStub",
) -> None:
    hidden = (await ingest(stub, "# Paie\n\nLe cinq.", "paie.md", tier="rh"))[-1].done
    await ingest(stub, "# Paie\n\nPour tous.", "paie.md", tier="public")
    rollback = pb.RollbackRequest(
        space="demo", document="paie.md", version=hidden.version, bound=True
    )
    code, said = await refused(stub.Rollback(rollback))
    assert (code, "list its versions" in said) == (grpc.StatusCode.NOT_FOUND, True)


@pytest.mark.parametrize(
    ("document", "tier", "said"),
    [
        ("neuf.md", "rh", "has the tier 'rh', none of its sender's: use a token that may read"),
        ("paie.md", "syndic", "cannot have this name, which is taken: give it another"),
        ("paie.md", "rh", "cannot have this name, which is taken: give it another"),
    ],
)
async def test_who_is_bound_writes_no_other_tiers(
    stub: "RetrieverServiceAsyncStub", document: str, tier: str, said: str
) -> None:
    before = (await ingest(stub, "# Paie\n\nLe cinq.", "paie.md", tier="rh"))[-1].done
    bound = {"tier": tier, "groups": ["syndic"], "bound": True}
    code, details = await refused(ingest(stub, "# Autre\n\nFaux.", document, **bound))
    assert (code, said in details) == (grpc.StatusCode.INVALID_ARGUMENT, True)
    [entry] = (
        await stub.ListDocuments(pb.ListDocumentsRequest(space="demo", groups=["rh", "syndic"]))
    ).documents
    assert entry == before
    bound["tier"] = "syndic"
    [*_, last] = await ingest(stub, "# Charges\n\nVrai.", "charges.md", **bound)
    assert last.done.tier == "syndic"


@pytest.mark.parametrize("version", ["ffff", ""])
async def test_a_version_that_is_not_kept_is_not_found(
    stub: "RetrieverServiceAsyncStub", version: str
) -> None:
    await ingest(stub, "# Bail\n\nLe bail dure trois ans.")
    wanted = pb.RollbackRequest(space="demo", document="guide.md", version=version)
    code, said = await refused(stub.Rollback(wanted))
    assert (code, "list its versions" in said) == (grpc.StatusCode.NOT_FOUND, True)


async def test_a_deleted_document_is_not_found(stub: "RetrieverServiceAsyncStub") -> None:
    await ingest(stub, "# Bail\n\nPour tous.")
    delete = pb.DeleteDocumentRequest(space="demo", document="guide.md")
    assert (await stub.DeleteDocument(delete)).passages == 1
    code, details = await refused(stub.DeleteDocument(delete))
    assert code is grpc.StatusCode.NOT_FOUND
    assert "guide.md: no such document: list the space's documents" in details


async def test_an_archive_goes_in_and_out_as_one(stub: "RetrieverServiceAsyncStub") -> None:
    texts = {"bail.md": "# Bail\n\nTrois ans.", "vide.md": "", "gros.md": "x" * (MAX_BYTES + 1)}
    header = pb.DocumentHeader(space="demo", document="a.zip")
    outcomes = [step async for step in stub.Ingest(pieces(header, zipped(texts)))]
    assert [s.done.document for s in outcomes if s.HasField("done")] == ["a.zip/bail.md"]
    failed = [s.failed for s in outcomes if s.HasField("failed")]
    assert [(f.document, f.reason) for f in failed] == [
        ("a.zip/gros.md", "has 5 MiB, above the limit of 5 MiB"),
        ("a.zip/vide.md", "is empty"),
    ]
    delete = pb.DeleteDocumentRequest(space="demo", document="a.zip")
    assert (await stub.DeleteDocument(delete)).passages == 1
    assert (await refused(stub.DeleteDocument(delete)))[0] is grpc.StatusCode.NOT_FOUND


async def test_the_knowledge_as_it_was_is_built_step_by_step_and_dropped(
    stub: "RetrieverServiceAsyncStub", edge: EdgeIndex
) -> None:
    [*_, first] = await ingest(stub, "# Bail\n\nLe bail dure trois ans.")
    await ingest(stub, "# Bail\n\nLe bail dure six ans.")
    wanted = pb.SnapshotRequest(space="demo", versions={"guide.md": first.done.version[:8]})
    *steps, last = await collect(aiter(stub.Snapshot(wanted)))
    assert [(step.documents, step.snapshot) for step in steps] == [(0, ""), (1, "")]
    assert (last.documents, last.documents_total, last.passages) == (1, 1, 1)
    assert last.expires_at.ToDatetime(dt.UTC) == dt.datetime(2026, 11, 20, 6, tzinfo=dt.UTC)
    kept = f"demo~{last.snapshot}"
    assert await edge.snapshots("demo") == [kept]
    request = pb.SearchRequest(space=kept, queries=["que dure le bail ?"], limit=3)
    assert (await refused(stub.Search(request)))[0] == grpc.StatusCode.NOT_FOUND
    for _ in range(2):
        await stub.DropSnapshot(pb.DropSnapshotRequest(space="demo", snapshot=last.snapshot))
    assert await edge.snapshots() == []


async def test_what_no_snapshot_can_be_made_of_is_said(stub: "RetrieverServiceAsyncStub") -> None:
    wanted = pb.SnapshotRequest(space="demo", versions={"autre.md": "abcd"})
    code, said = await refused(collect(aiter(stub.Snapshot(wanted))))
    assert (code, "no such document" in said) == (grpc.StatusCode.NOT_FOUND, True)


async def test_who_hangs_up_while_a_snapshot_is_made_leaves_none(
    stub: "RetrieverServiceAsyncStub", edge: EdgeIndex
) -> None:
    for number in range(40):
        await ingest(stub, f"# Bail {number}\n\nLe bail dure trois ans.", f"{number}.md")
    call = stub.Snapshot(pb.SnapshotRequest(space="demo"))
    async for step in call:
        if step.documents == 2:
            break
    assert await edge.snapshots()
    call.cancel()

    async def none() -> bool:
        return not await edge.snapshots()

    await until(none, 20)
