"""One turn is one trace, through every process and channel, and says nothing of who asked."""

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import pytest_asyncio
from PIL import Image

from palabre.chassis import events, nats_config, tracing
from palabre.chassis.bus import Bus
from palabre.chassis.ids import uuid7
from palabre.chassis.testing import until
from palabre.cli.run.instance import TARGETS
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Utterance
from tests.integration import prometheus
from tests.integration.prometheus import Prometheus
from tests.integration.tracing import SPACE, Watched, ask, names, watched
from tests.standins.collector import Kept

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400)]

WORD = "zyxlapin"  # in whatever a person says, is called, or sends


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everything(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    async with watched(tmp_path_factory.mktemp("traces")) as found:
        yield found


def roots_by_turn(spans: list[Kept]) -> Counter[str]:
    return Counter(span.turn for span in spans if span.turn and not span.parent)


async def test_of_300_turns_under_load_every_span_is_joined_to_the_root_of_its_turn(
    everything: Watched,
) -> None:
    await everything.load(speaking=8, writing=8, posting=4, each=15)
    spans = await everything.settled()
    assert len(everything.turns) == len(set(everything.turns)) == 300
    orphans = everything.collector.orphans()
    assert len(orphans) <= len(spans) / 1_000, names(orphans)
    roots = roots_by_turn(spans)
    assert {turn: roots[turn] for turn in everything.turns} == dict.fromkeys(everything.turns, 1)
    for turn in everything.turns:
        mine = everything.collector.of_turn(turn)
        assert len({span.trace for span in mine}) == 1
        assert {f"process {stage}" for stage in ("comprehend", "retrieve", "answer")} < names(mine)
        assert {"search", "show", f"chat {MODEL_NAME}"} < names(mine)


MODEL_NAME = "mock-ttft40-itl12-len40"


async def test_one_screen_tells_where_a_spoken_turn_spent_its_time(everything: Watched) -> None:
    async with everything.client() as http:
        made = (await http.post(f"{SPACE}/conversations", json={})).json()["id"]
        body = {"persona": "hugo", "speech": True}
        turn, ending = await ask(http, made, "Qui paie la réparation du chauffe-eau ?", **body)
    await everything.settled()
    mine = everything.collector.of_turn(turn)
    by_name = {span.name: span for span in mine}
    assert ending["usage"]["model"] == "mock-echo"
    root = by_name["POST /api/v1/conversations/{conversation}/utterances"]
    assert not root.parent
    assert root.values["http.response.status_code"] == 202
    assert by_name["process answer"].values["palabre.waited_s"] >= 0
    assert by_name["process answer"].values["palabre.outcome"] == "handled"
    assert by_name["chat mock-error500"].failed
    assert by_name["chat mock-echo"].events == ("first token",)
    assert by_name["chat mock-echo"].values["gen_ai.usage.output_tokens"] > 0
    assert by_name["search"].values["palabre.passages"] > 0
    assert by_name["speak espeak"].events == ("first sound",)
    assert by_name["show"].events == ("first piece",)
    assert by_name["listen"].events == ("first sound",)
    assert {span.service for span in mine} == {
        f"palabre-{name}" for name in ("gateway", "llm", "retriever", "tts")
    }


async def test_who_comes_with_a_trace_of_their_own_finds_the_turn_in_it(
    everything: Watched,
) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    async with openai.AsyncOpenAI(
        base_url=f"{everything.system.url}/v1", api_key=everything.system.token
    ) as client:
        await client.chat.completions.create(
            model="logement/camille",
            messages=[{"role": "user", "content": "Comment rendre mon logement ?"}],
            extra_headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"},
        )
    spans = [span for span in await everything.settled() if span.trace == trace]
    assert {"POST /v1/chat/completions", "process answer", "show"} < names(spans)
    assert len({span.turn for span in spans}) == 1


async def test_a_dead_letter_that_is_asked_again_is_linked_to_its_first_trace(
    everything: Watched,
) -> None:
    system, trace = everything.system, "1af7651916cd43dd8448eb211c80319d"
    utterance = Utterance(text="Bonjour", persona="personne")
    asked = events.begin("logement", "api", uuid7(), pb.UtteranceReceived(utterance=utterance))
    word = nats_config.passwords(system.folder)["gateway"]
    bus = await Bus.connect(system.instance.nats_url, "gateway", "gateway", word)
    with tracing.span("question", {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}):
        await bus.publish(asked)
    await until(lambda: bus.ended(asked), 20)
    await bus.close()
    listed = await asyncio.to_thread(palabre, everything, "dead", "list")
    number = next(line for line in listed.splitlines() if asked.conversation in line).split()[0]
    said = await asyncio.to_thread(palabre, everything, "dead", "retry", number)
    turn = said.split()[-1]
    await everything.settled()
    rejected = everything.collector.of_turn(asked.turn)
    again = everything.collector.of_turn(turn)
    assert [s.failed for s in rejected if s.name == "process comprehend"] == [True]
    assert [s.links for s in again if s.name == "process comprehend"] == [(trace,)]
    assert [len({span.trace for span in spans}) for spans in (rejected, again)] == [1, 1]


def palabre(everything: Watched, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "palabre.cli", *arguments],
        env={**os.environ, **everything.system.environment, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@prometheus.needed
async def test_an_exemplar_of_a_real_prometheus_leads_to_a_trace_that_the_collector_has(
    everything: Watched, tmp_path: Path
) -> None:
    port = everything.system.instance.ports.operations["llm"]
    accepted = {"Accept": "application/openmetrics-text; version=1.0.0"}
    async with httpx.AsyncClient() as http:
        told = await http.get(f"http://127.0.0.1:{port}/metrics", headers=accepted)
    assert told.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    targets = [everything.system.folder / TARGETS]
    with prometheus.watching(tmp_path, targets, rules=()) as watcher:
        await everything.load(speaking=1, writing=1, posting=0, each=2)
        await everything.settled()
        for name in (
            "palabre_stage_seconds_bucket",
            "palabre_turn_first_token_seconds_bucket",
            "palabre_turn_first_audio_seconds_bucket",
            "palabre_turn_seconds_bucket",
            "palabre_search_seconds_bucket",
            "palabre_engine_first_token_seconds_bucket",
            "palabre_speech_first_audio_seconds_bucket",
            "palabre_http_request_seconds_bucket",
        ):
            await until(partial(exist, watcher, name), 20)
            assert pointed_to(watcher, name) <= everything.collector.by_trace.keys(), name


def exist(watcher: Prometheus, name: str) -> bool:
    return bool(pointed_to(watcher, name))


def pointed_to(watcher: Prometheus, name: str) -> set[str]:
    """Traces."""
    found = [each for series in watcher.exemplars(name, 300) for each in series["exemplars"]]
    return {each["labels"]["trace_id"] for each in found}


async def test_nothing_that_a_person_said_is_in_a_span_or_a_line_of_the_log(
    everything: Watched,
) -> None:
    await say_it_everywhere(everything)
    await everything.settled()
    assert everything.collector.raw
    assert not [body for body in everything.collector.raw if WORD.encode() in body.lower()]
    token = everything.system.token.encode()
    assert not [body for body in everything.collector.raw if token in body]
    lines = everything.system.log.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if WORD in line.lower()] == []


async def test_the_line_of_a_request_names_the_turn_that_it_began_and_its_trace(
    everything: Watched,
) -> None:
    async with everything.client() as http:
        made = (await http.post(f"{SPACE}/conversations", json={})).json()["id"]
        turn, _ = await ask(http, made, "Comment rendre mon logement ?")
    await everything.settled()
    lines = everything.system.log.read_text(encoding="utf-8").splitlines()
    mine = [json.loads(line) for line in lines if line.startswith("{") and turn in line]
    [request] = [line for line in mine if line["event"] == "request"]
    assert (request["turn"], request["status"]) == (turn, 202)
    assert {line["trace"] for line in mine} == {everything.collector.of_turn(turn)[0].trace}


async def say_it_everywhere(everything: Watched) -> None:
    """On every channel, in each field that a person fills; some of it is wrong on purpose."""
    async with everything.client() as http:
        statuses = [(await sent).status_code for sent in knowledge_with_it(http)]
        assert statuses == [201, 200, 404, 404, 200, 200]
        await questions_with_it(http)
    png = picture()
    person = everything.forum.server.person(WORD)
    post = await person.post(
        everything.forum.channel,
        f"Le {WORD}",
        f"Où court le {WORD} ?",
        files=[(f"{WORD}.png", png)],
    )
    await everything.forum.discord.seen(post, lambda m: bool(m.author.bot and m.buttons), 30)


def knowledge_with_it(http: httpx.AsyncClient) -> list[Awaitable[httpx.Response]]:
    page = (f"{WORD}.md", f"# {WORD}\n\nLe {WORD} court.\n".encode(), "text/markdown")
    return [
        http.post(f"{SPACE}/documents", files={"file": page}),
        http.get(f"{SPACE}/search", params={"q": f"Où court le {WORD} ?"}),
        http.get(f"/api/v1/conversations/{WORD}"),
        http.get(f"/{WORD}", params={WORD: WORD}),
        http.post("/answer/", json={"query": f"Le {WORD} ?", "context": WORD}),
        http.post("/v1/audio/speech", json={"model": "logement/camille", "input": WORD}),
    ]


async def questions_with_it(http: httpx.AsyncClient) -> None:
    sent = {"file": (f"{WORD}.png", picture(), "image/png")}
    blob = (await http.post(f"{SPACE}/blobs", files=sent)).json()["blob"]
    made = (await http.post(f"{SPACE}/conversations", json={})).json()["id"]
    shown = [{"blob": blob, "name": f"{WORD}.png"}]
    body: dict[str, Any] = {"persona": "hugo", "speech": True, "attachments": shown}
    turn, ending = await ask(http, made, f"Où court le {WORD} ?", **body)
    assert WORD in ending["text"]
    path = f"/api/v1/conversations/{made}/utterances"
    assert (await http.post(path, json={"text": "?", "persona": WORD})).is_client_error
    feedback = {"score": 1, "comment": f"Merci, {WORD} !"}
    assert (await http.post(f"/api/v1/turns/{turn}/feedback", json=feedback)).is_success
    messages = [{"role": role, "content": WORD} for role in ("system", "user", "assistant", "user")]
    asked = {"model": "logement/hugo", "messages": messages, "user": WORD}
    answer = await http.post("/v1/chat/completions", json=asked)
    assert WORD in answer.json()["choices"][0]["message"]["content"]


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 40)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("victim", ["llm", "tts"])
async def test_spans_stay_joined_when_a_service_is_killed_in_the_middle(
    victim: str, everything: Watched
) -> None:
    """What the dead process had not sent yet is lost; the turn's other spans still have a root."""
    everything.turns.clear()
    before = set(everything.collector.by_trace)

    async def kill() -> None:
        await asyncio.sleep(2)
        pids = await asyncio.to_thread(everything.system.pids)
        os.kill(pids[victim], signal.SIGKILL)

    await asyncio.gather(everything.load(speaking=4, writing=4, posting=2, each=6), kill())
    spans = [span for span in await everything.settled() if span.trace not in before]
    rooted = {span.trace for span in spans if not span.parent}
    lost = [span for span in spans if span.trace not in rooted]
    assert len(everything.turns) == 60
    assert len(lost) <= len(spans) / 1_000, names(lost)
    roots = roots_by_turn(spans)
    assert {turn: roots[turn] for turn in everything.turns} == dict.fromkeys(everything.turns, 1)
    again = [s for s in spans if s.values.get("palabre.deliveries", 1) > 1]
    assert all(span.trace in rooted for span in again)
