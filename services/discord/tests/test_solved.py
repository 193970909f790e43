"""Solved posts step by step: on a Discord and a knowledge in memory, over a real bus."""

import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from palabre.channels.testing import completed, source
from palabre.chassis import events
from palabre.chassis.bus import Bus
from palabre.chassis.testing import NatsServer
from palabre.contracts.v1 import turns_pb2
from palabre.discord.calls import Refused
from palabre.discord.marks import Mark
from palabre.discord.messages import Message, Person, Place
from palabre.discord.posts import MemoryPosts, Post, conversation_of, turn_of
from palabre.discord.routing import CHANNEL, Ask, Surroundings
from palabre.discord.solved import Solved
from palabre.discord.suggesting import Suggesting
from palabre.discord.testing import MemoryDiscord, MemoryKnowledge

from .said import (
    ASKER,
    DEFAULT,
    FORUM,
    OTHER,
    OTHER_SERVER,
    POST,
    POST_PLACE,
    SERVER,
    STAFF,
    around,
    space,
)

ASKED = "Mon radiateur reste froid en haut, que faire ?"
PURGE = "Purgez le radiateur avec la petite clé."
PLACE = dataclasses.replace(POST_PLACE, name="Radiateur froid", is_public=True)
ALICE, BRUNO = Person(ASKER, "Alice"), Person(OTHER, "Bruno")
RULES = {"channel": str(FORUM), "solved_tag": "Résolu", "index_solved": True}
SPACE, BOT = "space-0", "default"
ASK = Ask("post", SPACE, BOT, "camille")
NAME = f"discord/{SERVER}/{POST}"


@dataclass
class World:
    nats: NatsServer
    bus: Bus
    discord: MemoryDiscord
    posts: MemoryPosts
    knowledge: MemoryKnowledge
    around: Surroundings

    def solved(self) -> Solved:
        """As after a restart."""
        return Solved(BOT, self.discord, self.bus, self.posts, self.knowledge, lambda: self.around)

    def rules(self, *more: dict[str, Any], groups: bool = False, **rules: Any) -> None:
        mapped = {str(STAFF): ["staff"]} if groups else {}
        self.around = around(space(forums=[RULES | rules, *more], groups=mapped))

    async def told(self) -> list[str]:
        return [m.text for m in await self.discord.history(POST) if m.author.id == DEFAULT]

    @property
    def text(self) -> str:
        document = self.knowledge.kept.get((SPACE, NAME))
        return document.text if document else ""

    @property
    def tags(self) -> tuple[str, ...]:
        return self.discord.places[POST].tags

    def post(self, place: Place = PLACE) -> Message:
        """Asked, answered and said to be solved; the last message."""
        self.discord.say(place, ALICE, ASKED)
        self.discord.say(place, BRUNO, PURGE)
        return self.discord.say(place, ALICE, "Merci, c'est résolu !")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with NatsServer(tmp_path) as nats:
        bus = await nats.bus("discord")
        discord = MemoryDiscord(user=DEFAULT)
        made = World(nats, bus, discord, MemoryPosts(), MemoryKnowledge(), around())
        made.rules()
        yield made
        await bus.close()


async def mark_of(world: World) -> Mark:
    return (await world.solved().marks.get(POST))[POST]


async def test_a_message_that_is_told_twice_marks_once(world: World) -> None:
    by = world.post()
    for _ in range(2):
        await world.solved().mark(PLACE, by.id)
    assert world.tags == ("Résolu",)
    assert len(await world.told()) == 1
    assert PURGE in world.text


async def test_only_its_author_and_moderators_say_that_a_post_is_solved(world: World) -> None:
    said = world.post()
    moderator = dataclasses.replace(BRUNO, manages_threads=True)
    assert world.solved().says_so(said)
    assert world.solved().says_so(dataclasses.replace(said, author=moderator))
    assert not world.solved().says_so(dataclasses.replace(said, author=BRUNO))
    assert not world.solved().says_so(dataclasses.replace(said, text="ça ne marche pas"))
    world.rules(solved_tag="", index_solved=False)
    assert not world.solved().says_so(said)


