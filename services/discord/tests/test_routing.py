"""Who is answered: a table of cases over tags, roles, channels and kinds of places."""

from typing import Any

import pytest

from palabre.discord.messages import File, Message, Place
from palabre.discord.routing import Ask, Charge, Silence, decide, in_charge

from .said import (
    ASKER,
    BANNED,
    BOTS,
    CATEGORY,
    DEFAULT,
    DIRECT,
    FORUM,
    FORUM_RULES,
    HELPERS,
    HUGO,
    LATER,
    OTHER,
    OTHER_SERVER,
    POST_PLACE,
    SERVER,
    TEXT,
    TEXT_PLACE,
    around,
    named,
    post,
    said,
    space,
)


def reason(decision: Ask | Silence) -> str:
    return decision.reason if isinstance(decision, Silence) else f"asked: {decision.kind}"


TABLE = {
    "a post": (post(), "asked: post"),
    "its author adds something": (post(**LATER), "asked: follow-up"),
    "somebody else adds something": (post(**LATER, author=OTHER), "unaddressed"),
    "somebody else names a bot there": (
        post(f"<@{DEFAULT}> et moi ?", **LATER, author=OTHER, mentions=(DEFAULT,)),
        "asked: mention",
    ),
    "somebody else replies to our answer there": (
        post(**LATER, author=OTHER, replies_to=1, replies_to_author=DEFAULT),
        "asked: mention",
    ),
    "the author replies to somebody else": (
        post(**LATER, replies_to=1, replies_to_author=OTHER),
        "to-others",
    ),
    "the author replies to themself": (
        post(**LATER, replies_to=1, replies_to_author=ASKER),
        "asked: follow-up",
    ),
    "the author names somebody else": (post(**LATER, mentions=(OTHER,)), "to-others"),
    "the author names somebody else in the question": (post(mentions=(OTHER,)), "asked: post"),
    "the author names somebody else and us": (
        post(f"<@{OTHER}> <@{DEFAULT}>, non ?", **LATER, mentions=(OTHER, DEFAULT)),
        "asked: follow-up",
    ),
    "a tag: never": (post("Qui ?", "Sans bot"), "tag"),
    "a tag: never, whatever its case": (post("Qui ?", "SANS BOT"), "tag"),
    "a tag: never, beside another": (post("Qui ?", "Dialogue", "Sans bot"), "tag"),
    "a tag: never, and a bot is named": (
        post(f"<@{DEFAULT}> ?!", "Sans bot", mentions=(DEFAULT,)),
        "tag",
    ),
    "a tag: once": (post("Qui ?", "Une réponse"), "asked: post"),
    "a tag: once, later": (post("Et ?", "Une réponse", **LATER), "unaddressed"),
    "a tag: once, later, by name": (
        post(f"<@{DEFAULT}> et ?", "Une réponse", **LATER, mentions=(DEFAULT,)),
        "asked: mention",
    ),
    "tags: once and converse, later": (
        post("Et ?", "Dialogue", "Une réponse", **LATER),
        "unaddressed",
    ),
    "a tag that decides nothing": (post("Qui ?", "Plomberie"), "asked: post"),
    "a locked post": (post(place={"is_locked": True}), "locked"),
    "a post of another forum": (post(place={"parent": 5}), "unaddressed"),
    "another server": (post(place={"server": OTHER_SERVER}), "elsewhere"),
    "nothing but a picture": (
        post("", files=(File(1, "a.png", "", 1, "image/png"),)),
        "asked: post",
    ),
    "a sticker": (post(""), "empty"),
    "a talk among people": (said("Qui paie ?"), "unaddressed"),
    "a mention": (named(DEFAULT), "asked: mention"),
    "a mention of everybody": (said("@everyone qui paie ?"), "unaddressed"),
    "a mention of somebody else": (named(OTHER), "unaddressed"),
    "our name alone": (named(DEFAULT, ""), "empty"),
    "our name alone, in reply to a question": (
        named(DEFAULT, "", replies_to=1, replies_to_author=OTHER),
        "asked: mention",
    ),
    "a reply to us that pings nobody": (
        said("Et si non ?", replies_to=1, replies_to_author=HUGO),
        "asked: mention",
    ),
    "a mention in a thread": (
        named(DEFAULT, "qui ?", Place("thread", 9, SERVER, TEXT)),
        "asked: mention",
    ),
    "a direct message": (said("Qui paie ?", DIRECT), "asked: direct"),
    "ourselves": (named(HUGO, author=DEFAULT, bot=True), "ours"),
    "another bot": (named(DEFAULT, author=OTHER, bot=True), "bot"),
    "a webhook's post": (post(author=OTHER, bot=True), "bot"),
}


@pytest.mark.parametrize(("message", "expected"), TABLE.values(), ids=TABLE)
def test_a_message_is_answered_or_there_is_a_reason(message: Message, expected: str) -> None:
    assert reason(decide(message, around(), heard_by="default")) == expected


