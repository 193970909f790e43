"""Slash commands, by real nextcord on the stand-in, over a real bus and the gateway's archive."""

import contextlib
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from palabre.channels.testing import ScriptedAnswers, plain_answer
from palabre.chassis.service import Context
from palabre.chassis.testing import NatsServer, free_port, until
from palabre.contracts.v1.events_pb2 import Event
from palabre.discord.commands.all import COMMANDS
from palabre.discord.commands.registering import changed, payload
from palabre.discord.posts import person_of
from palabre.gateway.testing import RunningGateway, demo_space
from tests.integration.discord_service import Community, running
from tests.standins.discord import Channel, Discord, Intents, Message, Person

MODELS = ["mistral/small", "mistral/large"]
PERSONAS = {
    "camille": {"name": "Camille", "identity": {"fr": "Vous êtes Camille."}},
    "hugo": {"name": "Hugo", "identity": {"fr": "Vous êtes Hugo."}},
}
FOREIGN = {"name": "météo", "description": "Une autre application", "type": 1}


@pytest.fixture
async def discord() -> AsyncIterator[Discord]:
    async with Discord().serving() as serving:
        yield serving


@pytest.fixture
def community(discord: Discord) -> Community:
    made = Community(discord)
    discord.register(made.bot, FOREIGN)
    return made


@dataclass
class Replicas:
    """Each is logged in and has registered its commands while `one` is entered."""

    nats: NatsServer
    community: Community
    archive: str

    @contextlib.asynccontextmanager
    async def one(self, archive: str = "", **rules: Any) -> AsyncIterator[Context]:
        around = demo_space(personas=PERSONAS, budgets={"turns_per_person_per_day": 10})
        own = {"personas": around.personas, "budgets": around.budgets}
        space = self.community.space(models=MODELS, **rules).model_copy(update=own)
        discord, bot = self.community.discord, self.community.bot
        async with running(
            self.nats, discord, {"demo": space}, gateway_address=archive or self.archive
        ) as context:
            await discord.until(lambda: bot.online)
            await discord.until(lambda: len(bot.commands) > len(COMMANDS))
            yield context


@pytest.fixture
def replicas(
    nats: NatsServer, community: Community, gateway: RunningGateway, llm: ScriptedAnswers
) -> Replicas:
    return Replicas(nats, community, gateway.address)


@pytest.fixture
async def service(replicas: Replicas) -> AsyncIterator[Context]:
    async with replicas.one() as context:
        yield context


async def used(
    community: Community,
    name: str,
    where: Channel | None = None,
    by: Person | None = None,
    **values: Any,
) -> Message:
    person, place = by or community.alice, where or community.general
    return await community.discord.answer(
        await person.command(community.bot, name, place, **values)
    )


def plain(message: Message) -> str:
    return message.shown.replace("\u00a0", " ").replace("\u202f", " ")


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


async def test_a_question_is_answered_where_it_was_asked_and_shows_what_was_asked(
    community: Community, service: Context, llm: ScriptedAnswers
) -> None:
    asked = await community.alice.command(
        community.bot, "demander", community.general, question="Quand dois-je payer ?"
    )
    answer = await community.discord.seen(community.general, lambda m: "Guide" in m.shown)
    assert answer is asked.original
    assert answer.content.startswith("> Quand dois-je payer ?\nLe loyer est dû le cinq")
    assert not answer.ephemeral
    assert not answer.pinged
    assert llm.heard[0].utterance_received.utterance.text == "Quand dois-je payer ?"


async def test_a_private_question_is_answered_to_its_asker_alone_by_whom_they_chose(
    community: Community, service: Context, llm: ScriptedAnswers
) -> None:
    asked = await community.alice.command(
        community.bot, "demander", community.general, question="Quand ?", privé=True, persona="Hugo"
    )
    await community.discord.until(lambda: asked.answers and "Guide" in asked.answers[0].shown)
    assert asked.answers[0].ephemeral
    assert community.server.person("bob").sees(community.general) == []
    assert llm.heard[0].utterance_received.utterance.persona == "hugo"


async def test_a_question_begun_before_a_restart_is_answered_in_its_message_afterwards(
    replicas: Replicas, community: Community, llm: ScriptedAnswers
) -> None:
    def slowly(cause: Event) -> list[Any]:
        return [2.0, *plain_answer(cause)]

    llm.script = slowly
    async with replicas.one():
        asked = await community.alice.command(
            community.bot, "demander", community.general, question="Quand ?", privé=True
        )
        await until(lambda: len(llm.heard) == 1)
    async with replicas.one():
        await community.discord.until(lambda: asked.answers and "Guide" in asked.answers[0].shown)
    assert len(asked.answers) == 1
    assert len(llm.heard) == 1


async def test_an_unknown_persona_is_told_which_there_are(
    community: Community, service: Context, llm: ScriptedAnswers
) -> None:
    answer = await used(community, "demander", question="Quand ?", persona="Napoléon")
    assert "Camille, Hugo" in answer.content
    assert llm.heard == []


