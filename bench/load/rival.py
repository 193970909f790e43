"""LiteLLM's proxy under the same crowds: it passes on, and keeps nothing."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.load import scenes
from bench.load.figures import Step
from bench.load.people import READS, Turn
from bench.overhead import servers
from bench.overhead.client import Client


class Caller:
    """Somebody who asks by the OpenAI API, as `Person` asks by the page."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def ask(self, text: str, noted: Callable[[Turn], object], manner: str = READS) -> Turn:
        turn = Turn(time.perf_counter(), manner)
        noted(turn)
        reply = await self._client.ask(scenes.MODEL, text)
        turn.first, turn.ended = (reply.texts or [0.0])[0], time.perf_counter()
        turn.gaps, turn.ending = reply.gaps, "completed" if reply.whole else "failed"
        return turn

    def close(self) -> None:
        """Its client is everybody's."""


async def beside(
    folder: Path, model: servers.Model, sizes: Sequence[int], tell: Callable[[Step], object]
) -> None:
    """Says why where it is not here."""
    try:
        serving = servers.litellm(folder / "litellm", model.url, [scenes.MODEL])
    except servers.NotHere as error:
        print(f"litellm is left out: {error}")
        return
    print("litellm")
    with serving:
        async with (
            scenes.staged(serving, model) as stage,
            Client(serving.url, serving.token) as client,
        ):
            crowd = stage.crowd(lambda: Caller(client))
            await scenes.ramp(stage, crowd, sizes, tell)
            await crowd.go()
