"""What clicks below an answer do."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest

from palabre.channels.testing import completed, source
from palabre.chassis.errors import Unavailable
from palabre.contracts.v1 import archive_pb2, events_pb2 as pb
from palabre.discord.actions import Action, Pressed
from palabre.discord.buttons import COMMENT, Buttons
from palabre.discord.interactions import Interaction, MemoryReplies
from palabre.discord.messages import Person, Place
from palabre.discord.posts import MemoryPosts, Post, person_of
from palabre.discord.routing import Ask

from .said import ASKER, BANNED, OTHER, POST, POST_PLACE, SERVER, STAFF, around, space

RECORD = Post(
    conversation="conversation",
    turn="turn",
    bot="default",
    channel=POST,
    message=POST,
    author=ASKER,
    ask=Ask("post", "space-0", "default", "camille"),
    state="done",
    answers=(77,),
)


@dataclass
class Bus:
    """What buttons need of the bus: the facts of one conversation."""

    stored: list[pb.Event] = field(default_factory=list)
    erased: set[str] = field(default_factory=set)
    published: list[pb.Event] = field(default_factory=list)

    async def facts(self, space: str, channel: str, conversation: str) -> list[pb.Event]:
        return self.stored

    async def latest(self, space: str, channel: str, conversation: str) -> list[Any]:
        return []


@dataclass
class Answering:
    """Remembers what was to be asked again or stopped."""

    asked_again: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)

    async def again(self, post: Post, cause: str) -> bool:
        self.asked_again.append(post.turn)
        return True

    async def stop(self, conversation: str, turn: str) -> bool:
        self.stopped.append(turn)
        return True


@dataclass
class Ratings:
    """An archive that remembers, or is away."""

    given: list[archive_pb2.RateRequest] = field(default_factory=list)
    is_away: bool = False

    async def Rate(self, request: archive_pb2.RateRequest) -> archive_pb2.RateResponse:
        if self.is_away:
            none = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, none, none)
        self.given.append(request)
        return archive_pb2.RateResponse()


class Desk:
    """Buttons below one answer, and everything that a click may reach."""

    def __init__(self, record: Post | None = RECORD) -> None:
        self.bus, self.posts, self.answering = Bus(), MemoryPosts(), Answering()
        self.ratings, self.surroundings = Ratings(), around(space(denied_roles=[str(BANNED)]))
        if record:
            self.posts.kept[record.conversation, record.turn] = record
        bus: Any = self.bus
        self.buttons = Buttons(
            "default",
            bus,
            self.posts,
            self.answering,
            self.ratings,
            lambda: self.surroundings,
            self._situation,
        )

    async def _situation(self, asked: Interaction, *, at_once: bool) -> tuple[Place, Person]:
        return POST_PLACE, asked.person

    async def click(
        self, action: Action, user: int = ASKER, replies: MemoryReplies | None = None, **more: Any
    ) -> MemoryReplies:
        roles, manages = more.pop("roles", (SERVER,)), more.pop("manages", False)
        person = Person(user, "Ada", roles, manages_messages=manages)
        name = str(Pressed(action, RECORD.conversation, RECORD.turn))
        values: dict[str, Any] = {"kind": "button"} | more
        asked = Interaction(1, "token", name=name, person=person, channel=POST, **values)
        assert self.buttons.takes(asked)
        replies = replies or MemoryReplies()
        await self.buttons.answer(asked, replies)
        return replies


def words(replies: MemoryReplies) -> list[str]:
    return [body.content for body in replies.shown.values()]


async def test_a_thumb_up_is_kept_under_the_person_s_opaque_id() -> None:
    desk = Desk()
    replies = await desk.click("up")
    (rated,) = desk.ratings.given
    assert (rated.space, rated.channel, rated.conversation, rated.turn) == (
        *("space-0", "discord", "conversation", "turn"),
    )
    assert (rated.person, rated.score) == (person_of(ASKER), 1)
    assert (words(replies), replies.private) == (["Merci, c’est noté."], True)


async def test_a_thumb_down_counts_at_once_and_asks_why() -> None:
    desk = Desk()
    replies = await desk.click("down")
    assert replies.form
    assert replies.form.title == "Qu’est-ce qui ne va pas\u00a0?"
    assert [rated.score for rated in desk.ratings.given] == [-1]
    replies = await desk.click("down", kind="form", values={COMMENT: " Faux. "})
    assert [(r.score, r.comment) for r in desk.ratings.given] == [(-1, ""), (-1, "Faux.")]
    assert words(replies)[0].startswith("Merci")


@pytest.mark.parametrize("action", ["up", "down", "again", "stop"])
async def test_who_did_not_ask_is_told_so_privately_and_nothing_happens(action: Action) -> None:
    desk = Desk()
    replies = await desk.click(action, user=OTHER)
    assert words(replies) == ["Seule la personne qui a posé la question peut faire cela."]
    assert replies.private
    assert [*desk.ratings.given, *desk.answering.asked_again, *desk.answering.stopped] == []


async def test_who_manages_messages_may_stop_and_ask_again() -> None:
    desk = Desk(dataclasses.replace(RECORD, state="asked"))
    await desk.click("stop", user=OTHER, manages=True)
    await desk.click("again", user=OTHER, manages=True)
    assert (desk.answering.stopped, desk.answering.asked_again) == (["turn"], ["turn"])


async def test_an_answer_that_stands_is_not_stopped() -> None:
    desk = Desk()
    await desk.click("stop")
    assert desk.answering.stopped == []


async def test_who_is_denied_meanwhile_cannot_ask_again() -> None:
    desk = Desk()
    replies = await desk.click("again", roles=(SERVER, BANNED))
    assert words(replies)[0].startswith("Désolé, votre rôle")
    assert desk.answering.asked_again == []


async def test_a_private_answer_that_cannot_be_changed_any_more_is_not_asked_again() -> None:
    desk = Desk(dataclasses.replace(RECORD, token="token", is_private=True))
    assert words(await desk.click("again"))[0].startswith("Cette réponse est trop ancienne")
    assert desk.answering.asked_again == []


@pytest.mark.parametrize("action", ["up", "down", "again", "sources"])
async def test_a_click_that_is_told_twice_acts_once(action: Action) -> None:
    desk = Desk()
    replies = await desk.click(action)
    shown = words(replies)
    await desk.click(action, replies=replies)
    assert words(replies) == shown
    assert len(desk.ratings.given) + len(desk.answering.asked_again) == (action != "sources")


async def test_an_answer_that_nobody_remembers_is_said_to_be_too_old() -> None:
    replies = await Desk(record=None).click("up")
    assert words(replies) == ["Cette réponse est trop ancienne, ou a été effacée."]


async def test_an_answer_that_was_erased_is_gone() -> None:
    desk = Desk()
    desk.bus.erased.add("conversation")
    assert words(await desk.click("sources"))[0].startswith("Cette réponse est trop ancienne")


async def test_an_archive_that_is_away_is_said_after_the_first_answer() -> None:
    desk = Desk()
    desk.ratings.is_away = True
    for action in ("up", "down"):
        replies = await desk.click(action)
        assert words(replies)[-1] == "Désolé, cela n’a pas fonctionné. Réessayez dans un instant."


async def test_a_bus_that_is_away_is_said_as_the_first_answer() -> None:
    class Away(MemoryPosts):
        async def get(self, conversation: str, turn: str) -> Post | None:
            raise Unavailable("away")

    desk = Desk()
    bus: Any = desk.bus
    buttons = Buttons(
        *("default", bus, Away(), desk.answering, desk.ratings),
        lambda: desk.surroundings,
        desk._situation,
    )
    desk.buttons = buttons
    assert words(await desk.click("up"))[0].startswith("Désolé, cela n’a pas fonctionné.")


def stored(*tiers: str) -> pb.Event:
    found = [
        source(n, title=f"Guide {n}", tier=tier, url="https://habitat.example/a")
        for n, tier in enumerate(tiers, 1)
    ]
    text = "".join(f"[{each.number}]" for each in found)
    return pb.Event(turn="turn", answer_completed=completed(text, *found))


async def quoted(desk: Desk, user: int, *roles: int) -> str:
    (body,) = (await desk.click("sources", user=user, roles=(SERVER, *roles))).shown.values()
    return body.embeds[0].text if body.embeds else body.content


async def test_sources_are_quoted_to_whoever_asks() -> None:
    desk = Desk()
    desk.bus.stored = [stored("public")]
    assert await quoted(desk, OTHER) == (
        "**[1]** [Guide 1](https://habitat.example/a)\n> Le loyer est dû le cinq."
    )


async def test_what_a_role_may_not_read_is_not_quoted() -> None:
    desk = Desk()
    desk.bus.stored = [stored("public", "staff")]
    assert "Guide 2" not in await quoted(desk, OTHER)
    assert "Guide 2" in await quoted(desk, OTHER, STAFF)
    desk.bus.stored = [stored("staff")]
    assert await quoted(desk, OTHER) == (
        "Votre rôle ne permet pas de lire les extraits de cette réponse."
    )


async def test_who_asked_reads_what_the_answer_was_made_of() -> None:
    desk = Desk(dataclasses.replace(RECORD, ask=Ask("post", "space-0", "default", "camille")))
    record = dataclasses.replace(RECORD.ask, groups=("public", "staff"))
    desk.posts.kept["conversation", "turn"] = dataclasses.replace(RECORD, ask=record)
    desk.bus.stored = [stored("staff")]
    assert "Guide 1" in await quoted(desk, ASKER)


async def test_sources_that_the_bus_forgot_are_said_to_be_gone() -> None:
    assert await quoted(Desk(), ASKER) == "Les extraits de cette réponse ne sont plus disponibles."


@pytest.mark.parametrize("text", ["", "p:up:c", "p:up:c:t:x", "p:fly:c:t", "c:up:c:t", "hello"])
def test_other_buttons_are_not_ours(text: str) -> None:
    assert Pressed.parse(text) is None