async def test_who_answers_a_channel_is_chosen_by_those_who_may(
    community: Community, service: Context, llm: ScriptedAnswers
) -> None:
    refused = await used(community, "persona", persona="hugo")
    assert "peuvent gérer les messages" in refused.content
    chosen = await used(community, "persona", by=community.server.owner, persona="hugo")
    assert "**Hugo**" in chosen.content
    await used(community, "modele", by=community.server.owner, modèle="mistral/large")
    asked = await community.alice.command(
        community.bot, "demander", community.general, question="Quand ?"
    )
    await community.discord.until(lambda: len(llm.heard) == 1)
    utterance = llm.heard[0].utterance_received.utterance
    assert (utterance.persona, utterance.model) == ("hugo", "mistral/large")
    await community.discord.until(lambda: asked.answers)
    back = await used(community, "persona", by=community.server.owner, persona="par défaut")
    assert "**Camille**" in back.content


async def test_the_author_of_a_post_chooses_for_it_and_the_choice_outlives_a_restart(
    replicas: Replicas, community: Community, llm: ScriptedAnswers
) -> None:
    async with replicas.one():
        post = await community.alice.post(community.forum, "Loyer", "Quand ?")
        await community.discord.seen(post, lambda m: "Guide" in m.shown)
        await used(community, "persona", post, persona="hugo")
    async with replicas.one():
        shown = await used(community, "persona", post)
        assert "**Hugo**" in shown.content
        await community.alice.say(post, "Et en retard ?")
        await community.discord.until(lambda: len(llm.heard) == 2)
    assert llm.heard[1].utterance_received.utterance.persona == "hugo"


async def test_names_are_completed_while_they_are_typed(
    community: Community, service: Context
) -> None:
    for command, option, typed, found in (
        ("persona", "persona", "hu", ["hugo"]),
        ("persona", "persona", "", ["par défaut", "camille", "hugo"]),
        ("modele", "modèle", "LARGE", ["mistral/large"]),
        ("demander", "persona", "", ["camille", "hugo"]),
    ):
        asked = await community.alice.complete(
            community.bot, command, community.general, focused=option, **{option: typed}
        )
        choices = await community.discord.until(partial(getattr, asked, "choices"))
        assert [choice["value"] for choice in choices] == found


async def test_usage_tells_what_was_used_and_what_is_left(
    community: Community, service: Context
) -> None:
    await community.alice.command(community.bot, "demander", community.general, question="Quand ?")
    await community.discord.seen(community.general, lambda m: "Guide" in m.shown)

    async def is_counted() -> bool:
        return "1 question ·" in plain(await used(community, "usage"))

    await until(is_counted)
    told = plain(await used(community, "usage"))
    assert "107 jetons · 0,00012 €" in told
    assert re.search(r"Questions aujourd’hui : 10 sur 10, .*<t:\d+:R>", told)
    assert "L’espace" not in told
    managed = plain(await used(community, "usage", by=community.server.owner))
    assert "L’espace Démonstration" in managed


async def test_ping_tells_who_is_connected(community: Community, service: Context) -> None:
    answer = await used(community, "ping")
    assert answer.ephemeral
    assert "default : connecté" in plain(answer)


async def test_an_export_is_private_as_data_and_as_a_text(
    community: Community, service: Context
) -> None:
    assert "rien à exporter" in (await used(community, "exporter")).content
    post = await community.alice.post(community.forum, "Loyer", "Quand dois-je payer ?")
    await community.discord.seen(post, lambda m: "Guide" in m.shown)
    answer = await used(community, "exporter")
    assert answer.ephemeral
    data, text = answer.attachments
    assert (data.filename, text.filename) == ("palabre-export.json", "palabre-export.md")
    [conversation] = json.loads(data.data)["conversations"]
    [turn] = conversation["turns"]
    assert turn["question"] == "Loyer\n\nQuand dois-je payer ?"
    assert turn["answer"].startswith("Le loyer est dû")
    assert "Quand dois-je payer ?" in text.data.decode()


async def test_forgetting_takes_everything_down_once_it_is_confirmed(
    community: Community, service: Context, tmp_path: Path, llm: ScriptedAnswers
) -> None:
    post = await community.alice.post(community.forum, "Loyer", "le secret de Marguerite")
    mine = await community.discord.seen(post, lambda m: "Guide" in m.shown)
    bob = community.server.person("bob")
    other = await bob.post(community.forum, "Chauffage", "Il est froid.")
    kept = await community.discord.seen(other, lambda m: "Guide" in m.shown)
    asked = await used(community, "oublier")
    assert mine.id in post.messages
    await community.alice.click(asked, "Annuler")
    await community.discord.until(lambda: "Rien n’a été effacé" in asked.content)
    asked = await used(community, "oublier")
    clicks = [await community.alice.click(asked, "Oui, tout effacer") for _ in range(2)]
    await community.discord.until(lambda: "C’est fait" in asked.content, 20)
    assert "1 conversation effacée, 1 message retiré" in plain(asked)
    assert [bool(click.response) for click in clicks] == [True, False]
    assert mine.id not in post.messages
    assert kept.id in other.messages
    assert b"secret de Marguerite" not in everything_in(tmp_path)
    assert person_of(community.alice.user.id).encode() not in everything_in(tmp_path)
    again = await used(community, "oublier")
    await community.alice.click(again, "Oui, tout effacer")
    await community.discord.until(lambda: "rien à effacer" in again.content, 20)


