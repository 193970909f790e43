"""What people say on Discord, and a space that has bots there."""

import dataclasses
import datetime as dt
from typing import Any

from palabre.chassis.spaces import Space, parse
from palabre.discord.messages import Message, Person, Place
from palabre.discord.routing import Ask, Bot, Choice, Surroundings, decide

SERVER, OTHER_SERVER = 100000000000000001, 100000000000000002
FORUM, TEXT, CATEGORY, POST = (100000000000000010 + n for n in range(4))
HELPERS, BANNED, STAFF = (100000000000000020 + n for n in range(3))
DEFAULT, HUGO = 100000000000000031, 100000000000000032
ASKER, OTHER = 100000000000000041, 100000000000000042
MESSAGE = 100000000000000099
NOTHING = Choice()
BOTS = {
    "default": Bot("default", DEFAULT, frozenset({SERVER})),
    "hugo": Bot("hugo", HUGO, frozenset({SERVER})),
}
FORUM_RULES: dict[str, Any] = {
    "channel": str(FORUM),
    "tags": {
        "Sans bot": {"answer": "never"},
        "Une réponse": {"answer": "once"},
        "Dialogue": {"answer": "converse"},
        "Grand modèle": {"model": "large"},
        "Hugo": {"persona": "hugo"},
    },
}
RULES: dict[str, Any] = {
    "servers": [str(SERVER)],
    "bots": {"hugo": "hugo"},
    "forums": [FORUM_RULES],
    "models": ["large", "small"],
    "direct_messages": True,
    "groups": {str(STAFF): ["staff", "intern"]},
}


def space(order: int = 0, enabled: bool = True, **discord: Any) -> Space:
    persona = {"name": "X", "identity": {"fr": "Tu es là."}}
    return parse(
        {
            "schema": 1,
            "name": "Habitat",
            "order": order,
            "languages": ["fr"],
            "default_persona": "camille",
            "greeting": {"fr": "Bonjour"},
            "personas": {"camille": persona, "hugo": persona},
            "channels": {"discord": {"enabled": enabled}},
            "discord": RULES | discord,
        }
    )


def around(*spaces: Space, bots: dict[str, Bot] = BOTS) -> Surroundings:
    return Surroundings({f"space-{n}": each for n, each in enumerate(spaces or (space(),))}, bots)


POST_PLACE = Place("post", POST, SERVER, FORUM, CATEGORY, owner=ASKER)
TEXT_PLACE = Place("text", TEXT, SERVER, None, CATEGORY)
DIRECT = Place("direct", 100000000000000051)


def post(text: str = "Qui paie ?", /, *tags: str, **changes: Any) -> Message:
    """A post's first message, unless `id` says otherwise."""
    place = dataclasses.replace(POST_PLACE, tags=tags, **changes.pop("place", {}))
    return said(text, place, **{"id": POST} | changes)


def said(text: str, place: Place = TEXT_PLACE, /, **changes: Any) -> Message:
    """`author`, `roles` and `bot` are of its author, all else of the message."""
    roles, is_bot = changes.pop("roles", (SERVER,)), changes.pop("bot", False)
    author = Person(changes.pop("author", ASKER), "Ada", roles, is_bot=is_bot)
    values: dict[str, Any] = {"id": MESSAGE, "sent_at": dt.datetime.now(dt.UTC)}
    return Message(place=place, author=author, text=text, **values | changes)


def named(
    user: int, text: str = "qui paie ?", place: Place = TEXT_PLACE, /, **more: Any
) -> Message:
    return said(f"<@{user}> {text}", place, **{"mentions": (user,)} | more)


def asked(message: Message, there: Surroundings, choice: Choice = NOTHING) -> Ask:
    decision = decide(message, there, choice=choice, heard_by="hugo")
    assert isinstance(decision, Ask)
    return decision


LATER: dict[str, Any] = {"id": POST + 1000}