async def test_a_forum_is_looked_after_though_the_bot_is_not_on_every_server(world: World) -> None:
    servers = [str(SERVER), str(OTHER_SERVER)]
    world.around = around(space(servers=servers, forums=[RULES]))
    assert list(world.solved().charges()) == [FORUM]


async def test_a_restart_finishes_what_was_begun(world: World) -> None:
    by = world.post()
    await world.solved().mark(PLACE, by.id)
    begun = dataclasses.replace(await mark_of(world), state="marking", is_told=False)
    await world.discord.tag(POST, "Résolu", on=False)
    world.knowledge.kept.clear()
    await world.solved().marks.put(begun)
    await world.solved().go_on(POST)
    assert world.tags == ("Résolu",)
    assert len(await world.told()) == 1
    assert PURGE in world.text
    assert (await mark_of(world)).state == "solved"


async def test_what_was_taken_back_is_not_marked_by_the_same_message(world: World) -> None:
    by = world.post()
    await world.solved().mark(PLACE, by.id)
    await world.solved().unmark(POST)
    assert (world.tags, world.text) == ((), "")
    await world.solved().mark(PLACE, by.id)
    assert (await mark_of(world)).state == "out"
    again = world.discord.say(world.discord.places[POST], ALICE, "résolu cette fois")
    await world.solved().mark(PLACE, again.id)
    assert world.tags == ("Résolu",)


async def test_a_bot_that_may_not_tag_leaves_the_post_as_it_is(world: World) -> None:
    by = world.post()
    await world.solved().marks.put(_mark(by.id))
    world.discord.fail = [Refused()]
    await world.solved().go_on(POST)
    assert (await mark_of(world)).state == "out"
    assert world.text == ""


async def test_without_consent_nothing_becomes_knowledge(world: World) -> None:
    world.rules(index_solved=False)
    by = world.post()
    await world.solved().mark(PLACE, by.id)
    assert world.tags == ("Résolu",)
    assert not world.knowledge.kept


async def test_a_forum_that_not_everybody_reads_needs_a_tier(world: World) -> None:
    hidden = dataclasses.replace(PLACE, is_public=False)
    by = world.post(hidden)
    await world.solved().mark(hidden, by.id)
    assert not world.knowledge.kept
    world.rules(tier="staff")
    await world.solved().look_again(POST)
    assert world.knowledge.kept[SPACE, NAME].tier == "staff"


async def test_what_is_said_later_goes_into_the_document(world: World) -> None:
    by = world.post()
    await world.solved().mark(PLACE, by.id)
    starter = world.discord.said[POST]
    world.discord.said[POST] = dataclasses.replace(starter, text="Radiateur tiède en haut ?")
    await world.solved().look_again(POST)
    assert "tiède" in world.text


async def test_who_wants_to_be_forgotten_is_never_indexed_again(world: World) -> None:
    by = world.post()
    await world.solved().mark(PLACE, by.id)
    operator = await world.nats.bus("operator")
    await operator.js.publish(f"$KV.erased.{(await mark_of(world)).conversation}", b"")
    await operator.close()
    await world.bus.refresh_erased()
    await world.solved().keep_out(POST)
    assert not world.knowledge.kept
    world.bus.erased.clear()  # tombstones live a month
    again = world.discord.say(PLACE, ALICE, "c'est résolu")
    await world.solved().mark(PLACE, again.id)
    assert not world.knowledge.kept


# What our own answers may tell


OURS = "Purgez le radiateur, comme il est écrit [1]."
NO_KNOWLEDGE = turns_pb2.ANSWER_MODE_NO_KNOWLEDGE


async def answered(world: World, tier: str = "public", mode: Any = None) -> None:
    """By us, below the question; the answer leans on a passage of this tier."""
    conversation, turn = conversation_of(ASK, POST, ASKER, POST, ()), turn_of(POST, POST)
    world.discord.say(PLACE, ALICE, ASKED)
    shown = world.discord.say(PLACE, Person(DEFAULT, "Camille", is_bot=True), OURS)
    post = Post(conversation, turn, BOT, POST, POST, ASKER, ASK, "done", answers=(shown.id,))
    await world.posts.create(post)
    body = completed(OURS, source(tier=tier))
    body.mode = mode or body.mode
    llm = await world.nats.bus("llm")
    await llm.publish(events.begin(SPACE, CHANNEL, conversation, body, turn=turn))
    await llm.close()


