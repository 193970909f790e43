"""Conversations rebuilt from the log are as the archive has them, and differences are named."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from palabre.channels.testing import ScriptedAnswers
from palabre.chassis import events
from palabre.chassis.ids import uuid7
from palabre.chassis.testing import NatsServer, until
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Author, Utterance
from palabre.gateway.database import address, connect
from palabre.gateway.tables import TurnRow
from palabre.gateway.testing import RunningGateway
from tests.integration.command_line import palabre, reaching


@pytest.fixture
def environment(nats: NatsServer, gateway: RunningGateway) -> dict[str, str]:
    return reaching(nats, gateway)


async def recorded(
    llm: ScriptedAnswers, *questions: str, conversation: str = ""
) -> Sequence[pb.Event]:
    """The first events of the turns of one conversation, each answered before the next."""
    asked: list[pb.Event] = []
    name = conversation or uuid7()
    for text in questions:
        said = Utterance(text=text, author=Author(id="anne"), persona="camille")
        asked.append(events.begin("demo", "api", name, pb.UtteranceReceived(utterance=said)))
        await llm.bus.publish(asked[-1])
        await until(partial(llm.bus.ended, asked[-1]), 20)
    return asked


async def test_a_conversation_is_rebuilt_as_the_archive_has_it(
    llm: ScriptedAnswers, environment: dict[str, str]
) -> None:
    first, _ = await recorded(llm, "Quand payer ?", "Et \x1b[31moù ?")
    shown = await palabre(environment, "replay", first.conversation)
    assert shown.exit_code == 0, shown.output
    assert "Quand payer ?" in shown.output
    assert "\x1b[31m" not in shown.output
    assert "Guide (guide.md)" in shown.output
    assert "0.00012 EUR" in shown.output.replace("\N{NO-BREAK SPACE}", " ")
    assert "identical: 2 turns" in shown.output


async def test_what_the_archive_has_otherwise_is_named_without_a_word_of_the_person(
    llm: ScriptedAnswers, environment: dict[str, str], tmp_path: Path
) -> None:
    [first] = await recorded(llm, "Quand payer ?")
    await palabre(environment, "replay", first.conversation)  # it is archived now
    engine = connect(address("", tmp_path))
    async with engine.begin() as connection:
        change = {"answer": "Autre chose.", "status": "cancelled"}
        await connection.execute(update(TurnRow).where(TurnRow.id == first.turn).values(change))
    await engine.dispose()
    shown = await palabre(environment, "replay", first.conversation)
    assert shown.exit_code == 1
    assert f"turn {first.turn}: status is cancelled, in the log completed" in shown.output
    assert f"turn {first.turn}: answer is otherwise (12 long)" in shown.output
    assert "Autre chose" not in shown.output


async def test_an_erased_or_unknown_conversation_cannot_be_replayed(
    llm: ScriptedAnswers, environment: dict[str, str], http: httpx.AsyncClient
) -> None:
    [first] = await recorded(llm, "Quand payer ?")
    await palabre(environment, "replay", first.conversation)
    erased = await http.delete(f"/api/v1/conversations/{first.conversation}")
    assert erased.status_code == 204
    shown = await palabre(environment, "replay", first.conversation)
    assert (shown.exit_code, "was erased" in str(shown.exception)) == (1, True)
    shown = await palabre(environment, "replay", uuid7())
    assert (shown.exit_code, "check its id" in str(shown.exception)) == (1, True)


async def test_once_the_log_has_forgotten_it_the_archive_shows_what_it_kept(
    llm: ScriptedAnswers, environment: dict[str, str]
) -> None:
    [first] = await recorded(llm, "Quand payer ?")
    await palabre(environment, "replay", first.conversation)
    await llm.bus.js.purge_stream("TURNS")
    shown = await palabre(environment, "replay", first.conversation)
    assert shown.exit_code == 0, shown.output
    assert "what the archive kept" in shown.output
    assert "Quand payer ?" in shown.output


async def test_only_an_administrator_of_the_space_reads_what_others_said(
    llm: ScriptedAnswers, environment: dict[str, str], http: httpx.AsyncClient
) -> None:
    [first] = await recorded(llm, "Quand payer ?")
    await palabre(environment, "replay", first.conversation)
    mine = {"scopes": ["ask"], "spaces": ["demo"]}, {"scopes": ["admin"], "spaces": ["other"]}
    for number, rights in enumerate(mine):
        made = await http.post("/api/v1/tokens", json={"name": str(number), **rights})
        head = {"Authorization": f"Bearer {made.json()['token']}"}
        path = f"/api/v1/archive/conversations/{first.conversation}"
        assert (await http.get(path, headers=head)).status_code in (403, 404)
        body = {"turns": [first.turn]}
        found = await http.post("/api/v1/archive/turns", json=body, headers=head)
        assert found.status_code == 403 or found.json() == {"turns": []}
