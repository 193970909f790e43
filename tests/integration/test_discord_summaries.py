"""What /resume says, by real nextcord on the stand-in, and the real llm service."""

import asyncio
import contextlib
import re

from palabre.channels.testing import ScriptedAnswers
from palabre.chassis.leases import NatsLeases
from palabre.discord.posts import person_of
from palabre.gateway.testing import demo_space
from tests.integration.discord_neighbours import (
    LIFT,
    MEETING,
    PATIENCE,
    VISIT,
    Neighbours,
    links,
    modelled,
    plain,
    png,
)
from tests.standins.discord import Person


async def test_every_point_has_links_to_messages_that_say_it_and_is_for_its_asker_alone(
    neighbours: Neighbours,
) -> None:
    general = neighbours.community.general
    said = neighbours.talk(general)
    async with neighbours.served():
        answer = await neighbours.summary()
    assert answer.ephemeral
    assert LIFT in answer.shown
    assert "*paul*" in answer.shown
    assert set(links(answer)) <= {message.id for message in said}
    points = re.findall(r"^• .*$", answer.shown, re.M)
    assert points
    assert all(1 <= len(re.findall(r"\[↗\]", point)) <= 3 for point in points)


async def test_a_model_s_points_have_their_links_and_nobody_is_mentioned(
    neighbours: Neighbours,
) -> None:
    said = neighbours.talk(neighbours.community.general)
    async with modelled(neighbours):
        answer = await neighbours.summary(sujet="l'ascenseur")
    assert links(answer) == [said[0].id, said[1].id]
    assert "Sujet demandé : l'ascenseur" in plain(answer)
    assert "@everyone" not in answer.shown
    assert not answer.pinged
    assert re.search(r"mock-json · \d+ \+ \d+ jetons", plain(answer))
    assert "⏳ Je lis les messages…" in answer.versions[1].content


async def test_nobody_has_two_made_at_once(neighbours: Neighbours) -> None:
    neighbours.talk(neighbours.community.general)
    async with modelled(neighbours, name="mock-json-ttft1000"):
        first = await neighbours.ask()
        second = await neighbours.done(await neighbours.ask())
        assert PATIENCE in second.content
        assert links(await neighbours.done(first))
        assert links(await neighbours.summary())


async def test_nor_does_another_bot_make_a_second_one(neighbours: Neighbours) -> None:
    neighbours.talk(neighbours.community.general)
    person = person_of(neighbours.moderator.id)
    async with (
        neighbours.served() as context,
        context.leases.hold(f"summary.{person}"),
    ):
        answer = await neighbours.summary()
    assert "déjà en cours" in answer.content


async def test_what_a_restart_breaks_off_is_made_afterwards_in_the_same_message(
    neighbours: Neighbours,
) -> None:
    community = neighbours.community
    said = neighbours.talk(community.general)
    async with modelled(neighbours, name="mock-json-ttft5000") as model:
        asked = await neighbours.ask(sujet="l'ascenseur")
        await community.discord.until(lambda: model.asked.total() == 1)
    async with modelled(neighbours) as again:
        answer = await neighbours.done(asked)
        assert links(answer) == [said[0].id, said[1].id]
        assert "l'ascenseur" in plain(answer)
        assert len(asked.answers) == 1
    async with modelled(neighbours) as nothing:
        await asyncio.sleep(0.5)
    assert again.asked.total() == 1
    assert nothing.asked.total() == 0


async def test_what_a_killed_process_had_begun_waits_for_its_lease(
    neighbours: Neighbours,
) -> None:
    said = neighbours.talk(neighbours.community.general)
    async with modelled(neighbours, name="mock-json-ttft5000") as model:
        asked = await neighbours.ask()
        await neighbours.community.discord.until(lambda: model.asked.total() == 1)
    bus = await neighbours.nats.bus("discord")
    async with contextlib.AsyncExitStack() as stack:
        lease = NatsLeases(bus).hold(f"summary.{person_of(neighbours.moderator.id)}")
        async with lease:
            await stack.enter_async_context(neighbours.served())
            await asyncio.sleep(0.5)
            assert LIFT not in asked.answers[0].shown
        answer = await neighbours.done(asked)
    await bus.close()
    assert links(answer) == [message.id for message in said]


async def test_what_comes_after_a_quarter_of_an_hour_comes_as_a_direct_message(
    neighbours: Neighbours,
) -> None:
    community, mona = neighbours.community, neighbours.moderator
    said = neighbours.talk(community.general)

    def late() -> None:
        community.discord.clock.advance(901)

    async with modelled(neighbours, during=late):
        await neighbours.ask()
        channel = community.discord.direct(community.bot, mona.user)
        answer = await community.discord.seen(channel, lambda m: "Résumé de" in m.shown, 15)
    assert "il a pris trop de temps" in answer.content
    assert links(answer) == [said[0].id, said[1].id]


async def test_what_is_deleted_meanwhile_is_neither_told_nor_linked(
    neighbours: Neighbours,
) -> None:
    said = neighbours.talk(neighbours.community.general)

    def delete() -> None:
        neighbours.community.general.messages.pop(said[0].id, None)

    async with modelled(neighbours, during=delete):
        answer = await neighbours.summary()
    assert links(answer) == [said[1].id]
    assert "panne" not in answer.shown


