"""The knowledge of the spaces on this machine goes to the retriever, unchanged files at no cost."""

import asyncio
import mimetypes
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from rich.console import Console
from rich.progress import Progress

from palabre.chassis import rpc, spaces
from palabre.contracts.v1 import retriever_pb2 as pb
from palabre.contracts.v1.retriever_pb2_grpc import RetrieverServiceStub

if TYPE_CHECKING:  # this name is in the stubs' types only
    from palabre.contracts.v1.retriever_pb2_grpc import RetrieverServiceAsyncStub

PIECE = 64 * 1024
TIMEOUT_S = 120.0
AT_ONCE = 4


def documents(folder: Path) -> Iterator[tuple[str, Path]]:
    """(document id, file) of everything below the folder, hidden files left out."""
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder)
        if file.is_file() and not any(part.startswith(".") for part in name.parts):
            yield name.as_posix(), file


def media_type(file: Path) -> str:
    if file.suffix in (".md", ".markdown"):
        return "text/markdown"
    return mimetypes.guess_type(file.name)[0] or "application/octet-stream"


def ingest_spaces(root: Path, retriever: str, console: Console) -> None:
    """Every space below `root`. What fails is said; the rest goes on."""
    for folder in sorted(p.parent for p in root.glob("*/space.toml")):
        asyncio.run(_ingest_space(folder, retriever, console))


async def _ingest_space(folder: Path, retriever: str, console: Console) -> None:
    space = spaces.read_folder(folder)
    found = [d for path in space.knowledge.paths for d in documents(folder / path)]
    changed, slots = 0, asyncio.Semaphore(AT_ONCE)
    async with rpc.channel(retriever) as channel:
        stub = RetrieverServiceStub(channel)
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task(f"Indexing {folder.name}", total=len(found))

            async def one(name: str, file: Path) -> int:
                async with slots:
                    try:
                        return await _ingest(stub, folder.name, name, file)
                    except grpc.aio.AioRpcError as error:
                        console.print(f"{file}: {error.details()}")
                        return 0
                    finally:
                        progress.advance(task)

            changed = sum(await asyncio.gather(*(one(*document) for document in found)))
    if changed:
        console.print(f"Space {folder.name}: {len(found)} documents, {changed} passages new.")


async def _ingest(stub: "RetrieverServiceAsyncStub", space: str, name: str, file: Path) -> int:
    header = pb.DocumentHeader(space=space, document=name, media_type=media_type(file))

    data = await asyncio.to_thread(file.read_bytes)

    async def pieces() -> AsyncIterator[pb.IngestRequest]:
        yield pb.IngestRequest(header=header)
        for start in range(0, len(data), PIECE):
            yield pb.IngestRequest(data=data[start : start + PIECE])

    changed = 0
    async for progress in stub.Ingest(pieces(), timeout=TIMEOUT_S):
        changed = progress.done.changed
    return changed
