"""python -m bench.resume [--times 100]: kills the gateway while answers are being written.

Each client has seen a part of its answer when the gateway is killed with -9; it reconnects with
Last-Event-ID. Exits with 1 unless every one has put together exactly the answer, from pieces alone.
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path

import httpx

from bench.kill.asker import Asker, Outcome
from bench.kill.system import with_model
from palabre.chassis.testing import until
from palabre.cli.testing import Running

MODEL = "mock-ttft50-itl40-len80"  # 3.2 s: longer than a gateway takes to come back
AT_ONCE = 5


async def _round(system: Running, client: httpx.AsyncClient, seed: int) -> list[Outcome]:
    """AT_ONCE answers, and one kill once all of them have begun."""
    outcomes: list[Outcome] = []
    askers = [Asker(client, "logement", ["Comment demander un logement ?"], outcomes.append)
              for _ in range(AT_ONCE)]  # fmt: skip
    asking = [asyncio.create_task(_one(a, seed + i)) for i, a in enumerate(askers)]
    await until(lambda: len(outcomes) == AT_ONCE and all(o.assembled for o in outcomes), 60)
    pids = await asyncio.to_thread(system.pids)
    os.kill(pids["gateway"], signal.SIGKILL)
    return list(await asyncio.gather(*asking))


async def _one(asker: Asker, seed: int) -> Outcome:
    return await anext(aiter(asker.ask(1, seed)))


async def _main(folder: Path, times: int) -> int:
    async with with_model(folder, MODEL) as system:
        headers = {"Authorization": f"Bearer {system.token}"}
        async with httpx.AsyncClient(base_url=system.url, headers=headers) as client:
            seen: list[Outcome] = []
            while len(seen) < times:
                seen += await _round(system, client, seed=1_000 + len(seen))
    same = [o for o in seen if o.resumed and o.assembled == o.final]
    print(f"killed in the middle {len(seen)}, the same text {len(same)}")
    for outcome in seen:
        if outcome not in same:
            print(f"  {outcome.turn}: {outcome.assembled!r} is not {outcome.final!r}")
    return 0 if len(same) == len(seen) else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=100)
    with tempfile.TemporaryDirectory(prefix="palabre-resume-") as folder:
        return asyncio.run(_main(Path(folder), parser.parse_args().times))


if __name__ == "__main__":
    sys.exit(main())
