"""The knowledge of the spaces on this machine goes to the retriever, unchanged files at no cost."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from rich.console import Console
from rich.progress import Progress

from palabre.chassis import rpc, spaces
from palabre.chassis.credentials import Credentials
from palabre.cli.folders import File, documents, media_type
from palabre.contracts.v1 import retriever_pb2 as pb
from palabre.contracts.v1.retriever_pb2_grpc import RetrieverServiceStub

if TYPE_CHECKING:  # this name is in the stubs' types only
    from palabre.contracts.v1.retriever_pb2_grpc import RetrieverServiceAsyncStub

PIECE = 64 * 1024
TIMEOUT_S = 120.0
AT_ONCE = 4
ASKED_AT_ONCE = 100
RESTRICTED = "restricted"


def ingest_spaces(root: Path, retriever: str, showing: Credentials, console: Console) -> None:
    """Every space below `root`. What fails is said; the rest goes on."""
    for folder in sorted(p.parent for p in root.glob("*/space.toml")):
        asyncio.run(_ingest_space(folder, retriever, showing, console))


async def _ingest_space(
    folder: Path, retriever: str, showing: Credentials, console: Console
) -> None:
    space = spaces.read_folder(folder)
    found = [d for path in space.knowledge.paths for d in documents(folder / path)]
    slots = asyncio.Semaphore(AT_ONCE)
    async with rpc.channel(retriever, showing) as channel:
        stub = RetrieverServiceStub(channel)
        wanted = await _not_in(stub, folder.name, found)
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task(f"Indexing {folder.name}", total=len(wanted))

            async def one(file: File) -> int:
                async with slots:
                    try:
                        return await _ingest(stub, folder.name, file)
                    except grpc.aio.AioRpcError as error:
                        console.print(f"{file.path}: {error.details()}")
                        return 0
                    finally:
                        progress.advance(task)

            changed = sum(await asyncio.gather(*(one(file) for file in wanted)))
    if changed:
        console.print(f"Space {folder.name}: {len(found)} documents, {changed} passages new.")


async def _not_in(
    stub: "RetrieverServiceAsyncStub", space: str, found: Sequence[File]
) -> list[File]:
    """Those whose content is not in; what not everybody may read is looked at again, too."""
    wanted: list[File] = []
    for some in batched(found, ASKED_AT_ONCE):
        names = [file.document for file in some]
        asked = pb.ListDocumentsRequest(space=space, groups=[RESTRICTED], documents=names)
        entries = (await stub.ListDocuments(asked, timeout=TIMEOUT_S)).documents
        versions = {entry.document: entry.version for entry in entries}
        wanted += [f for f in some if versions.get(f.document) != f.version()]
    return wanted


async def _ingest(stub: "RetrieverServiceAsyncStub", space: str, file: File) -> int:
    header = pb.DocumentHeader(
        space=space,
        document=file.document,
        media_type=media_type(file.path),
        front_matter=file.front_matter(),
    )
    data = await asyncio.to_thread(file.path.read_bytes)

    async def pieces() -> AsyncIterator[pb.IngestRequest]:
        yield pb.IngestRequest(header=header)
        for start in range(0, len(data), PIECE):
            yield pb.IngestRequest(data=data[start : start + PIECE])

    changed = 0
    async for progress in stub.Ingest(pieces(), timeout=TIMEOUT_S):
        changed += progress.done.changed
    return changed
