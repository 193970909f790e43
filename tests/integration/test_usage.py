"""The ledger of a whole Palabre, compared with what the stand-in for a model has billed."""

import asyncio
import csv
import datetime as dt
import io
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from palabre.chassis import nats_config, streams
from palabre.chassis.bus import Bus
from palabre.cli.app import application
from palabre.cli.testing import Running, running
from palabre.gateway import archive, database
from palabre.gateway.ledger import Ledger, Query
from tests.standins.model import Model

from .test_whole_turn import begin, told

pytestmark = pytest.mark.asyncio(loop_scope="module")

THINKING = "mock-cached-thinks-len20"
CUT, SLOW = "mock-itl5-cut10", "mock-itl40-len200"
LIMITS = ("cost_per_space_per_day = 1000", 'currency = "EUR"', "rates = { USD = 0.9 }")
PRICES = """
[prices."mock-itl40-len200"]
input = 2.0
output = 10.0
currency = "EUR"

[prices."mock-cached-thinks-len20"]
input = 2.0
cached = 0.5
output = 10.0
currency = "EUR"
"""


def spaces(folder: Path) -> Path:
    """camille thinks, hugo's first model breaks off, gilles is slow; comprehension always asks."""
    shutil.copytree("spaces", folder / "spaces")
    space = folder / "spaces" / "logement"
    file = space / "space.toml"
    words = file.read_text(encoding="utf-8").replace(
        "languages =", 'comprehend = "always"\nlanguages ='
    )
    words = words.replace("turns_per_person_per_day = 0", "\n".join(LIMITS))
    file.write_text(words + PRICES, encoding="utf-8")
    tale = folder / "spaces" / "contes" / "space.toml"
    words = tale.read_text(encoding="utf-8")
    tale.write_text(words.replace("_per_day = 0", "_per_day = 2"), encoding="utf-8")
    text = (space / "personas" / "camille.toml").read_text(encoding="utf-8")
    for name, models in {"camille": [], "hugo": [CUT, THINKING], "gilles": [SLOW]}.items():
        head = f"models = {json.dumps(models)}\n" if models else ""
        (space / "personas" / f"{name}.toml").write_text(head + text, encoding="utf-8")
    return folder / "spaces"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model() -> AsyncIterator[tuple[Model, str]]:
    made = Model()
    async with made.serving() as url:
        yield made, url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(
    model: tuple[Model, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    folder = tmp_path_factory.mktemp("usage")
    chosen = {
        "PALABRE_LLM_BASE_URL": model[1],
        "PALABRE_LLM_API_KEY": "none",
        "PALABRE_LLM_MODEL": THINKING,
        "PALABRE_LLM_COMPREHEND_MODEL": "mock-json",
        "PALABRE_LLM_COMPREHEND_TIMEOUT_S": "20",
    }
    context = running(folder / "data", chosen, spaces=spaces(folder))
    system = await asyncio.to_thread(context.__enter__)
    yield system
    await asyncio.to_thread(context.__exit__, None, None, None)


@pytest_asyncio.fixture(loop_scope="module")
async def http(system: Running) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {system.token}"}
    async with httpx.AsyncClient(base_url=system.url, headers=headers, timeout=30) as client:
        yield client


async def usage(http: httpx.AsyncClient, by: str, model: str, calls: int) -> dict[str, Any]:
    """Once the archive has written so many calls of the model."""
    for _ in range(300):
        found = (await http.get("/api/v1/usage", params={"space": "logement", "by": by})).json()
        if sum(row["calls"] for row in found["rows"] if row["model"] == model) >= calls:
            return dict(found)
        await asyncio.sleep(0.1)
    raise AssertionError(found)


async def until_all_have_spent(http: httpx.AsyncClient, personas: set[str]) -> None:
    """Once the archive, which may be seconds behind, has written a call of each."""
    for _ in range(300):
        found = (await http.get("/api/v1/usage", params={"by": "persona"})).json()
        if personas <= {row["persona"] for row in found["rows"]}:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(found)


async def test_the_ledger_is_the_provider_s_bill_to_the_token_and_the_same_when_replayed(
    system: Running, http: httpx.AsyncClient, model: tuple[Model, str], tmp_path: Path
) -> None:
    for persona in ("camille", "hugo"):
        conversation, turn = await begin(http, "Qui répare le chauffage ?", persona=persona)
        ended = [event async for event in told(http, conversation, turn)][-1]
        assert ended[0] == "completed"
    found = await usage(http, "model", THINKING, 2)
    rows = {row["model"]: row for row in found["rows"]}
    for name in (THINKING, "mock-json"):
        bills = [usage for asked, usage in model[0].billed if asked == name]
        row = rows[name]
        assert row["calls"] == len(bills) == 2
        assert row["prompt_tokens"] == sum(bill["prompt_tokens"] for bill in bills)
        assert row["prompt_tokens"] + row["completion_tokens"] == sum(
            bill["total_tokens"] for bill in bills
        )
        assert row["estimated_tokens"] == 0
    thinking = rows[THINKING]
    fresh = thinking["prompt_tokens"] - thinking["cached_tokens"]
    cost = 2 * fresh + 0.5 * thinking["cached_tokens"] + 10 * thinking["completion_tokens"]
    assert float(thinking["cost"]["EUR"]) == pytest.approx(cost / 1e6, abs=2e-6)
    assert rows["mock-json"]["cost"] == {}
    assert rows["mock-json"]["calls_of_unknown_cost"] == 2
    cut = rows[CUT]
    assert cut["calls"] == 1
    assert cut["estimated_tokens"] == cut["prompt_tokens"] + cut["completion_tokens"] > 0
    assert await replayed(system, tmp_path) == found["total"] | {"cost": thinking["cost"]}


async def operator(system: Running) -> Bus:
    user = streams.OPERATOR
    word = nats_config.passwords(system.folder)[user]
    return await Bus.connect(system.instance.nats_url, user, user, word)


async def replayed(system: Running, folder: Path) -> dict[str, Any]:
    """What an archive makes of all the facts, in a database of its own."""
    bus = await operator(system)
    facts = [s.event for s in await bus.read("TURNS", {"next_by_subj": "palabre.v1.turns.>"})]
    await bus.close()
    engine = database.connect(database.address("", folder))
    await database.migrate(engine)
    for _ in range(2):
        async with engine.begin() as connection:
            await archive.store(connection, facts)
    today = facts[0].occurred_at.ToDatetime().date()
    query = Query(today - dt.timedelta(days=1), today + dt.timedelta(days=1))
    _, total = await Ledger(engine).report(query)
    await engine.dispose()
    micros = total.pop("micros")
    return total | {"cost": {"EUR": f"{micros['EUR'] / 1e6:f}".rstrip("0")}}


async def test_a_cancelled_answer_is_in_the_ledger_as_an_estimate(
    http: httpx.AsyncClient,
) -> None:
    conversation, turn = await begin(http, "Comment demander un logement ?", persona="gilles")
    async for name, _ in told(http, conversation, turn):
        if name == "delta":
            path = f"/api/v1/conversations/{conversation}/cancel"
            await http.post(path, json={})
    found = await usage(http, "persona,model", SLOW, 1)
    rows = {(row["persona"], row["model"]): row for row in found["rows"]}
    row = rows["gilles", SLOW]
    assert row["prompt_tokens"] > 0
    assert row["completion_tokens"] > 0
    assert row["estimated_tokens"] == row["prompt_tokens"] + row["completion_tokens"]


async def test_a_killed_process_leaves_the_budget_as_the_ledger_has_it(
    system: Running, http: httpx.AsyncClient
) -> None:
    conversation, turn = await begin(http, "Qui répare le chauffage ?", persona="gilles")
    killed = False
    async for name, _ in told(http, conversation, turn):
        if name == "delta" and not killed:
            killed = True
            os.kill(system.pids()["llm"], signal.SIGKILL)
    assert name == "completed"
    found = await usage(http, "persona,model", SLOW, 3)
    rows = {(row["persona"], row["model"]): row for row in found["rows"]}
    assert rows["gilles", SLOW]["calls"] == 3  # the cancelled one, the killed one, the whole one
    await _until_equal(system, float(found["total"]["cost"]["EUR"]))


async def _until_equal(system: Running, cost: float) -> None:
    """What the counter has, once nothing is held any more."""
    bus = await operator(system)
    for _ in range(100):
        [counter] = await bus.raw("BUDGETS", {"multi_last": ["palabre.v1.budgets.logement.>"]})
        spent = int(json.loads(counter.data)["val"]) / 1e6
        if not await bus.raw("KV_reservations", {"multi_last": ["$KV.reservations.>"]}):
            break
        await asyncio.sleep(0.1)
    await bus.close()
    assert spent == pytest.approx(cost, abs=2e-6)


async def test_a_spent_budget_is_429_with_the_time_to_come_back_on_every_surface(
    system: Running, http: httpx.AsyncClient
) -> None:
    asked: Any = {"model": "contes", "messages": [{"role": "user", "content": "Une histoire !"}]}
    async with openai.AsyncOpenAI(
        base_url=f"{system.url}/v1", api_key=system.token, max_retries=2
    ) as client:
        for _ in range(2):
            await client.chat.completions.create(**asked)
        refusals = []
        # With a key nobody looks before: the turn itself is refused.
        for more in ({}, {"stream": True}, {"extra_headers": {"Idempotency-Key": "again"}}):
            with pytest.raises(openai.RateLimitError) as refusal:
                await client.chat.completions.create(**asked, **more)
            refusals.append(refusal.value)
    for refused in refusals:
        assert "demain" in refused.message
        assert refused.code == "budget"
        assert 0 < int(refused.response.headers["retry-after"]) <= 25 * 3600
    made = await http.post("/api/v1/spaces/contes/conversations", json={})
    path = f"/api/v1/conversations/{made.json()['id']}/utterances"
    native = await http.post(path, json={"text": "Une histoire !"})
    assert native.status_code == 429
    assert native.json()["limit"] == "turns_per_person_per_day"
    assert "T00:00:00+0" in native.json()["retry_at"]  # midnight in Paris, summer or winter
    keyed = await http.post(path, json={"text": "Encore !"}, headers={"Idempotency-Key": "k"})
    ended = [event async for event in told(http, made.json()["id"], keyed.json()["turn"])][-1]
    assert ended[0] == "failed"
    assert ended[1]["reason"] == "budget"
    assert "demain" in ended[1]["message"]
    assert ended[1]["retry_at"]


async def test_the_command_line_shows_a_table_json_and_csv(
    system: Running, http: httpx.AsyncClient
) -> None:
    await until_all_have_spent(http, {"camille", "conteuse", "gilles", "hugo"})

    def run(*arguments: str) -> str:
        shown = CliRunner(env=system.environment).invoke(application(), ["usage", *arguments])
        assert shown.exit_code == 0, shown.output
        return shown.output

    shown = await asyncio.to_thread(run, "--by", "model", "--space", "logement")
    assert "total" in shown
    assert "unknown" in shown
    found = json.loads(await asyncio.to_thread(run, "--by", "persona,model", "--json"))
    assert {row["persona"] for row in found["rows"]} == {"camille", "conteuse", "gilles", "hugo"}
    lines = list(csv.DictReader(io.StringIO(await asyncio.to_thread(run, "--by", "day", "--csv"))))
    assert [line["currency"] for line in lines] == ["EUR"]


async def test_sums_are_for_those_who_may_see_them(
    system: Running, http: httpx.AsyncClient
) -> None:
    made = await http.post(
        "/api/v1/tokens", json={"name": "conteur", "scopes": ["spaces:write"], "spaces": ["contes"]}
    )
    other = {"Authorization": f"Bearer {made.json()['token']}"}
    own = await http.get("/api/v1/usage", params={"by": "space"}, headers=other)
    assert [row["space"] for row in own.json()["rows"]] == ["contes"]
    refused = await http.get("/api/v1/usage", params={"space": "logement"}, headers=other)
    assert refused.status_code == 403
    wrong = await http.get("/api/v1/usage", params={"by": "mood"})
    assert wrong.status_code == 422
    assert "persona" in wrong.json()["detail"]
    backwards = await http.get("/api/v1/usage", params={"from": "2026-02-02", "to": "2026-01-01"})
    assert backwards.status_code == 422
