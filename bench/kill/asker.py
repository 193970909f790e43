"""A person on the web, as a careful client behaves: asks again with the same key, resumes."""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx

PATIENCE_S = 280.0
NEVER_SENT = (httpx.TransportError,)


@dataclass(slots=True)
class Outcome:
    """What a person saw of a turn."""

    conversation: str
    turn: str
    ending: str = ""
    assembled: str = ""  # from deltas alone
    final: str = ""
    resumed: int = 0
    restarted: int = 0
    seconds: float = 0.0


class Asker:
    """Asks `turns` questions, one after the other, in one conversation."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        space: str,
        questions: list[str],
        begun: Callable[[Outcome], None] = lambda outcome: None,
        *,
        speech: bool = False,
    ) -> None:
        self._client, self._space, self._questions = client, space, questions
        self._begun, self._speech = begun, speech

    async def ask(self, turns: int, seed: int) -> AsyncIterator[Outcome]:
        chance = random.Random(seed)
        made = await self._post(f"/api/v1/spaces/{self._space}/conversations", {})
        conversation = made["id"]
        for number in range(turns):
            text = chance.choice(self._questions)
            path = f"/api/v1/conversations/{conversation}/utterances"
            body = {"text": text, "speech": self._speech}
            asked = await self._post(path, body, key=f"{seed}-{number}")
            outcome = Outcome(conversation, asked["turn"])
            self._begun(outcome)
            begun = time.monotonic()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._follow(outcome), PATIENCE_S)
            outcome.seconds = time.monotonic() - begun
            yield outcome

    async def _post(self, path: str, body: dict[str, Any], key: str = "") -> dict[str, Any]:
        """Until the server has taken it; with a key that is once, however often it is sent."""
        headers = {"Idempotency-Key": key} if key else {}
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    response = await self._client.post(path, json=body, headers=headers)
                    if response.is_success:
                        return dict(response.json())
                    if response.status_code not in (409, 500, 502, 503):
                        raise RuntimeError(f"{response.status_code}: {response.text}")
                except NEVER_SENT:
                    pass
                await asyncio.sleep(0.2)

    async def _follow(self, outcome: Outcome) -> None:
        last = ""
        while not outcome.ending:
            try:
                async for name, last_id, data in self._events(outcome, last):
                    last = last_id or last
                    _take(outcome, name, data)
                    if outcome.ending:
                        return
            except NEVER_SENT:
                pass
            outcome.resumed += 1
            await asyncio.sleep(0.1)

    async def _events(
        self, outcome: Outcome, last: str
    ) -> AsyncIterator[tuple[str, str, dict[str, Any]]]:
        path = f"/api/v1/conversations/{outcome.conversation}/events"
        headers = {"Last-Event-ID": last} if last else {}
        parameters = {"turn": outcome.turn}
        async with self._client.stream("GET", path, params=parameters, headers=headers) as stream:
            if not stream.is_success:
                return
            name = last_id = ""
            async for line in stream.aiter_lines():
                field, _, value = line.partition(": ")
                if field == "event":
                    name = value
                elif field == "id":
                    last_id = value
                elif field == "data":
                    yield name, last_id, json.loads(value)


def _take(outcome: Outcome, name: str, data: dict[str, Any]) -> None:
    if name == "delta":
        outcome.assembled += data["text"]
    elif name == "restarted":
        outcome.assembled = ""
        outcome.restarted += 1
    elif name in ("completed", "failed", "cancelled"):
        outcome.ending, outcome.final = name, data.get("text", "")
