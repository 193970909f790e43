"""Which bot answers, as whom and how."""

from typing import Any

import pytest

from palabre.discord.messages import Message, Person
from palabre.discord.routing import Ask, Bot, Choice, Silence, decide, decide_command

from .said import (
    ASKER,
    BANNED,
    BOTS,
    DEFAULT,
    DIRECT,
    FORUM_RULES,
    HUGO,
    NOTHING,
    SERVER,
    STAFF,
    TEXT,
    TEXT_PLACE,
    around,
    asked,
    named,
    post,
    said,
    space,
)

SPEAKERS: dict[str, tuple[dict[str, Any], Message, Choice, tuple[str, str]]] = {
    "the default": ({}, post(), NOTHING, ("default", "camille")),
    "a forum's persona has a bot": (
        {"forums": [FORUM_RULES | {"persona": "hugo"}]},
        post(),
        NOTHING,
        ("hugo", "hugo"),
    ),
    "a tag's persona has a bot": ({}, post("Qui ?", "Hugo"), NOTHING, ("hugo", "hugo")),
    "the choice goes before the tag": (
        {},
        post("Qui ?", "Hugo"),
        Choice("camille"),
        ("default", "camille"),
    ),
    "a choice that is gone": ({}, post(), Choice("zoe"), ("default", "camille")),
    "the bot that is named is its own persona": ({}, named(HUGO), NOTHING, ("hugo", "hugo")),
    "it stays so whatever was chosen": ({}, named(HUGO), Choice("camille"), ("hugo", "hugo")),
    "the default bot speaks for a persona that has a bot": (
        {},
        named(DEFAULT),
        Choice("hugo"),
        ("default", "hugo"),
    ),
    "the one that is named first": (
        {},
        said(f"<@{HUGO}> <@!{DEFAULT}> ?", mentions=(DEFAULT, HUGO)),
        NOTHING,
        ("hugo", "hugo"),
    ),
    "named in a reply to the other": (
        {},
        named(HUGO, mentions=(DEFAULT, HUGO), replies_to=1, replies_to_author=DEFAULT),
        NOTHING,
        ("hugo", "hugo"),
    ),
    "replied to": (
        {},
        said("Et ?", replies_to=1, replies_to_author=HUGO, mentions=(HUGO,)),
        NOTHING,
        ("hugo", "hugo"),
    ),
    "two personas share a bot": (
        {"bots": {"hugo": "hugo", "camille": "hugo"}},
        named(HUGO),
        Choice("camille"),
        ("hugo", "camille"),
    ),
    "elsewhere": (
        {"elsewhere": {"persona": "hugo"}},
        named(DEFAULT),
        NOTHING,
        ("default", "hugo"),
    ),
}


@pytest.mark.parametrize(
    ("rules", "message", "choice", "expected"), SPEAKERS.values(), ids=SPEAKERS
)
def test_one_bot_answers_as_one_persona(
    rules: dict[str, Any], message: Message, choice: Choice, expected: tuple[str, str]
) -> None:
    decision = asked(message, around(space(**rules)), choice)
    assert (decision.bot, decision.persona) == expected


def test_the_default_bot_stands_in_for_one_that_is_not_on_the_server() -> None:
    away = BOTS | {"hugo": Bot("hugo", HUGO)}
    decision = asked(post("Qui ?", "Hugo"), around(bots=away))
    assert (decision.bot, decision.persona) == ("default", "hugo")


def test_the_first_by_name_answers_where_there_is_no_default_bot() -> None:
    there = {name: Bot(name, n, frozenset({SERVER})) for n, name in enumerate(("zoe", "ana"), 1)}
    decision = asked(post(), around(bots=there))
    assert decision.bot == "ana"


def test_nobody_answers_where_none_of_our_bots_is() -> None:
    assert decide(post(), around(bots={"hugo": Bot("hugo", HUGO)})) == Silence("no-bot")


def test_a_direct_message_is_answered_by_the_bot_that_got_it() -> None:
    decision = asked(said("Qui ?", DIRECT), around())
    assert (decision.bot, decision.persona) == ("hugo", "hugo")


def test_a_direct_message_goes_to_the_first_space_that_takes_some() -> None:
    off, on = space(direct_messages=False), space()
    decision = asked(said("Qui ?", DIRECT), around(off, on, space()))
    assert decision.space == "space-1"


def test_a_server_of_two_spaces_asks_the_one_that_has_the_forum() -> None:
    first, second = space(forums=[]), space()
    there = around(first, second)
    assert asked(post(), there).space == "space-1"
    assert asked(named(DEFAULT), there).space == "space-0"


def test_a_server_of_two_spaces_asks_the_one_that_names_the_channel() -> None:
    first, second = space(), space(allowed_channels=[str(TEXT)])
    decision = asked(named(DEFAULT), around(first, second))
    assert decision.space == "space-1"


def test_a_space_that_switched_the_channel_off_is_not_asked() -> None:
    assert decide(post(), around(space(enabled=False))) == Silence("elsewhere")


MODELS: dict[str, tuple[Message, Choice, str]] = {
    "nothing": (post(), NOTHING, ""),
    "the tag's": (post("Qui ?", "Grand modèle"), NOTHING, "large"),
    "the choice goes first": (post("Qui ?", "Grand modèle"), Choice(model="small"), "small"),
    "a choice that is no longer offered": (post(), Choice(model="gpt"), ""),
}


@pytest.mark.parametrize(("message", "choice", "model"), MODELS.values(), ids=MODELS)
def test_a_model_is_one_that_the_space_offers(message: Message, choice: Choice, model: str) -> None:
    decision = asked(message, around(), choice)
    assert decision.model == model


def test_a_forum_says_how_it_is_answered() -> None:
    manner = {"language": "en", "address": "tu", "ask_back": False, "footer": False}
    there = around(space(forums=[FORUM_RULES | manner]))
    decision = asked(post(), there)
    found = (decision.language, decision.address, decision.may_ask, decision.footer)
    assert found == ("en", "tu", False, False)


def test_roles_become_groups() -> None:
    decision = asked(post(roles=(SERVER, STAFF)), around())
    assert decision.groups == ("intern", "public", "staff")


def test_a_command_is_decided_as_a_message_and_answered_by_its_bot() -> None:
    asker = Person(ASKER, "Ada", (SERVER, STAFF))
    decision = decide_command(asker, TEXT_PLACE, around(), "hugo")
    assert isinstance(decision, Ask)
    assert (decision.kind, decision.bot, decision.persona) == ("command", "hugo", "hugo")
    assert decision.groups == ("intern", "public", "staff")


def test_a_denied_person_s_command_has_a_reason() -> None:
    there = around(space(denied_roles=[str(BANNED)]))
    banned = Person(ASKER, "Ada", (BANNED,))
    assert decide_command(banned, TEXT_PLACE, there, "default") == Silence("person")
