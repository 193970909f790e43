"""python -m bench.discord [--posts 50] [--seconds 10]: posts of a forum that come at once.

The service is a process of its own with a probe in its event loop, on the stand-in of Discord with
Discord's rate limits, and a real bus; answers of 40 words are scripted, a word each 50 ms. Exits
with 1 when a post has no whole answer, or two, or when the loop stood still for more than 50 ms.
"""

import argparse
import asyncio
import contextlib
import itertools
import signal
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench.discord.serving import service, told
from palabre.channels.testing import ScriptedAnswers, completed, delta, source
from palabre.chassis.testing import NatsServer
from palabre.contracts.v1 import events_pb2 as pb
from tests.integration.discord_service import Community
from tests.standins.discord import Discord, Message, Thread

WORDS, WORD_S = 40, 0.05
STILL_MS = 50
TAKES = f"writing it takes {WORDS * WORD_S * 1000:.0f} ms"


def answer(event: pb.Event) -> Iterable[Any]:
    text, place = " ".join(f"mot{n}" for n in range(WORDS)) + " [1].", 0
    for word in text.split(" "):
        yield delta(f"{word} ", place)
        place += len(word) + 1
        yield WORD_S
    yield completed(text, source())


async def bench(posts: int, seconds: float) -> int:
    with tempfile.TemporaryDirectory() as folder:
        async with NatsServer(Path(folder)) as nats, Discord().serving() as discord:
            community = Community(discord)
            await nats.apply("demo", community.space())
            answers = ScriptedAnswers(await nats.bus("operator"), answer)
            await answers.listen()
            async with service(nats, discord) as process:
                await discord.until(lambda: community.bot.online, 30)
                await asyncio.sleep(2)
                process.send_signal(signal.SIGUSR1)
                opened = await open_posts(community, posts, seconds)
                with contextlib.suppress(TimeoutError):
                    await discord.until(lambda: all(map(whole, opened)), 60)
                await asyncio.sleep(2)
                probe = await told(process)
            await answers.close()
            return report(discord, opened, probe)


async def open_posts(community: Community, posts: int, seconds: float) -> list[Thread]:
    opened = []
    for number in range(posts):
        person = community.server.person(f"person{number}")
        opened.append(await person.post(community.forum, f"Question {number}", "Quand payer ?"))
        await asyncio.sleep(seconds / posts)
    return opened


def ours(post: Thread) -> list[Message]:
    return [message for message in post.history() if message.author.bot]


def whole(post: Thread) -> list[Message]:
    return [message for message in ours(post) if "Guide" in message.shown]


def report(discord: Discord, posts: Sequence[Thread], probe: dict[str, float]) -> int:
    answered = [post for post in posts if whole(post)]
    doubled = [post for post in posts if len(ours(post)) > 1]
    asked = {post.id: post.messages[post.id].created_at for post in posts}
    first = sorted(ours(post)[0].created_at - asked[post.id] for post in posts if ours(post))
    last = sorted(whole(post)[0].versions[-1].at - asked[post.id] for post in answered)
    versions = [message.versions[1:] for post in posts for message in ours(post)]
    apart = [b.at - a.at for some in versions for a, b in itertools.pairwise(some)]
    limited = sum(call.status == 429 for call in discord.calls)
    print(f"posts             {len(posts)}, answered {len(answered)}, doubled {len(doubled)}")
    print(f"to placeholder    p50 {ms(first, 0.5)} ms, p99 {ms(first, 0.99)} ms")
    print(f"to whole answer   p50 {ms(last, 0.5)} ms, p99 {ms(last, 0.99)} ms; {TAKES}")
    print(f"edits             {sum(map(len, versions))}, at least {min(apart):.2f} s apart")
    print(f"refused           {limited} calls for their rate")
    print(
        f"event loop late   {probe['longest_ms']:.0f} ms at most, 99.9 % {probe['p999_ms']:.0f} ms"
    )
    print(f"above {STILL_MS} ms       {probe['over_50_ms']:.0f} times")
    print(f"CPU               {probe['cpu_s']:.1f} s, the start included")
    failed = len(answered) < len(posts) or doubled or probe["longest_ms"] > STILL_MS
    return 1 if failed else 0


def ms(seconds: Sequence[float], share: float) -> str:
    return f"{seconds[min(int(len(seconds) * share), len(seconds) - 1)] * 1000:.0f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    sys.exit(asyncio.run(bench(options.posts, options.seconds)))