async def test_who_asked_to_be_forgotten_is_although_the_archive_was_away(
    replicas: Replicas, community: Community, tmp_path: Path
) -> None:
    async with replicas.one(archive=f"127.0.0.1:{free_port()}"):
        post = await community.alice.post(community.forum, "Loyer", "le secret de Marguerite")
        mine = await community.discord.seen(post, lambda m: "Guide" in m.shown)
        asked = await used(community, "oublier")
        await community.alice.click(asked, "Oui, tout effacer")
        await community.discord.until(lambda: "Je reprends dans une minute" in plain(asked), 20)
        await community.discord.until(lambda: mine.id not in post.messages)
    async with replicas.one():
        await community.discord.until(lambda: "C’est fait" in asked.content, 20)
    assert "1 conversation effacée, 1 message retiré" in plain(asked)
    assert b"secret de Marguerite" not in everything_in(tmp_path)


async def test_commands_work_in_direct_messages(
    replicas: Replicas, community: Community, llm: ScriptedAnswers
) -> None:
    async with replicas.one(direct_messages=True):
        place = (await community.alice.direct(community.bot, "Bonjour ?")).channel
        await used(community, "persona", place, persona="hugo")
        asked = await community.alice.command(community.bot, "demander", place, question="Quand ?")
        await community.discord.until(lambda: asked.answers and "Guide" in asked.answers[0].shown)
    assert llm.heard[-1].utterance_received.utterance.persona == "hugo"


async def test_a_bot_that_may_not_read_says_so(replicas: Replicas, community: Community) -> None:
    community.bot.privileged = Intents(0)
    async with replicas.one():
        told = plain(await used(community, "ping"))
    assert "ne lit que ce qui lui est adressé" in told


async def test_english_speakers_are_answered_in_english(
    community: Community, service: Context
) -> None:
    community.alice.user.locale = "en-GB"
    assert "Discord answers in" in (await used(community, "ping")).content
    asked = await community.alice.command(
        community.bot, "ask", community.general, question="Quand ?"
    )
    await community.discord.until(lambda: asked.answers and "Guide" in asked.answers[0].shown)


async def test_what_is_asked_twice_by_the_gateway_is_done_once(
    community: Community, service: Context, llm: ScriptedAnswers
) -> None:
    community.discord.deliveries.twice("INTERACTION_CREATE")
    await community.alice.command(community.bot, "demander", community.general, question="Quand ?")
    await community.discord.seen(community.general, lambda m: "Guide" in m.shown)
    assert len(community.discord.calls_of("POST", "/callback")) == 1
    assert len(llm.heard) == 1


async def test_the_first_answer_survives_a_reset_before_and_after_its_effect(
    community: Community, service: Context
) -> None:
    for after in (False, True):
        community.discord.faults.add("POST", "/callback", reset=True, after=after, times=1)
        assert "connecté" in (await used(community, "ping")).content


async def test_fifty_commands_at_once_are_all_answered_in_time_and_once(
    community: Community, service: Context, llm: ScriptedAnswers
) -> None:
    people = [community.server.person(f"p{number}") for number in range(50)]
    asked = [
        await each.command(community.bot, "demander", community.general, question=f"{each.name} ?")
        for each in people
    ]
    await community.discord.until(
        lambda: all(each.answers and "Guide" in each.answers[0].shown for each in asked), 40
    )
    assert not any(each.failed for each in asked)
    assert {len(each.answers) for each in asked} == {1}
    assert len(llm.heard) == 50


async def test_commands_are_registered_once_and_those_of_others_stay(
    replicas: Replicas, community: Community
) -> None:
    for _ in range(2):
        async with replicas.one():
            names = {each["name"] for each in community.bot.commands.values()}
    assert names == {"météo", *(each.name for each in COMMANDS)}
    assert len(community.discord.calls_of("POST", "/commands")) == len(COMMANDS)
    assert community.discord.calls_of("DELETE", "/commands") == []
    ask = next(c for c in community.bot.commands.values() if c["name"] == "demander")
    assert ask["name_localizations"] == {"en-US": "ask", "en-GB": "ask"}
    assert ask["options"][2]["name_localizations"]["en-GB"] == "private"


def test_only_what_differs_is_registered_anew() -> None:
    wanted = [payload(command) for command in COMMANDS]
    known = [each | {"id": "1", "version": "2", "dm_permission": True} for each in wanted]
    known[0] = known[0] | {"description": "Autre chose"}
    assert changed([FOREIGN, *known], wanted) == [wanted[0]]


async def test_who_is_not_answered_here_is_told_why_and_still_forgotten(
    replicas: Replicas, community: Community, llm: ScriptedAnswers
) -> None:
    async with replicas.one(denied_channels=[str(community.general.id)]):
        answer = await used(community, "demander", question="Quand ?")
        assert "dans ce salon" in answer.content
        assert llm.heard == []
        assert "Voulez-vous" in (await used(community, "oublier")).content
