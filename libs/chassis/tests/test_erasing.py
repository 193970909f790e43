"""Erasing a conversation leaves no word of it, not even in the bytes on disk."""

from pathlib import Path

import pytest

from palabre.chassis import events, replays
from palabre.chassis.blobs import NatsObjects
from palabre.chassis.bus import Bus
from palabre.chassis.descriptions import NatsDescriptions
from palabre.chassis.erasing import erase
from palabre.chassis.errors import Erased
from palabre.chassis.histories import NatsHistories
from palabre.chassis.ids import uuid7
from palabre.chassis.testing import NatsServer
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Exchange, Utterance

SECRET = "le secret de Marguerite"


def question(text: str, conversation: str) -> pb.Event:
    body = pb.UtteranceReceived(utterance=Utterance(text=text))
    return events.begin("demo", "web", conversation, body)


def words_on_disk(folder: Path, words: str) -> list[str]:
    files = (f for f in (folder / "jetstream").rglob("*") if f.is_file())
    return [f.name for f in files if words.encode() in f.read_bytes()]


async def test_no_word_of_an_erased_conversation_is_left_on_disk(
    server: NatsServer, tmp_path: Path, gateway: Bus, llm: Bus
) -> None:
    erased, kept = uuid7(), uuid7()
    for number in range(5):
        asked = question(f"{SECRET} {number}", erased)
        await gateway.publish(asked)
        answer = pb.AnswerCompleted(text=f"Voici {SECRET}")
        await llm.publish(events.follow(asked, answer))
        await NatsHistories(llm).append(asked, Exchange(turn=asked.turn, question=SECRET))
        await NatsHistories(llm).append(asked, Exchange(turn=asked.turn, answer=SECRET))
    other = question("une autre personne", kept)
    await gateway.publish(other)
    await NatsHistories(llm).append(other, Exchange(turn=other.turn, question="une autre"))
    assert words_on_disk(tmp_path, SECRET)
    receipt = await erase(gateway, "demo", "web", erased)
    assert receipt.erased == {"TURNS": 10, "KV_histories": 5}
    assert words_on_disk(tmp_path, SECRET) == []
    await server.kill()
    assert words_on_disk(tmp_path, SECRET) == []
    await server.start()
    assert len(await gateway.facts("demo", "web", kept)) == 1
    assert await gateway.facts("demo", "web", erased) == []


async def test_nothing_is_written_of_it_afterwards(gateway: Bus, llm: Bus) -> None:
    asked = question(SECRET, uuid7())
    await gateway.publish(asked)
    await erase(gateway, "demo", "web", asked.conversation)
    await llm.refresh_erased()
    with pytest.raises(Erased):
        await llm.publish(events.follow(asked, pb.AnswerCompleted(text=SECRET)))
    with pytest.raises(Erased):
        await NatsHistories(llm).append(asked, Exchange(turn=asked.turn))


async def test_no_image_of_it_is_left_on_disk_nor_what_it_showed(
    server: NatsServer, tmp_path: Path, gateway: Bus, llm: Bus
) -> None:
    blob, photo = "demo/" + "a" * 64, b"the face of Marguerite" * 20_000
    store = NatsObjects(await gateway.js.object_store("blobs"))
    await store.put(blob, photo)
    await store.put("demo/" + "b" * 64, b"another photo")
    await NatsDescriptions(llm).write(blob, SECRET)
    asked = question("Qui est-ce ?", uuid7())
    asked.utterance_received.utterance.attachments.add(blob=blob)
    await gateway.publish(asked)
    assert words_on_disk(tmp_path, photo[:30].decode())
    receipt = await erase(gateway, "demo", "web", asked.conversation)
    assert receipt.erased == {"TURNS": 2, "OBJ_blobs": 5, "KV_descriptions": 1}
    assert words_on_disk(tmp_path, photo[:30].decode()) == []
    assert words_on_disk(tmp_path, SECRET) == []
    with pytest.raises(KeyError):
        await store.get(blob)
    assert await store.get("demo/" + "b" * 64) == b"another photo"


async def test_what_was_replayed_of_it_goes_with_it(tmp_path: Path, gateway: Bus, llm: Bus) -> None:
    asked = question("Quand ?", uuid7())
    await gateway.publish(asked)
    body = pb.UtteranceReceived(utterance=Utterance(text=SECRET, replay=True))
    replayed = replays.conversation_of(asked.conversation)
    again = events.begin("demo", replays.CHANNEL, replayed, body)
    await gateway.publish(again)
    await erase(gateway, "demo", "web", asked.conversation)
    assert words_on_disk(tmp_path, SECRET) == []
    await llm.refresh_erased()
    with pytest.raises(Erased):
        await llm.publish(events.follow(again, pb.AnswerCompleted(text=SECRET)))
