"""The discord service with a probe in its event loop: how late a timer of 5 ms comes.

It is told by two signals when to count: SIGUSR1 begins anew, SIGUSR2 prints what was counted.
"""

import asyncio
import json
import signal
import time
from functools import partial

from palabre.chassis import service
from palabre.chassis.settings import read
from palabre.discord.assembly import assemble
from palabre.discord.settings import DiscordSettings

EVERY_S = 0.005


class Probe:
    """How late it was woken up, in milliseconds."""

    def __init__(self) -> None:
        self._late: list[float] = []

    async def run(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, self._late.clear)
        loop.add_signal_handler(signal.SIGUSR2, self._tell)
        while not stop.is_set():
            begun = time.monotonic()
            await asyncio.sleep(EVERY_S)
            self._late.append((time.monotonic() - begun - EVERY_S) * 1000)

    def _tell(self) -> None:
        late = sorted(self._late)
        told = {
            "longest_ms": late[-1],
            "p999_ms": late[int(len(late) * 0.999)],
            "over_50_ms": sum(each > 50 for each in late),
            "cpu_s": time.process_time(),
        }
        print(json.dumps(told), flush=True)


async def assembled(settings: DiscordSettings, context: service.Context) -> service.Parts:
    parts = await assemble(settings, context)
    return service.Parts(tasks=[*parts.tasks, Probe().run], close=parts.close)


if __name__ == "__main__":
    chosen = read(DiscordSettings)
    service.run("discord", chosen, partial(assembled, chosen))
