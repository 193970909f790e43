"""A channel read page by page, from a Discord in memory."""

from palabre.discord.messages import Message, Person, Place
from palabre.discord.posts import said_at
from palabre.discord.testing import MemoryDiscord
from palabre.discord.transcript import existing, read

PLACE = Place("text", 10**17 + 5, server=10**17 + 1, name="général", is_public=True)
PAUL, NADIA = Person(51, "Paul"), Person(52, "Nadia")
OURS, BOT = 1, Person(60, "Météo", is_bot=True)


def filled(count: int) -> tuple[MemoryDiscord, list[Message]]:
    discord = MemoryDiscord(user=OURS)
    return discord, [discord.say(PLACE, PAUL, f"Message {n}") for n in range(count)]


async def test_the_newest_are_read_page_by_page_and_it_is_said_that_there_were_more() -> None:
    discord, said = filled(350)
    counts: list[int] = []
    found = await read(discord, PLACE, (), most=250, told=counts.append)
    assert [message.id for message in found.messages] == [message.id for message in said[100:]]
    assert found.is_cut
    assert counts == [100, 200, 250]


async def test_a_channel_that_ends_with_a_page_is_read_whole() -> None:
    discord, said = filled(200)
    found = await read(discord, PLACE, (), most=2000)
    assert len(found.messages) == len(said)
    assert not found.is_cut


async def test_what_was_said_before_is_not_read() -> None:
    discord = MemoryDiscord(user=OURS)
    old = discord.say(PLACE, PAUL, "Il y a longtemps")
    later = [discord.say(PLACE, PAUL, f"{n}") for n in range(3)]
    since = said_at(old.id) + 3600
    discord.said = {}
    for number, message in enumerate((old, *later)):
        id_ = old.id + ((3600_000 * 2) << 22) + number if number else old.id
        moved = Message(id_, PLACE, PAUL, message.text, message.sent_at)
        discord.said[id_] = moved
    found = await read(discord, PLACE, (), most=2000, since=since)
    assert [message.text for message in found.messages] == ["0", "1", "2"]
    assert not found.is_cut


async def test_people_are_named_and_other_bots_are_left_out_but_our_answers_are_not() -> None:
    discord = MemoryDiscord(user=OURS)
    asked = discord.say(PLACE, PAUL, f"<@{NADIA.id}> tu viens ? <@999999999999999999>")
    discord.say(PLACE, BOT, "Il pleut.")
    discord.say(PLACE, NADIA, "", is_system=True)
    answer = discord.say(PLACE, Person(OURS, "Camille", is_bot=True), "Le loyer est dû le cinq. ⏳")
    nadia = Person(10**17 + 52, "Nadia")
    asked2 = discord.say(PLACE, nadia, "Oui")
    found = await read(discord, PLACE, {OURS}, most=2000)
    assert [message.id for message in found.messages] == [asked.id, answer.id, asked2.id]
    assert found.words[answer.id] == "Le loyer est dû le cinq."
    assert found.people == {PAUL.id, nadia.id}
    named = discord.say(PLACE, PAUL, f"<@{nadia.id}> merci")
    again = await read(discord, PLACE, {OURS}, most=2000)
    assert again.words[named.id] == "@Nadia merci"


async def test_a_post_has_its_title_before_its_first_message() -> None:
    post = Place("post", 10**17 + 7, server=10**17 + 1, parent=10**17 + 2, name="Loyer")
    discord = MemoryDiscord(user=OURS)
    first = discord.say(post, PAUL, "Quand dois-je payer ?")
    found = await read(discord, post, (), most=10)
    assert found.words[first.id] == "Loyer\n\nQuand dois-je payer ?"


async def test_those_that_are_there_still_are_found_with_a_page_for_many() -> None:
    discord, said = filled(250)
    wanted = [said[n].id for n in (0, 5, 99, 180, 249)]
    await discord.delete(PLACE.channel, wanted[1])
    assert await existing(discord, PLACE, wanted) == {*wanted} - {wanted[1]}
