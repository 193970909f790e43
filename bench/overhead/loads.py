"""Ways of asking: one after the other, arriving at a rate, all at once, as fast as it goes."""

import asyncio
import itertools
import random
import time
from collections.abc import Iterator, Sequence

from bench.overhead.client import Client, Reply

Questions = Iterator[str]


def questions(texts: Sequence[str], seed: int = 1) -> Questions:
    """Without end, in an order of its own."""
    return itertools.cycle(random.Random(seed).sample(texts, len(texts)))


async def alone(
    clients: Sequence[Client], model: str, texts: Sequence[str], turns: int
) -> list[list[Reply]]:
    """One after the other, the clients in turn, so that they share the machine's moods."""
    replies: list[list[Reply]] = [[] for _ in clients]
    for question in itertools.islice(questions(texts), turns):
        for client, kept in zip(clients, replies, strict=True):
            kept.append(await client.ask(model, question))
    return replies


async def arriving(
    client: Client, model: str, texts: Sequence[str], per_s: float, seconds: float, skip_s: float
) -> list[Reply]:
    """At random moments, the same in each run; replies to what came after `skip_s`."""
    asked, chance, running = questions(texts), random.Random(7), []
    begun, due = time.perf_counter(), 0.0
    while due < seconds:
        await asyncio.sleep(begun + due - time.perf_counter())
        running.append(asyncio.create_task(client.ask(model, next(asked))))
        due += chance.expovariate(per_s)
    return [r for r in await asyncio.gather(*running) if r.begun - begun >= skip_s]


async def burst(client: Client, model: str, texts: Sequence[str], turns: int) -> list[Reply]:
    """All at once, over connections that are there."""
    await client.warm(turns)
    asked = itertools.islice(questions(texts), turns)
    return await asyncio.gather(*(client.ask(model, question) for question in asked))


async def closed(
    client: Client, model: str, texts: Sequence[str], askers: int, seconds: float
) -> list[Reply]:
    """Each asker asks again as soon as it has its whole answer; those that ended in time."""
    asked, ends = questions(texts), time.perf_counter() + seconds
    replies: list[Reply] = []

    async def ask() -> None:
        while time.perf_counter() < ends:
            reply = await client.ask(model, next(asked))
            if reply.ended < ends or not reply.whole:
                replies.append(reply)
            if not reply.whole:
                await asyncio.sleep(0.1)

    await asyncio.gather(*(ask() for _ in range(askers)))
    return replies
