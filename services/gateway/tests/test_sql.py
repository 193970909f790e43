"""Tokens, conversations and the archive, on SQLite and where they are set on other databases."""

import asyncio
import datetime as dt
import random
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, event, func, make_url, select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.sql.schema import Column

from palabre.channels.testing import completed, source
from palabre.chassis import events, replays, streams
from palabre.chassis.errors import Unavailable
from palabre.chassis.testing import collect, free_port, no_circles_of
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2
from palabre.gateway import archive, database
from palabre.gateway.archive import Archive
from palabre.gateway.callers import Caller
from palabre.gateway.conversations import Conversations
from palabre.gateway.problems import Problem
from palabre.gateway.tables import CallRow, ConversationRow, Table, TurnRow
from palabre.gateway.tokens import Tokens, digest

ME = Caller("me", "api")


def begun(turn: str, conversation: str = "c-1") -> pb.Event:
    utterance = turns_pb2.Utterance(text="Quand ?", author=turns_pb2.Author(id="me"))
    body = pb.UtteranceReceived(utterance=utterance)
    return events.begin("demo", "api", conversation, body, turn=turn)


def answered(first: pb.Event, text: str = "Le cinq [1].") -> pb.Event:
    done = completed(text, source())
    done.utterance.CopyFrom(first.utterance_received.utterance)
    return events.follow(first, done)


async def test_migrations_make_what_the_tables_say(engine: AsyncEngine) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Table.metadata))

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await database.migrate(engine)


async def test_who_writes_waits_in_turn_however_long_the_one_before_takes(
    tmp_path: Path,
) -> None:
    """SQLite's own patience ran out when a thousand conversations began at once."""
    engine = database.connect(database.address("", tmp_path))
    event.listen(engine.sync_engine, "connect", _be_impatient)
    await database.migrate(engine)
    conversations = Conversations(engine)
    async with database.writing(engine) as connection:
        await connection.execute(text("DELETE FROM tokens"))
        begun = [asyncio.create_task(conversations.create(ME, "demo", "", "")) for _ in range(3)]
        await asyncio.wait(begun, timeout=0.2)
    made = await asyncio.gather(*begun)
    assert [await conversations.find(each.id, ME) for each in made] == made
    await engine.dispose()


def _be_impatient(connection: Any, _record: object) -> None:
    connection.cursor().execute("PRAGMA busy_timeout=20")


async def test_replicas_that_start_together_on_one_file_wait_for_one_another(
    tmp_path: Path,
) -> None:
    migrate = (
        "import asyncio, pathlib, sys; from palabre.gateway import database as d;"
        "asyncio.run(d.migrate(d.connect(d.address('', pathlib.Path(sys.argv[1])))))"
    )
    command = [sys.executable, "-c", migrate, str(tmp_path)]
    started = [await asyncio.create_subprocess_exec(*command) for _ in range(3)]
    assert [await process.wait() for process in started] == [0, 0, 0]


async def test_an_address_without_its_driver_gets_one(tmp_path: Path) -> None:
    made = database.address("postgresql://palabre@db/palabre", tmp_path)
    assert made.drivername == "postgresql+asyncpg"
    with pytest.raises(database.WrongDatabase, match="oracle"):
        database.address("oracle://db", tmp_path)


async def test_a_database_that_does_not_come_is_said_by_the_name_of_its_setting() -> None:
    url = make_url(f"postgresql+asyncpg://palabre:a-word@127.0.0.1:{free_port()}/palabre")
    missing = database.connect(url)
    with pytest.raises(Unavailable, match="PALABRE_DATABASE_URL: no connection: ") as raised:
        await database.answers(missing, patience_s=0)
    await missing.dispose()
    assert "a-word" not in str(raised.value)


async def test_facts_make_the_same_rows_in_any_order(engine: AsyncEngine) -> None:
    one, two, three = begun("t-1"), begun("t-2"), begun("t-3", "c-2")
    failed = pb.TurnFailed(reason=pb.FAILURE_REASON_EXPIRED, message="Désolé.", shown="Le")
    facts = [one, two, three, answered(one), events.follow(two, failed)]
    facts.append(events.follow(three, pb.TurnCancelled(reason="stop")))
    chance = random.Random(7)  # noqa: S311
    for _ in range(5):
        order = facts + facts
        chance.shuffle(order)
        for batch in (order[:5], order[5:]):
            async with engine.begin() as connection:
                await archive.store(connection, batch)
    rows = {row["id"]: row for row in await Conversations(engine).turns("c-1")}
    assert (rows["t-1"]["status"], rows["t-1"]["answer"]) == ("completed", "Le cinq [1].")
    assert rows["t-1"]["sources"][0]["document"] == "guide.md"
    assert rows["t-1"]["asked_at"].tzinfo == dt.UTC
    assert (rows["t-2"]["status"], rows["t-2"]["reason"]) == ("failed", "expired")
    assert rows["t-2"]["question"] == "Quand ?"
    [last] = await Conversations(engine).turns("c-2")
    assert (last["status"], last["reason"]) == ("cancelled", "stop")