async def test_our_answer_is_told_on_where_all_may_read_its_sources(world: World) -> None:
    await answered(world)
    await world.solved().mark(PLACE)
    assert "Purgez le radiateur, comme il est écrit." in world.text


async def test_our_answer_is_kept_back_where_its_sources_are_not_for_all(world: World) -> None:
    await answered(world, tier="staff")
    await world.solved().mark(PLACE)
    assert world.text == ""


async def test_an_answer_that_knew_nothing_is_no_knowledge(world: World) -> None:
    await answered(world, mode=NO_KNOWLEDGE)
    await world.solved().mark(PLACE)
    assert world.text == ""


async def test_of_old_posts_what_we_said_is_told_and_no_confirmation(world: World) -> None:
    world.discord.say(PLACE, ALICE, ASKED)
    world.discord.say(PLACE, Person(DEFAULT, "Camille", is_bot=True), OURS)
    by = world.discord.say(PLACE, ALICE, "résolu")
    await world.solved().mark(PLACE, by.id)
    await world.solved().marks.put(dataclasses.replace(await mark_of(world), message=0))
    await world.solved().look_again(POST)
    assert "Purgez le radiateur, comme il est écrit." in world.text


async def test_what_we_said_to_groups_and_nobody_can_check_is_kept_back(world: World) -> None:
    world.rules(groups=True)
    world.discord.say(PLACE, ALICE, ASKED)
    world.discord.say(PLACE, Person(DEFAULT, "Camille", is_bot=True), OURS)
    await world.solved().mark(PLACE)
    assert world.text == ""


def _mark(message: int) -> Mark:
    conversation = conversation_of(ASK, POST, ASKER, POST, ())
    return Mark(POST, SERVER, FORUM, SPACE, conversation, message=message)


# What is suggested


async def similar(world: World, here: Place, groups: tuple[str, ...] = ("public",)) -> list[str]:
    world.discord.places[here.channel] = here
    ask = dataclasses.replace(ASK, groups=groups)
    post = Post("c", "t", BOT, here.channel, here.channel, ASKER, ask)
    marks = world.solved().marks
    looking = Suggesting(BOT, world.discord, world.knowledge, marks, lambda: world.around)
    return [each.title for each in await looking.similar(post, ASKED)]


NEW = dataclasses.replace(PLACE, channel=POST + 1, name="radiateur")
ELSEWHERE = dataclasses.replace(NEW, parent=FORUM + 5)


async def test_a_new_post_is_shown_what_it_resembles_but_never_itself(world: World) -> None:
    await world.solved().mark(PLACE, world.post().id)
    assert await similar(world, NEW) == ["Radiateur froid"]
    assert await similar(world, PLACE) == []


async def test_what_not_everybody_reads_is_shown_in_its_own_forum_alone(world: World) -> None:
    world.rules({"channel": str(FORUM + 5)}, tier="public")
    forum = Place("text", FORUM, SERVER, is_public=True)
    world.discord.places[FORUM] = forum
    await world.solved().mark(PLACE, world.post().id)
    assert await similar(world, ELSEWHERE) == ["Radiateur froid"]
    world.discord.places[FORUM] = dataclasses.replace(forum, is_public=False)
    assert await similar(world, ELSEWHERE) == []
    assert await similar(world, NEW) == ["Radiateur froid"]


async def test_a_tier_is_shown_only_to_those_who_have_it(world: World) -> None:
    world.rules({"channel": str(FORUM + 5)}, tier="staff")
    world.discord.places[FORUM] = Place("text", FORUM, SERVER, is_public=True)
    await world.solved().mark(PLACE, world.post().id)
    assert await similar(world, NEW) == []
    assert await similar(world, NEW, ("public", "staff")) == ["Radiateur froid"]
    assert await similar(world, ELSEWHERE, ("public", "staff")) == []


async def test_what_was_taken_back_is_suggested_no_more(world: World) -> None:
    await world.solved().mark(PLACE, world.post().id)
    await world.solved().marks.put(dataclasses.replace(await mark_of(world), state="out"))
    assert await similar(world, NEW) == []
