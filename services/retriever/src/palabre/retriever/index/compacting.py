"""What was written to a shard becomes segments that are only read, before the shard is opened.

Of what was written since, the engine keeps an index in memory, and each load makes it anew, with
the GIL held: 60 µs and 8 kB a passage. Segments that are only read are mapped: 3 µs and 0.3 kB.
Making those, `optimize()`, holds the GIL too, for 0.15 ms a passage: hence a process of its own,
`python -m palabre.retriever.index.compacting SHARD`. One that is killed has changed nothing.
"""

import asyncio
import ctypes
import json
import shutil
import signal
import sys
from pathlib import Path

import structlog
from qdrant_edge import (
    EdgeConfig,
    EdgeOptimizersConfig,
    EdgeShard,
    EdgeSparseVectorParams,
    HnswIndexConfig,
    Memory,
    Modifier,
)

from palabre.retriever.machine import memory_bytes

log = structlog.get_logger()

# Passages that are loaded as they are: in half a second, or a whole one on a busy machine.
LOADED_AT_ONCE = 20_000
# Measured with 107,000 passages, of memory that is not mapped files.
_MEMORY = 17_000
# Of a file that only segments have that are written to: what it has for a point.
_TRACKER, _TRACKED = "segments/*/mutable_id_tracker.mappings", 21
# Segments are merged when there are more.
_SEGMENTS = 8
_PR_SET_PDEATHSIG = 1


def written(shard: Path) -> int:
    """About how many passages were written since it was compacted."""
    return sum(file.stat().st_size for file in shard.glob(_TRACKER)) // _TRACKED


async def compact(shard: Path, at_least: int | None = None) -> None:
    """If so many passages were written to it, and half of the memory that there is will do.

    Nobody may have it open.
    """
    least = LOADED_AT_ONCE if at_least is None else at_least
    passages = written(shard)
    if passages < least or passages * _MEMORY > memory_bytes() / 2:
        return
    log.info("compacting a shard before it is opened", shard=shard.name, passages=passages)
    program = [sys.executable, "-I", "-m", __name__, str(shard)]
    process = await asyncio.create_subprocess_exec(*program, env={})
    try:
        if code := await process.wait():
            log.warning("a shard could not be compacted", shard=shard.name, code=code)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def main() -> None:
    """Compacts the shard of this path. Ends with the process that started it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    folder = Path(sys.argv[1])
    shutil.rmtree(folder / "temp_segments", ignore_errors=True)  # of one that was killed
    kept = json.loads((folder / "edge_config.json").read_bytes())
    shard = EdgeShard.load(str(folder), _config(kept["sparse_vectors"]))
    shard.optimize()
    shard.close()


def _config(fields: list[str]) -> EdgeConfig:
    """Dense vectors go on being compared one by one: no graph is made of them."""
    sparse = EdgeSparseVectorParams(modifier=Modifier.Idf, memory=Memory.Cold)
    return EdgeConfig(
        sparse_vectors=dict.fromkeys(fields, sparse),
        hnsw_config=HnswIndexConfig(m=0, ef_construct=100, full_scan_threshold=10_000),
        optimizers=EdgeOptimizersConfig(default_segment_number=_SEGMENTS, indexing_threshold=1),
    )


if __name__ == "__main__":
    main()
