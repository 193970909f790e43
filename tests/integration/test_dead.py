"""`palabre dead`: groups first, no word of a person unless asked for, nothing asked twice."""

import pytest
from typer.testing import Result

from palabre.chassis import events, subjects
from palabre.chassis.bus import Bus
from palabre.chassis.ids import uuid7
from palabre.chassis.testing import NatsServer
from palabre.cli.dead import EACH, app
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Author, Utterance
from tests.integration.command_line import invoked, reaching

SAID = "Je m'appelle Marguerite"


@pytest.fixture
async def operator(nats: NatsServer) -> Bus:
    return await nats.bus("operator")


async def died(bus: Bus, stage: str = "comprehend", error: str = "no persona 'x'") -> pb.Event:
    said = Utterance(text=SAID, persona="x", author=Author(id="a1"))
    event = events.begin("demo", "web", uuid7(), pb.UtteranceReceived(utterance=said))
    headers = {
        "Palabre-Subject": subjects.of(event), "Palabre-Stage": stage, "Palabre-Error": error
    }  # fmt: skip
    dead = subjects.dead(subjects.of(event))
    await bus.js.publish(dead, event.SerializeToString(), headers=headers)
    return event


async def dead(nats: NatsServer, *arguments: str, said: str = "") -> Result:
    return await invoked(app, reaching(nats, columns=250), *arguments, said=said)


def lines(shown: Result) -> list[str]:
    """Without those of the log, which the command itself keeps quiet."""
    return [line for line in shown.output.splitlines() if "nats connection" not in line]


async def test_a_few_are_listed_and_shown_without_what_was_said(
    nats: NatsServer, operator: Bus
) -> None:
    event = await died(operator)
    listed = await dead(nats, "list")
    assert "no persona 'x'" in listed.output
    assert event.conversation in listed.output
    shown = await dead(nats, "show", "1")
    assert SAID not in shown.output
    assert f"({len(SAID)} characters)" in shown.output
    assert SAID in (await dead(nats, "show", "1", "--words")).output


async def test_many_are_grouped_by_their_cause(nats: NatsServer, operator: Bus) -> None:
    for number in range(EACH):
        await died(operator, error=f"no persona '{number}'")
    for number in range(5):
        await died(operator, "answer", f"delivered {number + 21} times")
    groups = lines(await dead(nats, "list"))
    assert groups[1].split()[:3] == [str(EACH), "0", "comprehend"]
    assert groups[2].split()[:3] == ["5", "0", "answer"]
    assert "35 dead letters" in groups[-2] + groups[-1]
    assert len(lines(await dead(nats, "list", "--stage", "answer"))) == 6
    assert len(lines(await dead(nats, "list", "--each"))) == 36


async def test_all_of_a_stage_are_asked_again_once_and_after_a_question(
    nats: NatsServer, operator: Bus
) -> None:
    asked = [await died(operator, "answer") for _ in range(3)]
    await died(operator)
    how = ("retry", "--stage", "answer", "--per-second", "100")
    refused = await dead(nats, *how, said="n\n")
    assert (refused.exit_code, "Ask 3 dead letters again?" in refused.output) == (1, True)
    assert await operator.facts("demo", "web", asked[0].conversation) == []
    done = await dead(nats, *how, said="y\n")
    assert (done.exit_code, done.output.count("asked again as turn")) == (0, 3)
    twice = await dead(nats, *how, "--yes")
    assert (twice.exit_code, twice.output.count("was asked again before")) == (0, 3)
    for event in asked:
        assert len(await operator.facts("demo", "web", event.conversation)) == 1
    assert (await dead(nats, "retry", "1", "--again")).exit_code == 0
    assert len(await operator.facts("demo", "web", asked[0].conversation)) == 2


async def test_what_cannot_be_done_says_what_to_do_and_exits_with_1(
    nats: NatsServer, operator: Bus
) -> None:
    await died(operator)
    for arguments, told in (
        (("retry",), "which letters?"),
        (("retry", "9"), "no dead letter 9"),
        (("show", "9"), "no dead letter 9"),
        (("drop", "--yes"), "which letters?"),
    ):
        refused = await dead(nats, *arguments)
        assert refused.exit_code == 1
        assert told in str(refused.exception)
    await operator.js.publish("palabre.v1.dead.demo.web.c-1.answer_completed", b"\xff")
    refused = await dead(nats, "retry", "--all", "--yes")
    assert refused.exit_code == 1
    assert "not an event: look at it with `palabre dead show`, then drop it" in refused.output
    assert (await dead(nats, "show", "2")).exit_code == 0


async def test_dropped_letters_are_gone(nats: NatsServer, operator: Bus) -> None:
    await died(operator)
    await died(operator, "answer")
    assert lines(await dead(nats, "drop", "1", "--yes")) == ["1: dropped"]
    assert (await dead(nats, "drop", "--all", "--yes")).exit_code == 0
    assert "(none)" in (await dead(nats, "list")).output
