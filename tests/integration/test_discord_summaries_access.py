"""Who may have what summed up by /resume, and who gets to see it."""

from tests.integration.discord_neighbours import (
    LIFT,
    Neighbours,
    links,
    modelled,
    plain,
)
from tests.standins.discord import Permissions as P


async def test_who_may_ask_is_told_by_roles_or_by_who_manages_messages(
    neighbours: Neighbours,
) -> None:
    alice, server = neighbours.community.alice, neighbours.community.server
    neighbours.talk(neighbours.community.general)
    async with neighbours.served():
        refused = await neighbours.summary(by=alice)
        assert "seules les personnes qui peuvent gérer les messages" in refused.content
        assert refused.ephemeral
    readers = server.role("lecteurs")
    server.set_roles(alice, readers)
    async with neighbours.served({"roles": [str(readers.id)]}):
        assert LIFT in (await neighbours.summary(by=alice)).shown
        assert "votre rôle" in (await neighbours.summary()).content


async def test_a_channel_that_the_asker_cannot_read_is_as_one_that_is_not_there(
    neighbours: Neighbours,
) -> None:
    hidden = neighbours.private("bureau")
    neighbours.talk(hidden)
    async with neighbours.served():
        unreadable = await neighbours.summary(salon=hidden)
        none = await neighbours.summary(salon=10**18)
    assert "ou vous ne pouvez pas en lire les messages" in unreadable.content
    assert unreadable.content == none.content
    assert neighbours.community.discord.calls_of("GET", f"{hidden.id}/messages") == []


async def test_a_private_thread_is_for_its_members_and_for_who_manages_threads(
    neighbours: Neighbours,
) -> None:
    community, mona = neighbours.community, neighbours.moderator
    thread = await community.alice.open_thread(community.general, "Secret", private=True)
    await community.alice.add(thread, community.bot)
    neighbours.talk(thread)
    async with neighbours.served():
        assert "vous ne pouvez pas" in (await neighbours.summary(salon=thread)).content
        await community.alice.add(thread, mona)
        assert "Résumé de « Secret »" in plain(await neighbours.summary(salon=thread))
        managers = community.server.role("fils", P.MANAGE_THREADS | P.MANAGE_MESSAGES)
        boss = community.server.person("boss", managers)
        assert LIFT in (await neighbours.summary(by=boss, salon=thread)).shown


async def test_who_loses_access_while_it_is_made_gets_nothing(neighbours: Neighbours) -> None:
    community, mona = neighbours.community, neighbours.moderator
    neighbours.talk(community.general)

    def shut() -> None:
        community.server.deny(community.general, mona, P.VIEW_CHANNEL)

    async with modelled(neighbours, during=shut):
        answer = await neighbours.summary()
    assert "vous ne pouvez pas" in answer.content
    assert not any("ascenseur" in version.content for version in answer.versions)
    assert links(answer) == []


async def test_who_loses_access_while_it_is_read_costs_no_call_of_a_model(
    neighbours: Neighbours,
) -> None:
    community = neighbours.community
    neighbours.talk(community.general)
    community.discord.faults.add("GET", f"{community.general.id}/messages", delay=0.5)
    async with modelled(neighbours) as model:
        asked = await neighbours.ask()
        await community.discord.until(lambda: asked.answers)
        community.server.set_roles(neighbours.moderator)
        assert "gérer les messages" in (await neighbours.done(asked)).content
    assert model.asked.total() == 0


async def test_what_the_bot_may_not_do_is_named(neighbours: Neighbours) -> None:
    community = neighbours.community
    community.server.deny(community.general, community.bot, P.READ_MESSAGE_HISTORY)
    async with neighbours.served():
        answer = await neighbours.summary()
    assert "il me manque la permission « Voir les anciens messages »" in plain(answer)


async def test_a_public_summary_goes_where_all_may_read_what_it_sums_up(
    neighbours: Neighbours,
) -> None:
    community = neighbours.community
    said = neighbours.talk(community.general)
    async with neighbours.served():
        told = await neighbours.summary(public=True)
        shown = await community.discord.seen(community.general, lambda m: "Résumé de #" in m.shown)
    assert not shown.ephemeral
    assert not shown.pinged
    assert f"Résumé demandé par {neighbours.moderator.mention}\n" in shown.shown
    assert shown.content == ""
    assert {*links(shown)} == {message.id for message in said}
    assert f"/{community.general.id}/{shown.id}" in told.content
    assert shown in community.alice.sees(community.general)


async def test_where_some_may_not_read_it_a_public_summary_stays_private(
    neighbours: Neighbours,
) -> None:
    community, mona = neighbours.community, neighbours.moderator
    office = neighbours.private("bureau", mona)
    neighbours.talk(office)
    neighbours.talk(community.general)
    async with neighbours.served():
        answer = await neighbours.summary(salon=office, public=True)
        assert answer.ephemeral
        assert LIFT in answer.shown
        assert "des personnes qui voient ce salon ne peuvent pas lire" in answer.shown
        community.server.deny(community.general, mona, P.SEND_MESSAGES)
        silent = await neighbours.summary(public=True)
    assert "vous ne pouvez pas écrire dans ce salon" in silent.shown
    assert not any(LIFT in each.shown for each in community.alice.sees(community.general)[3:])


async def test_a_copy_is_kept_where_all_may_read_it_and_who_asked_everywhere(
    neighbours: Neighbours,
) -> None:
    community, mona = neighbours.community, neighbours.moderator
    journal = neighbours.private("journal", neighbours.staff)
    office = neighbours.private("bureau", mona)
    neighbours.talk(community.general)
    neighbours.talk(office)
    async with neighbours.served({"log_channel": str(journal.id)}):
        await neighbours.summary()
        copy = await community.discord.seen(journal, lambda m: LIFT in m.shown)
        await neighbours.summary(salon=office)
        line = await community.discord.seen(journal, lambda m: f"<#{office.id}>" in m.content)
    assert copy.content == f"{mona.mention} a demandé un résumé de <#{community.general.id}>."
    assert not copy.pinged
    assert mona.mention in line.content
    assert "Son contenu n’est pas repris ici" in line.content
    assert LIFT not in line.shown


async def test_who_cannot_be_served_where_it_is_said_is_told_why(neighbours: Neighbours) -> None:
    other = neighbours.community.server.text("autre")
    neighbours.talk(other)
    async with neighbours.served(rules={"denied_channels": [str(other.id)]}):
        answer = await neighbours.summary(salon=other)
    assert "je ne réponds pas dans ce salon" in answer.content


async def test_what_is_for_adults_is_summed_up_among_adults_alone(neighbours: Neighbours) -> None:
    community = neighbours.community
    adults = community.server.text("adultes", nsfw=True)
    neighbours.talk(adults)
    async with neighbours.served():
        outside = await neighbours.summary(salon=adults)
        assert "réservé aux adultes" in outside.content
        assert LIFT in (await neighbours.summary(adults)).shown
        inside = await neighbours.summary(adults, salon=adults, public=True)
    assert "Le résumé est publié" in inside.content
