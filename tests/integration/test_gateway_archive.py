"""ArchiveService on a real bus: what a channel without HTTP asks of the archive."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from nats.errors import ConnectionClosedError

from palabre.channels.testing import ScriptedAnswers
from palabre.chassis import events, rpc
from palabre.chassis.bus import Bus
from palabre.chassis.errors import Unavailable
from palabre.chassis.ids import uuid7
from palabre.chassis.testing import NatsServer, until
from palabre.contracts.v1 import archive_pb2 as pb, events_pb2, turns_pb2
from palabre.contracts.v1.archive_pb2_grpc import ArchiveServiceStub
from palabre.gateway import erasure
from palabre.gateway.archive import caught_up
from palabre.gateway.callers import Caller
from palabre.gateway.conversations import Conversations
from palabre.gateway.database import address, connect
from palabre.gateway.testing import RunningGateway

ANNE, BRUNO = "anne", "bruno"
SECRET = "le secret de Marguerite"


@pytest.fixture
async def discord(nats: NatsServer, llm: ScriptedAnswers) -> AsyncIterator[Bus]:
    bus = await nats.bus("discord")
    yield bus
    await bus.close()


@pytest.fixture
async def archive(gateway: RunningGateway) -> AsyncIterator[Any]:
    async with rpc.channel(gateway.address) as channel:
        yield ArchiveServiceStub(channel)


async def ask(
    bus: Bus,
    person: str,
    text: str = SECRET,
    conversation: str = "",
    space: str = "demo",
    attachments: Sequence[turns_pb2.Attachment] = (),
) -> events_pb2.Event:
    author = turns_pb2.Author(id=person)
    said = turns_pb2.Utterance(text=text, author=author, persona="camille", attachments=attachments)
    body = events_pb2.UtteranceReceived(utterance=said)
    first = events.begin(space, "discord", conversation or uuid7(), body)
    await bus.publish(first)
    return first


async def answered(bus: Bus, *asked: events_pb2.Event) -> None:
    """Each has its ending."""
    for first in asked:
        await until(partial(bus.ended, first), 30)


def rating(first: events_pb2.Event, person: str, score: int, **more: str) -> pb.RateRequest:
    return pb.RateRequest(
        space=first.space,
        channel="discord",
        conversation=first.conversation,
        turn=first.turn,
        person=person,
        score=score,
        **more,
    )


async def exported(archive: Any, person: str, space: str = "") -> list[pb.ArchivedConversation]:
    request = pb.ExportRequest(channel="discord", person=person, space=space)
    return [told.conversation async for told in archive.Export(request, timeout=30)]


async def erased(archive: Any, person: str, space: str = "") -> list[pb.EraseResponse]:
    request = pb.EraseRequest(channel="discord", person=person, space=space)
    return [told async for told in archive.Erase(request, timeout=60)]


def files_with(folder: Path, words: str) -> list[str]:
    files = (f for f in folder.rglob("*") if f.is_file())
    return [str(f.relative_to(folder)) for f in files if words.encode() in f.read_bytes()]


async def test_a_rating_is_the_person_s_last_word_and_can_be_taken_back(
    archive: Any, discord: Bus, llm: ScriptedAnswers
) -> None:
    first = await ask(discord, ANNE)
    await archive.Rate(rating(first, ANNE, 1))
    await archive.Rate(rating(first, ANNE, -1, comment="Trop court."))
    [[turn]] = [found.turns for found in await exported(archive, ANNE)]
    assert (turn.score, turn.comment) == (-1, "Trop court.")
    await archive.Rate(rating(first, ANNE, 0))
    [[turn]] = [found.turns for found in await exported(archive, ANNE)]
    assert (turn.score, turn.comment) == (0, "")


async def test_nobody_rates_what_another_asked(
    archive: Any, discord: Bus, llm: ScriptedAnswers
) -> None:
    first = await ask(discord, ANNE)
    elsewhere = rating(first, ANNE, 1)
    elsewhere.conversation = uuid7()
    unknown = rating(first, ANNE, 1)
    unknown.turn = uuid7()
    for wrong in (rating(first, BRUNO, 1), elsewhere, unknown):
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await archive.Rate(wrong)
        assert refusal.value.code() == grpc.StatusCode.NOT_FOUND


async def test_a_rating_out_of_bounds_is_told_what_to_do(
    archive: Any, discord: Bus, llm: ScriptedAnswers
) -> None:
    first = await ask(discord, ANNE)
    for wrong in (rating(first, ANNE, 5), rating(first, ANNE, 1, comment="x" * 2_001)):
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await archive.Rate(wrong)
        assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_an_export_has_what_the_person_asked_a_moment_ago_and_nothing_of_others(
    archive: Any, discord: Bus, llm: ScriptedAnswers
) -> None:
    first = await ask(discord, ANNE, "Quand ?")
    await answered(discord, first)
    together = await ask(discord, BRUNO, "Et moi ?", first.conversation)
    other = await ask(discord, BRUNO, "Ailleurs ?")
    await answered(discord, together, other)
    [found] = await exported(archive, ANNE)
    assert (found.id, found.space, found.persona) == (first.conversation, "demo", "camille")
    assert [(t.question, t.status) for t in found.turns] == [("Quand ?", "completed")]
    [source] = found.turns[0].sources
    assert (source.passage.title, source.passage.text) == ("Guide", "")
    questions = [[t.question for t in each.turns] for each in await exported(archive, BRUNO)]
    assert questions == [["Et moi ?"], ["Ailleurs ?"]]
    assert await exported(archive, "nobody") == []


async def test_an_export_names_the_images_of_a_question(
    archive: Any, discord: Bus, llm: ScriptedAnswers
) -> None:
    image = turns_pb2.Attachment(name="chauffe-eau.png", blob="demo/" + "a" * 64, width=3, height=2)
    first = await ask(discord, ANNE, "Que voyez-vous ?", attachments=[image])
    await answered(discord, first)
    [[turn]] = [found.turns for found in await exported(archive, ANNE)]
    assert list(turn.attachments) == [image]


async def test_a_long_conversation_comes_in_several_messages(
    archive: Any, discord: Bus, llm: ScriptedAnswers
) -> None:
    first = await ask(discord, ANNE, "x" * 200_000)
    await answered(discord, first)
    for _ in range(9):
        await answered(discord, await ask(discord, ANNE, "x" * 200_000, first.conversation))
    found = await exported(archive, ANNE)
    assert {each.id for each in found} == {first.conversation}
    assert len(found) > 1
    assert sum(len(each.turns) for each in found) == 10


async def test_erasing_leaves_no_word_of_the_person_on_disk(
    archive: Any, discord: Bus, llm: ScriptedAnswers, tmp_path: Path
) -> None:
    asked = [await ask(discord, ANNE, f"{SECRET} {number}") for number in range(3)]
    kept = await ask(discord, BRUNO, "Ailleurs ?")
    await answered(discord, *asked, kept)
    posts = await discord.js.key_value("posts")
    for first in asked:
        await posts.put(f"{first.conversation}.{first.turn}", f"{first.turn}: {SECRET}".encode())
    await posts.put(f"{kept.conversation}.{kept.turn}", b"Ailleurs ?")
    assert files_with(tmp_path, SECRET)
    told = await erased(archive, ANNE)
    assert [(t.conversations, t.conversations_total) for t in told] == [(1, 3), (2, 3), (3, 3)]
    assert {t.conversation for t in told} == {first.conversation for first in asked}
    assert files_with(tmp_path, SECRET) == []
    assert await posts.keys() == [f"{kept.conversation}.{kept.turn}"]
    assert [each.id for each in await exported(archive, BRUNO)] == [kept.conversation]
    assert await exported(archive, ANNE) == []
    used = await archive.Used(pb.UsedRequest(space="demo", channel="discord", person=ANNE))
    assert used.day.turns == 0
    everybody = await archive.Used(pb.UsedRequest(space="demo"))
    assert everybody.day.turns == 4
    assert await erased(archive, ANNE) == []


async def test_erasing_forgets_who_had_a_thread_summed_up(
    archive: Any, discord: Bus, llm: ScriptedAnswers, tmp_path: Path
) -> None:
    person = "0123456789abcdef-marguerite"
    call = turns_pb2.Usage(call="summarise/1/0", engine="mistral", model="small", prompt_tokens=9)
    author = turns_pb2.Author(id=person)
    body = events_pb2.SpendingRecorded(calls=[call], stage="summarise", author=author)
    await llm.bus.publish(events.begin("demo", "discord", uuid7(), body))
    assert await exported(archive, person) == []
    mine = pb.UsedRequest(space="demo", channel="discord", person=person)
    assert (await archive.Used(mine)).day.prompt_tokens == 9
    assert len(await erased(archive, person)) == 1
    assert files_with(tmp_path, person) == []
    assert (await archive.Used(mine)).day.prompt_tokens == 0
    assert (await archive.Used(pb.UsedRequest(space="demo"))).day.prompt_tokens == 9


async def test_a_conversation_of_several_people_is_erased_for_all(
    archive: Any, discord: Bus, llm: ScriptedAnswers
) -> None:
    first = await ask(discord, BRUNO, "Quand ?")
    await answered(discord, first)
    await answered(discord, await ask(discord, ANNE, SECRET, first.conversation))
    assert len(await erased(archive, ANNE)) == 1
    assert await exported(archive, BRUNO) == []


async def test_erasing_in_one_space_leaves_the_others(
    archive: Any, discord: Bus, llm: ScriptedAnswers
) -> None:
    here, there = await ask(discord, ANNE), await ask(discord, ANNE, space="other")
    await answered(discord, here, there)
    assert [t.conversation for t in await erased(archive, ANNE, "demo")] == [here.conversation]
    assert [each.id for each in await exported(archive, ANNE)] == [there.conversation]


async def test_nobody_is_erased_without_a_name(archive: Any) -> None:
    for wrong in (pb.EraseRequest(channel="discord"), pb.EraseRequest(person=ANNE)):
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            _ = [told async for told in archive.Erase(wrong)]
        assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_an_erasing_that_broke_off_goes_on_when_it_is_asked_for_again(
    archive: Any, discord: Bus, llm: ScriptedAnswers, nats: NatsServer, tmp_path: Path
) -> None:
    first = await ask(discord, ANNE)
    await answered(discord, first)
    assert len(await exported(archive, ANNE)) == 1  # it is archived
    engine = connect(address("", tmp_path))
    conversations, alone = Conversations(engine), await nats.bus("gateway")
    found = await conversations.find(first.conversation, Caller(ANNE, "discord"))
    await alone.close()
    with pytest.raises(ConnectionClosedError):
        await erasure.erase(alone, conversations, found)
    await engine.dispose()
    assert [t.conversation for t in await erased(archive, ANNE)] == [first.conversation]
    assert await discord.facts("demo", "discord", first.conversation) == []


async def test_what_was_used_is_summed_by_day_and_month(
    archive: Any, discord: Bus, llm: ScriptedAnswers
) -> None:
    asked = [await ask(discord, ANNE), await ask(discord, ANNE), await ask(discord, BRUNO)]
    await answered(discord, *asked)
    await exported(archive, ANNE)  # waits for the archive
    used = await archive.Used(pb.UsedRequest(space="demo", channel="discord", person=ANNE))
    assert (used.day.turns, used.day.prompt_tokens, dict(used.day.cost_micros)) == (
        2, 200, {"EUR": 240},
    )  # fmt: skip
    assert used.month == used.day
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await archive.Used(pb.UsedRequest(space="nowhere", channel="discord", person=ANNE))
    assert refusal.value.code() == grpc.StatusCode.NOT_FOUND


async def test_an_archive_that_is_behind_is_waited_for_only_so_long(nats: NatsServer) -> None:
    bus = await nats.bus("discord")
    await caught_up(bus, 0)
    await ask(bus, ANNE)
    with pytest.raises(Unavailable, match="behind"):
        await caught_up(bus, 0)
    await bus.close()
