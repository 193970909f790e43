"""python -m bench.fallback [--times 20]: what each fault of a model's provider costs.

Every turn asks a persona whose first model has the fault, under a name of its own, so that no
circuit is open yet; its second model is sound. A fault before the first word costs so much more
time to it than the sound model alone; one after it the silence between the last word of the broken
answer and the first of the new one. Exits with 1 unless every client has put together exactly the
sound model's text, and a stream that is cut is followed by the next one within 1.5 s.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.kill.system import with_model

SOUND = "mock-ttft50-itl10-len40"
TIMEOUT_S = 2.0  # to the first token, and between two; the defaults are 20 and 10
BAR_MS = 1_500.0
FAULTS = {
    "none": "",
    "connection closed": "mock-drop",
    "status 500": "mock-error500",
    "wrong key": "mock-error401",
    "too many requests": "mock-429-after30",
    "out of quota": "mock-429-quota",
    "a page of HTML": "mock-html",
    "empty answer": "mock-empty",
    "no first token": "mock-silence",
    "cut": "mock-cut20-itl10",
    "reset": "mock-reset20-itl10",
    "error in the stream": "mock-fault20-itl10",
    "stalled": "mock-stall20-itl10",
}
AFTER_TEXT = ("cut", "reset", "error in the stream", "stalled")
# A wrong key or an empty account closes the whole endpoint: each needs one of its own.
ALONE = ("wrong key", "out of quota")


@dataclass(slots=True)
class Seen:
    """Of one turn; times in milliseconds."""

    first: float = 0.0
    silence: float = 0.0
    text: str = ""
    final: str = ""


async def main(folder: Path, times: int) -> int:
    spaces, endpoints = folder / "spaces", _endpoints(times)
    _write_space(spaces / "chute", times)
    settings = {
        "PALABRE_LLM_FIRST_TOKEN_TIMEOUT_S": str(TIMEOUT_S),
        "PALABRE_LLM_BETWEEN_TOKENS_TIMEOUT_S": str(TIMEOUT_S),
    }
    async with with_model(
        folder / "data", SOUND, spaces=spaces, endpoints=endpoints, **settings
    ) as system:
        headers = {"Authorization": f"Bearer {system.token}"}
        async with httpx.AsyncClient(base_url=system.url, headers=headers, timeout=60) as client:
            await _turn(client, _persona("none", 0))  # what is loaded and connected first
            found = {
                fault: [await _turn(client, _persona(fault, n)) for n in range(times)]
                for fault in FAULTS
            }
    return _report(found)


def _report(found: dict[str, list[Seen]]) -> int:
    sound = statistics.median(seen.first for seen in found["none"])
    expected, failed = found["none"][0].final, 0
    print(f"first word of the sound model after {sound:.0f} ms (median)")
    print(f"{'fault':22}{'same text':>12}{'cost, median':>15}{'worst':>10}")
    for fault, turns in found.items():
        costs = [s.silence if fault in AFTER_TEXT else s.first - sound for s in turns]
        same = sum(seen.text == seen.final == expected for seen in turns)
        late = fault in ("cut", "reset") and max(costs) > BAR_MS
        failed += late or same < len(turns)
        print(
            f"{fault:22}{same:>5} of {len(turns):<4}"
            f"{statistics.median(costs):>12.0f} ms{max(costs):>7.0f} ms"
        )
    return 1 if failed else 0


async def _turn(client: httpx.AsyncClient, persona: str) -> Seen:
    made = await client.post("/api/v1/spaces/chute/conversations", json={"persona": persona})
    path = f"/api/v1/conversations/{made.raise_for_status().json()['id']}"
    begun = last = time.perf_counter()
    asked = await client.post(f"{path}/utterances", json={"text": "Quel est le délai ?"})
    turn, seen = asked.raise_for_status().json()["turn"], Seen()
    async for name, data in _events(client, f"{path}/events", turn):
        now = time.perf_counter()
        if name == "restarted":
            seen.text = ""
        if name == "delta":
            seen.first = seen.first or (now - begun) * 1000
            if seen.first and not seen.text and last > begun:
                seen.silence = (now - last) * 1000
            seen.text, last = seen.text + data["text"], now
        if name in ("completed", "failed"):
            seen.final = data.get("text", "")
            return seen
    return seen


async def _events(
    client: httpx.AsyncClient, path: str, turn: str
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    async with client.stream("GET", path, params={"turn": turn}) as stream:
        name = ""
        async for line in stream.aiter_lines():
            field, _, value = line.partition(": ")
            name = value if field == "event" else name
            if field == "data":
                yield name, json.loads(value)


def _persona(fault: str, number: int) -> str:
    return f"p{list(FAULTS).index(fault)}-{number}"


def _endpoints(times: int) -> list[str]:
    return [_persona(fault, n) for fault in ALONE for n in range(times)]


def _models(fault: str, number: int) -> list[str]:
    if not FAULTS[fault]:
        return [SOUND]
    at = f"@{_persona(fault, number)}" if fault in ALONE else ""
    return [f"{FAULTS[fault]}-len{100 + number}{at}", SOUND]


def _write_space(folder: Path, times: int) -> None:
    (folder / "personas").mkdir(parents=True)
    (folder / "knowledge").mkdir()
    (folder / "knowledge" / "delai.md").write_text("# Délai\n\nUn mois.\n", encoding="utf-8")
    head = 'schema = 1\nname = "Chute"\nlanguages = ["fr"]\ndefault_persona = "p0-0"\n'
    space = f'{head}comprehend = "never"\n[greeting]\nfr = "Bonjour."\n[guard]\nlexical = false\n'
    (folder / "space.toml").write_text(space, encoding="utf-8")
    for fault in FAULTS:
        for number in range(times):
            models = json.dumps(_models(fault, number))
            persona = f'name = "P"\nmodels = {models}\n[identity]\nfr = "Vous répondez."\n'
            file = folder / "personas" / f"{_persona(fault, number)}.toml"
            file.write_text(persona, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    with tempfile.TemporaryDirectory(prefix="palabre-fallback-") as data:
        sys.exit(asyncio.run(main(Path(data), parser.parse_args().times)))
