"""python -m bench.discord.killed [--posts 60] [--seconds 120] [--every 10] [--seed 1]: kill -9.

Two replicas of the service run one bot; one of them is killed at random about every `every` seconds
and started again, while posts come. A post is lost when its answer is not whole in the end, doubled
when there are two, or when its turn was put on the bus twice. Exits with 1 unless both are 0.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.discord.__main__ import answer, open_posts, ours, whole
from palabre.channels.testing import ScriptedAnswers
from palabre.chassis.testing import NatsServer
from palabre.chassis.testing.processes import environment, start
from tests.integration.discord_service import Community
from tests.standins.discord import Discord, Thread

PATIENCE_S = 90.0


class Replicas:
    """Two processes, of which one is killed now and then."""

    def __init__(self, nats: NatsServer, discord: Discord, chance: random.Random) -> None:
        settings = {
            "PALABRE_DISCORD_TOKEN": "token",
            "PALABRE_DISCORD_API": discord.api,
            "PALABRE_LOG_LEVEL": "error",
        }
        self._environment = environment(nats, "discord", settings)
        self._chance, self.kills = chance, 0
        self._running: list[asyncio.subprocess.Process] = []

    async def start(self) -> None:
        while len(self._running) < 2:
            self._running.append(await start("discord", self._environment))

    async def kill(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(self._chance.uniform(0.5, 1.5) * every_s)
            await self._end(self._chance.choice(self._running))
            self.kills += 1
            await self.start()

    async def stop(self) -> None:
        for process in list(self._running):
            await self._end(process)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        self._running.remove(process)
        process.kill()
        await process.wait()


async def bench(posts: int, seconds: float, every_s: float, seed: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        async with NatsServer(Path(folder)) as nats, Discord().serving() as discord:
            community = Community(discord)
            await nats.apply("demo", community.space())
            answers = ScriptedAnswers(await nats.bus("operator"), answer)
            await answers.listen()
            replicas = Replicas(nats, discord, random.Random(seed))
            await replicas.start()
            await discord.until(lambda: community.bot.online, 30)
            killing = asyncio.create_task(replicas.kill(every_s))
            opened = await open_posts(community, posts, seconds)
            killing.cancel()
            await asyncio.gather(killing, return_exceptions=True)
            await replicas.start()
            with contextlib.suppress(TimeoutError):
                await discord.until(lambda: all(map(whole, opened)), PATIENCE_S)
            await asyncio.sleep(3)
            await replicas.stop()
            await answers.close()
            return report(opened, [event.turn for event in answers.heard], replicas.kills)


def report(posts: Sequence[Thread], turns: Sequence[str], kills: int) -> int:
    lost = [post for post in posts if not whole(post)]
    doubled = [post for post in posts if len(ours(post)) > 1]
    twice = [turn for turn, count in Counter(turns).items() if count > 1]
    texts = {message.content for post in posts for message in whole(post)}
    waits = sorted(
        whole(post)[0].versions[-1].at - post.messages[post.id].created_at
        for post in posts
        if whole(post)
    )
    print(f"posts             {len(posts)}, kills {kills}")
    print(f"to whole answer   p50 {waits[len(waits) // 2]:.1f} s, longest {waits[-1]:.1f} s")
    print(f"different texts   {len(texts)}")
    print(f"lost              {len(lost)}")
    print(f"doubled           {len(doubled)} answers, {len(twice)} turns, of {len(turns)}")
    return 1 if lost or doubled or twice or len(turns) > len(posts) or len(texts) != 1 else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--every", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sys.exit(asyncio.run(bench(options.posts, options.seconds, options.every, options.seed)))