async def test_rows_from_the_bus_are_like_those_from_sql(engine: AsyncEngine) -> None:
    one, two = begun("t-1"), begun("t-2")
    facts = [one, answered(one), two]
    async with engine.begin() as connection:
        await archive.store(connection, facts)
    kept = await Conversations(engine).turns("c-1")
    for row, same in zip(kept, archive.as_rows(facts), strict=True):
        assert {name: row[name] for name in same} == same


async def test_the_images_of_a_turn_are_kept_whichever_fact_comes_first(
    engine: AsyncEngine,
) -> None:
    image = turns_pb2.Attachment(blob=f"demo/{'a' * 64}", name="bail.png", width=40, height=30)
    facts = []
    for turn in ("t-1", "t-2"):
        first = begun(turn)
        first.utterance_received.utterance.attachments.append(image)
        facts.append([first, answered(first)])
    for batch in (*facts[0], *reversed(facts[1])):
        async with engine.begin() as connection:
            await archive.store(connection, [batch])
    kept = {"blob": "a" * 64, "name": "bail.png", "width": 40, "height": 30}
    rows = await Conversations(engine).turns("c-1")
    assert [row["attachments"] for row in rows] == [[kept], [kept]]


async def test_the_archive_writes_many_facts_at_once(engine: AsyncEngine) -> None:
    kept, stop = Archive(engine, pause_s=0.01), asyncio.Event()
    asked = [begun(f"t-{n}") for n in range(150)]
    facts = asked + [answered(first) for first in asked]
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(kept.write(stop))
        done = [tasks.create_task(collect(kept.handle(fact))) for fact in facts]
        await asyncio.gather(*done)
        stop.set()
    async with engine.connect() as connection:
        counted = await connection.scalar(
            select(func.count()).select_from(TurnRow).where(TurnRow.status == "completed")
        )
    assert counted == 150


@pytest.mark.parametrize("kind", [Column, BindParameter])
async def test_storing_leaves_nothing_in_a_circle_of_references(
    engine: AsyncEngine, kind: type
) -> None:
    async def store(name: str) -> None:
        first = begun(name)
        async with engine.begin() as connection:
            await archive.store(connection, [first, answered(first)])

    await store("t-1")  # what is made once
    with no_circles_of(kind):
        await store("t-2")


async def test_a_database_that_is_away_hands_facts_back(tmp_path: Path) -> None:
    engine = database.connect(database.address("", tmp_path))  # no tables
    kept, stop = Archive(engine, pause_s=0), asyncio.Event()
    writing = asyncio.create_task(kept.write(stop))
    with pytest.raises(Unavailable):
        await collect(kept.handle(begun("t-1")))
    stop.set()
    await writing
    await engine.dispose()


async def test_a_fact_that_the_database_refuses_keeps_no_other_from_being_stored(
    engine: AsyncEngine,
) -> None:
    async with engine.begin() as connection:  # as PostgreSQL refuses a NUL in a text
        refusal = "BEFORE INSERT ON turns WHEN NEW.id = 't-7' BEGIN SELECT RAISE(ABORT, 'no'); END"
        await connection.execute(text(f"CREATE TRIGGER refusal {refusal}"))
    kept, stop = Archive(engine, pause_s=0.01), asyncio.Event()
    writing = asyncio.create_task(kept.write(stop))
    asked = [collect(kept.handle(begun(f"t-{n}"))) for n in range(20)]
    done = await asyncio.gather(*asked, return_exceptions=True)
    stop.set()
    await writing
    assert [n for n, result in enumerate(done) if isinstance(result, Unavailable)] == [7]
    assert len(await Conversations(engine).turns("c-1")) == 19


def test_the_archive_stores_every_fact_that_its_durable_brings() -> None:
    assert frozenset(streams.durable("archive").events) == archive.WANTED


async def test_a_fact_that_only_a_newer_archive_stores_is_handed_back(engine: AsyncEngine) -> None:
    event = events.follow(begun("t-1"), pb.SpeechCompleted())
    with pytest.raises(Unavailable, match="newer"):
        await collect(Archive(engine).handle(event))


async def test_an_erased_conversation_does_not_come_back(engine: AsyncEngine) -> None:
    conversations = Conversations(engine)
    made = await conversations.create(ME, "demo", "camille", "fr")
    first = begun("t-1", made.id)
    async with engine.begin() as connection:
        await archive.store(connection, [first, answered(first)])
    await conversations.erase(made)
    async with engine.begin() as connection:
        await archive.store(connection, [first, answered(first)])
    assert await conversations.turns(made.id) == []
    async with engine.connect() as connection:
        assert (await connection.execute(select(ConversationRow.id))).all() == []


