"""Asks many questions at once of a gateway, and waits for every answer: none may be lost.

python burst.py URL SPACE TURNS AT_ONCE, with PALABRE_TOKEN. kind.sh runs it in the pod `operator`,
since a port-forward ends when its pod is renewed.
Whatever a client may meet during an update is tried again: broken connections, 429, 502, 503.
"""

import asyncio
import os
import sys
import time
import uuid
from typing import Any

import httpx

PATIENCE_S = 180.0
QUESTION = "Comment demander un logement social ?"
NOT_NOW = (429, 502, 503, 504)


async def ask(client: httpx.AsyncClient, space: str, many: asyncio.Semaphore) -> str:
    """How the turn ended, or "lost"."""
    async with many:
        end = time.monotonic() + PATIENCE_S
        begun = await sent(client, "POST", f"/api/v1/spaces/{space}/conversations", end, {})
        thread = f"/api/v1/conversations/{begun['id']}"
        said = {"text": QUESTION}
        turn = (await sent(client, "POST", f"{thread}/utterances", end, said))["turn"]
        while time.monotonic() < end:
            turns = (await sent(client, "GET", thread, end))["turns"]
            status = next((t["status"] for t in turns if t["id"] == turn), "running")
            if status != "running":
                return str(status)
            await asyncio.sleep(0.5)
        return "lost"


async def sent(
    client: httpx.AsyncClient, method: str, path: str, end: float, body: Any = None
) -> Any:
    """The answer's JSON. The same key at each try: a question is asked once."""
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    while True:
        try:
            answer = await client.request(method, path, json=body, headers=headers)
        except httpx.TransportError:
            wait_s = 0.5
        else:
            if answer.status_code not in NOT_NOW:
                return answer.raise_for_status().json()
            wait_s = float(answer.headers.get("retry-after", 0.5))
        if time.monotonic() + wait_s > end:
            raise TimeoutError(f"{method} {path}")
        await asyncio.sleep(wait_s)


async def main(url: str, space: str, turns: int, at_once: int) -> int:
    token, began = os.environ["PALABRE_TOKEN"], time.monotonic()
    many = asyncio.Semaphore(at_once)
    async with httpx.AsyncClient(
        base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30
    ) as client:
        asked = (ask(client, space, many) for _ in range(turns))
        ended = await asyncio.gather(*asked, return_exceptions=True)
    for reason in {str(e) for e in ended if isinstance(e, BaseException)}:
        sys.stderr.write(f"{reason}\n")
    good = ended.count("completed")
    sys.stdout.write(f"{good} of {turns} answered in {time.monotonic() - began:.0f} s\n")
    return 0 if good == turns else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
