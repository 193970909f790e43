"""Turns asked again: what differs is shown, and nobody else can tell that it was done."""

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from palabre.channels.testing import ScriptedAnswers, completed, source
from palabre.chassis import events, replays
from palabre.chassis.ids import uuid7
from palabre.chassis.service import Context
from palabre.chassis.testing import NatsServer, until
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2
from palabre.contracts.v1.turns_pb2 import Author, Utterance
from palabre.gateway.testing import RunningGateway, demo_space
from tests.integration.command_line import palabre, reaching
from tests.integration.discord_service import Community

HOSTILE = '<script>alert(1)</script><img src="http://evil.example/x">'


@pytest.fixture
def script() -> Callable[[pb.Event], Iterable[Any]]:
    """Another model has other words, other sources and does not know about hours."""

    def play(event: pb.Event) -> Iterable[Any]:
        said = event.utterance_received.utterance
        if not said.model:
            return [completed(f"Réponse à {said.text} : le cinq [1].", source())]
        if "heures" in said.text:
            unknown = completed("Je ne sais pas.")
            unknown.mode = turns_pb2.ANSWER_MODE_NO_KNOWLEDGE
            return [unknown]
        other = source(document="bail.md", title="Bail")
        return [completed(f"Réponse à {said.text} : le six [1].", other)]

    return play


@pytest.fixture
async def environment(nats: NatsServer, gateway: RunningGateway) -> dict[str, str]:
    await nats.apply("demo", demo_space())
    return reaching(nats, gateway, columns=160)


async def recorded(
    llm: ScriptedAnswers, *questions: str, channel: str = "api", person: str = "anne"
) -> Sequence[pb.Event]:
    asked: list[pb.Event] = []
    name = uuid7()
    for text in questions:
        said = Utterance(text=text, author=Author(id=person, groups=["public"]), speech=True)
        asked.append(events.begin("demo", channel, name, pb.UtteranceReceived(utterance=said)))
        await llm.bus.publish(asked[-1])
        await until(partial(llm.bus.ended, asked[-1]), 20)
    return asked


def replayed(llm: ScriptedAnswers) -> list[pb.Event]:
    return [event for event in llm.heard if event.channel == replays.CHANNEL]


async def test_a_turn_is_asked_again_with_what_it_had_and_both_answers_are_shown(
    llm: ScriptedAnswers, environment: dict[str, str]
) -> None:
    first, second = await recorded(llm, "Quand payer ?", "Et en retard ?")
    shown = await palabre(
        environment, "replay", first.conversation, "--model", "big@mine", "--turn", second.turn
    )
    assert shown.exit_code == 0, shown.output
    assert "+ Bail (bail.md)" in shown.output
    assert "− Guide (guide.md)" in shown.output
    assert "other sources" in shown.output
    assert "answers: 1 asked for again, 1 changed" in shown.output
    [again] = replayed(llm)
    said = again.utterance_received.utterance
    assert (said.text, said.model, said.persona) == ("Et en retard ?", "big@mine", "camille")
    assert (said.retries, said.replay, said.speech) == (second.turn, True, False)
    assert (said.author.id, list(said.author.groups)) == ("", ["public"])
    assert [past.question for past in said.carried_history] == ["Quand payer ?"]
    assert "le cinq" in said.carried_history[0].answer
    assert again.conversation == replays.conversation_of(first.conversation)


async def test_the_same_asked_again_is_the_same(
    llm: ScriptedAnswers, environment: dict[str, str]
) -> None:
    first, _ = await recorded(llm, "Quand payer ?", "Et en retard ?")
    shown = await palabre(environment, "replay", first.conversation, "--again")
    assert "answers: 2 asked for again, 0 changed" in shown.output
    assert shown.output.count("the same answer") == 2


async def test_a_page_of_differences_holds_what_was_said_as_text_and_loads_nothing(
    llm: ScriptedAnswers, environment: dict[str, str], tmp_path: Path
) -> None:
    first, _ = await recorded(llm, f"Quand payer {HOSTILE} ?", "À quelles heures ?")
    page, lines = tmp_path / "then-and-now.html", tmp_path / "pairs.jsonl"
    outputs = ("--html", str(page), "--json", str(lines))
    await palabre(environment, "replay", first.conversation, "--model", "big@mine", *outputs)
    html = page.read_text(encoding="utf-8")
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html
    assert "default-src &#39;none&#39;" in html or "default-src 'none'" in html
    assert "does not know: 1 more, 0 fewer" in html
    head, *pairs = (json.loads(line) for line in lines.read_text("utf-8").splitlines())
    assert head["variation"]["model"] == "big@mine"
    assert [pair["same"] for pair in pairs] == [False, False]