RESTRICTED: dict[str, tuple[dict[str, Any], Message, str]] = {
    "forum: never": (
        {"forums": [FORUM_RULES | {"answer": "never"}]},
        post(),
        "unaddressed",
    ),
    "forum: never, by name": (
        {"forums": [FORUM_RULES | {"answer": "never"}]},
        post(f"<@{DEFAULT}> ?", mentions=(DEFAULT,), replies_to=1),
        "asked: mention",
    ),
    "forum: never, a tag allows it": (
        {"forums": [FORUM_RULES | {"answer": "never"}]},
        post("Qui ?", "Dialogue"),
        "asked: post",
    ),
    "forum: once, later": (
        {"forums": [FORUM_RULES | {"answer": "once"}]},
        post(**LATER),
        "unaddressed",
    ),
    "mentions off": ({"mentions": False}, named(DEFAULT), "mentions-off"),
    "mentions off, direct": ({"mentions": False}, said("Qui ?", DIRECT), "asked: direct"),
    "direct messages off": ({"direct_messages": False}, said("Qui ?", DIRECT), "direct-off"),
    "no servers": ({"servers": []}, post(), "elsewhere"),
    "an allowed role": ({"allowed_roles": [str(HELPERS)]}, post(roles=(HELPERS,)), "asked: post"),
    "no allowed role": ({"allowed_roles": [str(HELPERS)]}, post(), "person"),
    "a denied role": ({"denied_roles": [str(BANNED)]}, post(roles=(BANNED,)), "person"),
    "an allowed role, and a denied one": (
        {"allowed_roles": [str(HELPERS)], "denied_roles": [str(BANNED)]},
        post(roles=(HELPERS, BANNED)),
        "person",
    ),
    "everyone of the server": ({"allowed_roles": [str(SERVER)]}, post(roles=()), "asked: post"),
    "a denied role in a direct message": (
        {"denied_roles": [str(BANNED)]},
        said("Qui ?", DIRECT, roles=(SERVER, BANNED)),
        "person",
    ),
    "unknown roles where one is denied": (
        {"denied_roles": [str(BANNED)]},
        said("Qui ?", DIRECT, roles=()),
        "roles-unknown",
    ),
    "unknown roles where some are allowed": (
        {"allowed_roles": [str(HELPERS)]},
        said("Qui ?", DIRECT, roles=()),
        "person",
    ),
    "an allowed channel": ({"allowed_channels": [str(TEXT)]}, named(DEFAULT), "asked: mention"),
    "no allowed channel": ({"allowed_channels": [str(TEXT)]}, post(), "channel"),
    "an allowed category": ({"allowed_channels": [str(CATEGORY)]}, post(), "asked: post"),
    "an allowed forum": ({"allowed_channels": [str(FORUM)]}, post(), "asked: post"),
    "a denied category": ({"denied_channels": [str(CATEGORY)]}, post(), "channel"),
    "an allowed channel of a denied category": (
        {"allowed_channels": [str(TEXT)], "denied_channels": [str(CATEGORY)]},
        named(DEFAULT),
        "channel",
    ),
    "channels mean nothing in direct messages": (
        {"allowed_channels": [str(TEXT)]},
        said("Qui ?", DIRECT),
        "asked: direct",
    ),
    "another bot, where bots are answered": (
        {"answers_to_bots": 2},
        named(DEFAULT, author=OTHER, bot=True),
        "asked: mention",
    ),
    "ourselves, where bots are answered": (
        {"answers_to_bots": 2},
        named(HUGO, author=DEFAULT, bot=True),
        "ours",
    ),
}


@pytest.mark.parametrize(("rules", "message", "expected"), RESTRICTED.values(), ids=RESTRICTED)
def test_what_a_space_allows_and_denies_is_obeyed(
    rules: dict[str, Any], message: Message, expected: str
) -> None:
    assert reason(decide(message, around(space(**rules)), heard_by="default")) == expected


def test_bots_are_answered_so_many_times_in_a_row() -> None:
    there = around(space(answers_to_bots=2))
    message = named(DEFAULT, author=OTHER, bot=True)
    decisions = [reason(decide(message, there, answers_in_a_row=n)) for n in range(3)]
    assert decisions == ["asked: mention", "asked: mention", "bots-in-a-row"]


def test_a_person_is_answered_however_often_bots_were() -> None:
    assert reason(decide(named(DEFAULT), around(), answers_in_a_row=9)) == "asked: mention"


def test_replicas_with_different_bots_first_decide_the_same() -> None:
    backwards = dict(reversed(BOTS.items()))
    for message, _ in TABLE.values():
        if message.place.kind != "direct":
            both = {decide(message, around(bots=bots)) for bots in (BOTS, backwards)}
            assert len(both) == 1


def test_one_bot_looks_after_the_solved_posts_of_a_forum() -> None:
    marked = FORUM_RULES | {"solved_tag": "Résolu", "persona": "hugo"}
    there = around(space(forums=[marked]))
    charge = in_charge(POST_PLACE, there)
    assert isinstance(charge, Charge)
    assert (charge.space, charge.bot, charge.forum.solved_tag) == ("space-0", "hugo", "Résolu")
    without_hugo = around(space(forums=[marked]), bots={"default": BOTS["default"]})
    assert (found := in_charge(POST_PLACE, without_hugo))
    assert found.bot == "default"


def test_nobody_looks_after_posts_that_no_tag_marks() -> None:
    marked = FORUM_RULES | {"solved_tag": "Résolu"}
    assert in_charge(POST_PLACE, around(space())) is None
    assert in_charge(TEXT_PLACE, around(space(forums=[marked]))) is None
    assert in_charge(POST_PLACE, around(space(forums=[marked]), bots={})) is None
