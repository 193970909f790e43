"""Slash commands, by real nextcord on the stand-in, over a real bus and the gateway's archive."""

import re
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from pydantic import SecretStr

from palabre.channels.testing import ScriptedAnswers, plain_answer
from palabre.chassis.service import Context
from palabre.chassis.testing import until
from palabre.contracts.v1.events_pb2 import Event
from palabre.discord.commands.all import COMMANDS
from palabre.discord.commands.registering import changed, payload
from tests.integration.discord_commands import Replicas, plain, used
from tests.integration.discord_service import Community
from tests.standins.discord import Intents

FOREIGN = {"name": "météo", "description": "Une autre application", "type": 1}


@pytest.fixture
async def service(replicas: Replicas) -> AsyncIterator[Context]:
    async with replicas.one() as context:
        yield context


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


async def test_commands_work_in_direct_messages(
    replicas: Replicas, community: Community, llm: ScriptedAnswers
) -> None:
    async with replicas.one(direct_messages=True):
        place = (await community.alice.direct(community.bot, "Bonjour ?")).channel
        await used(community, "persona", place, persona="hugo")
        asked = await community.alice.command(community.bot, "demander", place, question="Quand ?")
        await community.discord.until(lambda: asked.answers and "Guide" in asked.answers[0].shown)
    heard = [event.utterance_received.utterance for event in llm.heard]
    assert {said.text: said.persona for said in heard}["Quand ?"] == "hugo"


async def test_each_bot_has_commands_and_answers_as_its_own_persona(
    replicas: Replicas, community: Community, llm: ScriptedAnswers
) -> None:
    hugo = community.discord.bot("token-2", "Hugo", servers=[community.server])
    replicas.tokens = {"hugo": SecretStr("token-2")}
    async with replicas.one(bots={"hugo": "hugo"}):
        await community.discord.until(lambda: len(hugo.commands) == len(COMMANDS))
        asked = await community.alice.command(
            hugo, "demander", community.general, question="Quand ?"
        )
        await community.discord.until(lambda: asked.answers and "Guide" in asked.answers[0].shown)
        [answer] = asked.answers
        assert answer.author is hugo.user
        told = await community.alice.command(hugo, "ping", community.general)
        shown = plain(await community.discord.answer(told))
        assert "default : connecté\n- hugo : connecté" in shown
        sure = await community.discord.answer(
            await community.alice.command(community.bot, "oublier", community.general)
        )
        await community.alice.click(sure, "Oui, tout effacer")
        await community.discord.until(lambda: "1 message retiré" in plain(sure), 20)
    assert llm.heard[0].utterance_received.utterance.persona == "hugo"
    assert answer.id not in community.general.messages


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
    community.discord.register(community.bot, FOREIGN)
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
        assert answer.ephemeral
        assert [m for m in community.general.history() if not m.ephemeral] == []
        assert llm.heard == []
        assert "Voulez-vous" in (await used(community, "oublier")).content
