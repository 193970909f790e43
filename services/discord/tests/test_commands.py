"""From an interaction to its command: at once, once, and always with a word."""

import asyncio
import io
import json
import zipfile
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

from palabre.chassis.errors import Unavailable
from palabre.contracts.v1 import archive_pb2
from palabre.discord.calls import Gone
from palabre.discord.commands.all import COMMANDS
from palabre.discord.commands.choosing import is_default, listed, matching, named
from palabre.discord.commands.defining import Call, Command, Desk
from palabre.discord.commands.dispatching import Dispatcher
from palabre.discord.commands.exporting import MOST_BYTES, fitting
from palabre.discord.interactions import Interaction, MemoryReplies, Suggestion
from palabre.discord.messages import Body, Person, Place
from palabre.discord.texts import LANGUAGES, say

ALICE, GENERAL = Person(10, "Alice"), Place("text", 200, server=1)
KNOWN = {"camille": "Camille", "hugo": "Hugo le Sage"}


async def situation(asked: Interaction, *, at_once: bool) -> tuple[Place, Person]:
    return GENERAL, asked.person


def dispatcher(*commands: Command) -> Dispatcher:
    return Dispatcher(commands, cast(Desk, SimpleNamespace(bot="default")), situation)


def interaction(number: int = 1, kind: Any = "command", name: str = "essai", **more: Any) -> Any:
    return Interaction(number, "token", kind, name, ALICE, GENERAL.channel, server=1, **more)


async def hello(call: Call) -> None:
    await call.show("Bonjour.")


def said(replies: MemoryReplies) -> Sequence[str]:
    return [body.content for body in replies.shown.values()]


async def test_a_command_is_deferred_privately_then_answered() -> None:
    replies = MemoryReplies()
    await dispatcher(Command("essai", "trial", hello)).answer(interaction(), replies)
    assert (replies.private, said(replies)) == (True, ["Bonjour."])


async def test_what_a_public_command_says_for_itself_is_for_its_asker_alone() -> None:
    replies = MemoryReplies()
    command = Command("essai", "trial", hello, is_private=lambda asked: False)
    await dispatcher(command).answer(interaction(), replies)
    assert (replies.private, said(replies)) == (True, ["Bonjour."])


async def test_what_comes_twice_or_is_answered_elsewhere_is_done_once() -> None:
    dispatch, first, second, elsewhere = (
        dispatcher(Command("essai", "trial", hello)), *(MemoryReplies() for _ in range(3))
    )  # fmt: skip
    await dispatch.answer(interaction(), first)
    await dispatch.answer(interaction(), second)
    await elsewhere.defer(private=True)
    await dispatch.answer(interaction(2), elsewhere)
    assert (second.private, said(elsewhere)) == (None, [])


def test_commands_and_buttons_of_others_are_left_alone() -> None:
    async def pressed(call: Call) -> None: ...

    dispatch = dispatcher(Command("essai", "trial", hello, buttons={"sure": pressed}))
    assert not dispatch.takes(interaction(name="météo"))
    assert not dispatch.takes(interaction(kind="button", name="p:up:c:t"))
    assert not dispatch.takes(interaction(kind="button", name="essai"))
    assert dispatch.takes(interaction(kind="button", name="c:sure:yes"))


async def test_two_clicks_on_a_button_count_once_unless_the_first_one_failed() -> None:
    pressed: list[int] = []

    async def press(call: Call) -> None:
        pressed.append(call.asked.id)
        if len(pressed) == 1:
            raise Gone
        await call.replies.update(Body("C’est fait."))

    dispatch = dispatcher(Command("essai", "trial", hello, buttons={"sure": press}))
    for number in (1, 2, 3):
        click = interaction(number, "button", "c:sure:yes", message=7)
        await dispatch.answer(click, MemoryReplies())
    assert pressed == [1, 2]


async def test_a_service_that_is_away_is_told_in_the_person_s_language() -> None:
    async def away(call: Call) -> None:
        raise Unavailable("no bus")

    replies = MemoryReplies()
    asked = interaction(locale="en-US")
    await dispatcher(Command("essai", "trial", away)).answer(asked, replies)
    assert said(replies) == [say("commands.unavailable", "en")]


async def test_a_person_runs_a_command_once_at_a_time() -> None:
    goes_on = asyncio.Event()

    async def slow(call: Call) -> None:
        await goes_on.wait()
        await call.show("Enfin.")

    dispatch = dispatcher(Command("essai", "trial", slow))
    first, second, third = MemoryReplies(), MemoryReplies(), MemoryReplies()
    running = asyncio.create_task(dispatch.answer(interaction(1), first))
    await asyncio.sleep(0)
    await dispatch.answer(interaction(2), second)
    goes_on.set()
    await running
    await dispatch.answer(interaction(3), third)
    assert said(second) == [say("commands.busy", "fr")]
    assert said(first) == said(third) == ["Enfin."]


def test_people_name_a_persona_by_its_key_or_its_name() -> None:
    assert named("HUGO LE SAGE", KNOWN) == named("hugo", KNOWN) == "hugo"
    assert named("napoléon", KNOWN) is None
    assert is_default("Par défaut")
    assert is_default("default")
    assert matching("sage", KNOWN) == [Suggestion("Hugo le Sage", "hugo")]


def test_many_personas_fit_into_one_message_and_one_completion() -> None:
    many = {f"p-{number}": f"Personne *{number}*" for number in range(200)}
    assert len(listed(many)) < 1_500
    assert listed(many).endswith(", …")
    assert len(matching("p", many)) == 25


def test_an_export_tells_why_there_is_no_answer() -> None:
    turns = [
        archive_pb2.ArchivedTurn(id=status, question="Quand ?", status=status)
        for status in ("completed", "failed", "cancelled", "running")
    ]
    found = {"c": archive_pb2.ArchivedConversation(id="c", space="demo", turns=turns)}
    _, (_, text) = fitting(found, "en")
    assert text.decode().count("(none: something went wrong)") == 1
    assert text.decode().count("**Answer**") == 4


def test_an_export_that_is_too_large_is_packed() -> None:
    turn = archive_pb2.ArchivedTurn(id="t", question="Quand ?", answer="Le cinq. " * 1_000_000)
    found = {"c": archive_pb2.ArchivedConversation(id="c", space="demo", turns=[turn])}
    [(name, content)] = fitting(found, "fr")
    assert name == "palabre-export.zip"
    assert len(content) < MOST_BYTES
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        assert packed.namelist() == ["palabre-export.json", "palabre-export.md"]
        assert json.loads(packed.read("palabre-export.json"))["conversations"][0]["id"] == "c"


def test_discord_takes_every_description_and_text() -> None:
    for language in LANGUAGES:
        for command in COMMANDS:
            keys = [command.name, *(f"{command.name}-{option.name}" for option in command.options)]
            assert all(1 <= len(say(f"described.{key}", language)) <= 100 for key in keys)
