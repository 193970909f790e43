"""What the stand-in costs, its clients not counted: `python -m tests.standins.discord.load`.

A raw client in a process of its own, so that the CPU seconds printed are the stand-in's.
"""

import asyncio
import multiprocessing
import resource
import time
from multiprocessing.connection import Connection

import aiohttp

from tests.standins.discord import Discord

POSTS, EDITS, MESSAGES, BOTS = 50, 6, 2_000, 3


def _client(url: str, ids: list[int], history: int, done: Connection) -> None:
    asyncio.run(_call(url, ids, history))
    done.send(True)


async def _call(url: str, ids: list[int], history: int) -> None:
    async with aiohttp.ClientSession(headers={"Authorization": "Bot token0"}) as session:
        for channel in ids:
            path = f"{url}/channels/{channel}/messages"
            async with session.post(path, json={"content": "…"}) as answer:
                sent = (await answer.json())["id"]
            for edit in range(EDITS):
                async with session.patch(f"{path}/{sent}", json={"content": "mot " * edit + "."}):
                    pass
        before = ""
        for _ in range(MESSAGES // 100):
            path = f"{url}/channels/{history}/messages?limit=100{before}"
            async with session.get(path) as answer:
                before = f"&before={(await answer.json())[-1]['id']}"


async def _main() -> None:
    discord = Discord()
    discord.limits.off()
    server = discord.server("Locataires")
    forum, general, alice = server.forum("questions"), server.text("général"), server.person("a")
    for number in range(BOTS):
        discord.bot(f"token{number}", f"bot{number}", servers=[server])
    for number in range(MESSAGES):
        alice.said(general, f"Message {number}", at=discord.clock.now() - MESSAGES + number)
    async with discord.serving():
        posts = [await alice.post(forum, f"Post {number}", "Froid.") for number in range(POSTS)]
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        args = (discord.api, [post.id for post in posts], general.id, theirs)
        client = multiprocessing.get_context("spawn").Process(target=_client, args=args)
        client.start()
        began, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_utime
        await asyncio.to_thread(ours.recv)
        took = time.perf_counter() - began
        used = resource.getrusage(resource.RUSAGE_SELF).ru_utime - used
        client.join()
    calls = len(discord.calls)
    each = 1000 * used / calls
    print(  # noqa: T201
        f"{POSTS} posts answered with {EDITS} edits each and {MESSAGES} messages read:"
        f" {calls} calls, {used:.2f} s of CPU ({each:.2f} ms a call), {took:.2f} s in all"
    )


if __name__ == "__main__":
    asyncio.run(_main())