async def test_nobody_can_tell_that_a_turn_was_asked_again(
    llm: ScriptedAnswers, environment: dict[str, str], http: httpx.AsyncClient
) -> None:
    first, _ = await recorded(llm, "Quand payer ?", "Et en retard ?")
    path = f"/api/v1/archive/conversations/{first.conversation}"
    await palabre(environment, "replay", first.conversation)
    before = (await http.get(path)).json()
    await palabre(environment, "replay", first.conversation, "--model", "big@mine")
    await palabre(environment, "replay", first.conversation)  # the archive has caught up
    assert (await http.get(path)).json() == before
    where = replays.conversation_of(first.conversation)
    assert (await http.get(f"/api/v1/archive/conversations/{where}")).status_code == 404
    assert (await http.get(f"/api/v1/conversations/{where}/events")).status_code == 404
    for again in replayed(llm):
        rated = await http.post(f"/api/v1/turns/{again.turn}/feedback", json={"score": 1})
        assert rated.status_code == 404
        assert (await http.get(f"/api/v1/turns/{again.turn}/audio")).status_code == 404
    spent = (await http.get("/api/v1/usage", params={"by": "channel,person"})).json()["rows"]
    assert {(row["channel"], row["person"]): row["turns"] for row in spent} == {
        ("api", "anne"): 2, ("replay", ""): 2,
    }  # fmt: skip
    facts = await llm.bus.facts("demo", replays.CHANNEL, where)
    assert not any(event.HasField("segment_ready") for event in facts)


async def test_discord_hears_nothing_of_a_replay(
    community: Community, bots: Context, llm: ScriptedAnswers, environment: dict[str, str]
) -> None:
    post = await community.ask("Quand payer ?")
    await community.answered(post)
    await asyncio.sleep(1)  # what follows an answer on Discord
    [heard] = llm.heard
    before = len(community.discord.calls)
    shown = await palabre(environment, "replay", heard.conversation, "--model", "big@mine")
    assert "answers: 1 asked for again, 1 changed" in shown.output
    await asyncio.sleep(2)
    assert len(replayed(llm)) == 1
    assert community.discord.calls[before:] == []


async def test_what_was_replayed_is_erased_with_the_conversation(
    llm: ScriptedAnswers, environment: dict[str, str], http: httpx.AsyncClient
) -> None:
    [first] = await recorded(llm, "Quand payer ?")
    await palabre(environment, "replay", first.conversation, "--again")
    await palabre(environment, "replay", first.conversation)
    where = replays.conversation_of(first.conversation)
    assert await llm.bus.facts("demo", replays.CHANNEL, where)
    assert (await http.delete(f"/api/v1/conversations/{first.conversation}")).status_code == 204
    assert await llm.bus.facts("demo", replays.CHANNEL, where) == []
    refused = await palabre(environment, "replay", first.conversation, "--again")
    assert (refused.exit_code, "was erased" in str(refused.exception)) == (1, True)


async def test_all_turns_of_a_space_are_asked_again_and_a_run_is_taken_up(
    llm: ScriptedAnswers, environment: dict[str, str], tmp_path: Path
) -> None:
    for number in range(4):
        await recorded(llm, f"Question {number} ?")
    lines = tmp_path / "pairs.jsonl"
    how = ("replay", "--all", "--model", "big@mine", "--json", str(lines), "--yes")
    first = await palabre(environment, *how, "--limit", "3")
    assert "answers: 3 asked for again, 3 changed" in first.output
    lines.write_text(lines.read_text("utf-8")[:-20], encoding="utf-8")  # killed while it wrote
    second = await palabre(environment, *how)
    assert "answers: 4 asked for again, 4 changed" in second.output
    assert len(replayed(llm)) == 5
    other = await palabre(environment, *how[:2], "--again", *how[4:])
    assert (other.exit_code, "holds something else" in str(other.exception)) == (1, True)


async def test_a_run_stops_once_it_has_cost_enough(
    llm: ScriptedAnswers, environment: dict[str, str]
) -> None:
    for number in range(6):
        await recorded(llm, f"Question {number} ?")
    how = ("replay", "--all", "--again", "--yes", "--at-once", "1")
    shown = await palabre(environment, *how, "--max-cost", "0.0002")  # 0.00012 each
    assert shown.exit_code == 1
    assert "answers: 2 asked for again" in shown.output
    assert "--max-cost 0.0002 is reached" in shown.output


async def test_a_persona_that_does_not_exist_is_told_before_anything_is_asked(
    llm: ScriptedAnswers, environment: dict[str, str]
) -> None:
    [first] = await recorded(llm, "Quand payer ?")
    refused = await palabre(environment, "replay", first.conversation, "--persona", "personne")
    assert refused.exit_code == 1
    assert "choose one of camille" in str(refused.exception)
    assert replayed(llm) == []