async def test_erased_words_are_not_on_disk(engine: AsyncEngine, tmp_path: Path) -> None:
    conversations = Conversations(engine)
    made = await conversations.create(ME, "demo", "camille", "fr")
    first = begun("t-1", made.id)
    async with engine.begin() as connection:
        await archive.store(connection, [first, answered(first, "Mot-de-passe-secret")])
    assert b"Mot-de-passe-secret" in await asyncio.to_thread(everything_in, tmp_path)
    await conversations.erase(made)
    assert b"Mot-de-passe-secret" not in await asyncio.to_thread(everything_in, tmp_path)


async def test_an_administrator_reaches_any_conversation_to_erase_it(engine: AsyncEngine) -> None:
    tokens, conversations = Tokens(engine), Conversations(engine)
    made = await conversations.create(ME, "demo", "", "")
    for spaces, reaches in ((["demo"], True), (["other"], False)):
        token, _ = await tokens.issue("essai", ["admin"], spaces)
        chief = Caller("chief", "api", token)
        if reaches:
            assert await conversations.find(made.id, chief, for_administrators=True)
        with pytest.raises(Problem):
            await conversations.find(made.id, chief, for_administrators=reaches is False)


async def test_a_conversation_belongs_to_who_began_it(engine: AsyncEngine) -> None:
    made = await Conversations(engine).create(ME, "demo", "", "")
    elsewhere = Conversations(engine)
    assert await elsewhere.find(made.id, ME) == made
    for other in (Caller("you", "api"), Caller("me", "web")):
        with pytest.raises(Problem) as refusal:
            await elsewhere.find(made.id, other)
        assert refusal.value.status == 404


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_a_secret_is_never_stored(engine: AsyncEngine, tmp_path: Path) -> None:
    tokens = Tokens(engine)
    made, secret = await tokens.issue("essai", ["ask"], ["demo"])
    assert await tokens.find(secret) == made
    await engine.dispose()
    kept = await asyncio.to_thread(everything_in, tmp_path)
    assert secret.encode() not in kept
    assert secret.removeprefix("palabre_").encode() not in kept
    assert digest(secret).encode() in kept


async def test_a_revocation_elsewhere_counts_after_a_second(engine: AsyncEngine) -> None:
    now = 0.0
    here, there = Tokens(engine), Tokens(engine, clock=lambda: now)
    made, secret = await here.issue("essai", ["ask"], ["demo"])
    await there.find(secret)
    assert await here.revoke(made.id)
    await there.find(secret)
    now = 1.0
    with pytest.raises(Problem, match="revoked"):
        await there.find(secret)
    assert not await here.revoke("none")


async def test_a_token_is_read_once_however_many_ask(engine: AsyncEngine) -> None:
    read: list[str] = []
    tokens = Tokens(engine)
    made, secret = await tokens.issue("essai", ["ask"], ["demo"])
    event.listen(
        engine.sync_engine, "before_cursor_execute", lambda *said: read.append(str(said[2]))
    )
    assert await asyncio.gather(*(tokens.find(secret) for _ in range(50))) == [made] * 50
    assert len([statement for statement in read if statement.startswith("SELECT")]) == 1


async def test_the_first_administrators_token_is_made_once(engine: AsyncEngine) -> None:
    tokens = Tokens(engine)
    made = await tokens.bootstrap("")
    assert made
    assert (await tokens.find(made)).allows("spaces:write")
    assert await tokens.bootstrap("") is None
    assert await tokens.bootstrap("given") is None
    assert (await tokens.find("given")).reaches("anywhere")
    with pytest.raises(Problem, match="unknown"):
        await tokens.find(made)


async def test_of_a_replay_only_its_cost_is_kept_and_it_is_nobody_s(engine: AsyncEngine) -> None:
    first = begun("t-1")
    first.channel, first.utterance_received.utterance.replay = replays.CHANNEL, True
    async with engine.begin() as connection:
        news = await archive.store(connection, [first, answered(first)])
        assert (news.received, news.ended) == ([], [])
        for table in (TurnRow, ConversationRow):
            assert not (await connection.execute(select(table))).all()
        [call] = (await connection.execute(select(CallRow.__table__))).mappings()
    assert (call["channel"], call["person"], call["cost_micros"]) == ("replay", "", 120)


async def test_erasing_a_conversation_unties_the_cost_of_its_replays(engine: AsyncEngine) -> None:
    made = await Conversations(engine).create(ME, "demo", "", "")
    replayed = replays.conversation_of(made.id)
    again = begun("t-1", replayed)
    again.channel = replays.CHANNEL
    async with engine.begin() as connection:
        await archive.store(connection, [answered(again)])
    await Conversations(engine).erase(made)
    async with engine.begin() as connection:
        late = begun("t-2", replayed)
        late.channel = replays.CHANNEL
        await archive.store(connection, [answered(late)])
        [call] = (await connection.execute(select(CallRow.__table__))).mappings()
    assert (call["conversation"], call["cost_micros"]) == ("", 120)
    assert call["turn"] != "t-1"