async def test_threads_are_listed_and_neither_system_nor_other_bots_are_summed_up(
    neighbours: Neighbours,
) -> None:
    community = neighbours.community
    said = neighbours.talk(community.general)
    noise = community.discord.bot("autre", "Météo", servers=[community.server])
    Person(community.discord, noise.user).said(community.general, "Pluie sur Lille à 18 h.")
    under = await neighbours.paul.thread(said[0], "Ascenseur B")
    beside = await neighbours.paul.open_thread(community.general, "Fête des voisins")
    async with neighbours.served():
        answer = await neighbours.summary()
    assert "Messages : 3 · Auteurs : 2" in plain(answer)
    assert "Pluie" not in answer.shown
    for thread in (under, beside):
        assert re.search(rf"\[{thread.name}\]\(https://\S+/{thread.id}\)", answer.shown)


async def test_a_thread_begins_with_the_message_below_which_it_was_opened(
    neighbours: Neighbours,
) -> None:
    community = neighbours.community
    [first, *_] = neighbours.talk(community.general)
    thread = await neighbours.paul.thread(first, "Ascenseur B")
    await neighbours.nadia.say(thread, VISIT)
    async with neighbours.served():
        answer = await neighbours.summary(thread)
    assert first.id in links(answer)
    assert VISIT in answer.shown


async def test_how_far_back_and_how_many_is_up_to_the_asker(neighbours: Neighbours) -> None:
    general = neighbours.community.general
    now = neighbours.community.discord.clock.now()
    old = neighbours.paul.said(general, MEETING, at=now - 3 * 86_400)
    lift, visit = neighbours.paul.said(general, LIFT), neighbours.nadia.said(general, VISIT)
    async with neighbours.served():
        usual = await neighbours.summary()
        whole = await neighbours.summary(depuis="1 semaine")
        last = await neighbours.summary(messages=1)
        unclear = await neighbours.summary(depuis="jeudi")
    assert links(usual) == [lift.id, visit.id]
    assert links(whole) == [old.id, lift.id, visit.id]
    assert links(last) == [visit.id]
    assert "derniers messages" not in plain(last)
    assert "par exemple 24h, 7j ou 2 semaines" in plain(unclear)


async def test_where_there_is_nothing_to_sum_up_it_is_said_what_to_do(
    neighbours: Neighbours,
) -> None:
    community = neighbours.community
    async with neighbours.served():
        assert "remonter plus loin" in (await neighbours.summary()).content
        forum = await neighbours.summary(salon=community.forum)
    assert "choisissez un salon textuel, un fil ou une publication" in forum.content


async def test_a_summary_counts_as_a_turn_of_who_asks(neighbours: Neighbours) -> None:
    neighbours.talk(neighbours.community.general)
    budgets = demo_space(budgets={"turns_per_person_per_day": 1}).budgets
    async with neighbours.served(budgets=budgets):
        assert LIFT in (await neighbours.summary()).shown
        spent = await neighbours.summary()
    assert re.search(r"Le budget est épuisé : il se renouvelle <t:\d+:R>", plain(spent))


async def test_images_are_looked_at_and_those_that_were_not_are_counted(
    neighbours: Neighbours,
) -> None:
    community = neighbours.community
    neighbours.talk(community.general)
    for shade in (1, 2):
        await neighbours.nadia.say(community.general, "", files=[("fuite.png", png(shade))])
    async with neighbours.served({"images": 1}):
        answer = await neighbours.summary()
    assert "Images qui n’ont pas été regardées : 2." in plain(answer)
    async with modelled(neighbours) as model:
        await neighbours.summary()
    assert model.asked["mock-json"] == 3


async def test_where_the_space_allows_fewer_messages_it_is_said_how_many_were_read(
    neighbours: Neighbours,
) -> None:
    said = neighbours.talk(neighbours.community.general)
    async with neighbours.served({"most": 2}):
        answer = await neighbours.summary(messages=50)
    assert links(answer) == [said[1].id, said[2].id]
    assert "Seuls les 2 derniers messages ont été lus." in plain(answer)


async def test_calls_that_fail_while_it_is_read_are_made_again(neighbours: Neighbours) -> None:
    general = neighbours.community.general
    said = neighbours.talk(general)
    faults = neighbours.community.discord.faults
    faults.add("GET", f"{general.id}/messages", status=503)
    faults.add("GET", f"{general.id}/messages", reset=True)
    faults.add("GET", f"{general.id}/messages", status=429, retry_after=0.1)
    async with neighbours.served():
        answer = await neighbours.summary()
    assert links(answer) == [message.id for message in said]


async def test_a_summary_that_was_published_is_not_summed_up_itself(
    neighbours: Neighbours,
) -> None:
    neighbours.talk(neighbours.community.general)
    async with neighbours.served():
        await neighbours.summary(public=True)
        again = await neighbours.summary()
    assert "Messages : 3 · Auteurs : 2" in plain(again)


async def test_people_go_by_the_name_that_they_have_on_the_server(neighbours: Neighbours) -> None:
    community = neighbours.community
    neighbours.talk(community.general)
    community.server.guild.members[neighbours.paul.id].nick = "Paulo du 3e"
    await neighbours.nadia.say(
        community.general, f"{neighbours.paul.mention} a le devis de 3 450 euros pour la peinture."
    )
    async with neighbours.served():
        answer = await neighbours.summary()
    assert "*Paulo du 3e*" in answer.shown
    assert "Paulo du 3e a le devis" in answer.shown
    assert not answer.pinged


async def test_what_our_bots_answered_to_commands_is_part_of_what_was_said(
    neighbours: Neighbours, llm: ScriptedAnswers
) -> None:
    community = neighbours.community
    neighbours.talk(community.general)
    async with neighbours.served():
        await community.alice.command(
            community.bot, "demander", community.general, question="Quand dois-je payer le loyer ?"
        )
        await community.discord.seen(community.general, lambda m: "Guide" in m.shown)
        answer = await neighbours.summary()
    assert "Messages : 4 · Auteurs : 2" in plain(answer)
