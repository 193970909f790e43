"""Who is answered, by which bot, as whom and how: decided from what is known, without asking.

Every replica that knows the same bots decides the same, whichever bot brought it the message.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from palabre.chassis.discord_rules import Answering, Discord, Forum, Tag
from palabre.chassis.spaces import Channel, Space
from palabre.discord.markup import readable
from palabre.discord.messages import Message, Person, Place

CHANNEL = "discord"
DEFAULT = "default"  # the bot of personas that have none of their own

# A post's first message, what its author adds, a bot named or replied to, a direct message, a
# slash command.
Asking = Literal["post", "follow-up", "mention", "direct", "command"]
Reason = Literal[
    "ours",  # said by one of our bots
    "bot",  # said by another bot or a webhook
    "bots-in-a-row",  # the same, and it was answered often enough
    "elsewhere",  # no space has bots there
    "direct-off",
    "person",  # a denied role, or none that is allowed
    "roles-unknown",  # in a direct message, where a role may be denied
    "channel",  # denied, or not among those that are allowed
    "locked",
    "tag",  # of the post: never
    "mentions-off",
    "unaddressed",
    "to-others",  # the post's author speaks with somebody else
    "empty",
    "no-bot",  # none of ours is there
]
_STRICTEST: tuple[Answering, ...] = ("never", "once", "converse")


@dataclass(frozen=True, slots=True)
class Bot:
    """One of ours. `servers` are those that it is on."""

    name: str
    user: int
    servers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Choice:
    """What people chose for a channel, post or direct messages; empty: nothing."""

    persona: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`spaces` in their order, as `Spaces.all()` gives them; `bots` by name."""

    spaces: Mapping[str, Space]
    bots: Mapping[str, Bot]

    def bot_of(self, user: int | None) -> Bot | None:
        return next((bot for bot in self.bots.values() if bot.user == user), None)

    @property
    def ours(self) -> frozenset[int]:
        return frozenset(bot.user for bot in self.bots.values())

    def space_of(self, place: Place) -> str | None:
        """The one that has this forum or channel, else the first of its server.

        For a direct message the first that takes some. None: the bots are not at home there.
        """
        live = {name: space for name, space in self.spaces.items() if _is_live(space)}
        if place.kind == "direct":
            return next((name for name, s in live.items() if s.discord.direct_messages), None)
        there = [name for name, s in live.items() if str(place.server) in s.discord.servers]
        named = (name for name in there if _names(live[name].discord, place))
        return next(named, there[0] if there else None)


@dataclass(frozen=True, slots=True)
class Ask:
    """Answer it. `persona` is always named; an empty `model`, `language` or `address` is its own.

    `groups` are the asker's; `footer`: model, tokens and cost are shown.
    """

    kind: Asking
    space: str
    bot: str
    persona: str
    model: str = ""
    language: str = ""
    address: str = ""
    groups: tuple[str, ...] = ("public",)
    may_ask: bool = True
    footer: bool = True


@dataclass(frozen=True, slots=True)
class Silence:
    """Say nothing, and count why."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Charge:
    """Who looks after a forum: the bot that answers there unless people name another."""

    space: str
    forum: Forum
    bot: str


def decide(
    message: Message,
    around: Surroundings,
    *,
    choice: Choice = Choice(),
    heard_by: str = "",
    answers_in_a_row: int = 0,
) -> Ask | Silence:
    """What to do about a message.

    `choice` is the place's; `heard_by` the bot that got a direct message; `answers_in_a_row` how
    many answers bots got there since a person spoke.
    """
    if message.author.id in around.ours:
        return Silence("ours")
    name = around.space_of(message.place)
    if name is None:
        return Silence("direct-off" if message.place.kind == "direct" else "elsewhere")
    rules = around.spaces[name].discord
    if message.author.is_bot and answers_in_a_row >= rules.answers_to_bots:
        return Silence("bots-in-a-row" if rules.answers_to_bots else "bot")
    if reason := denied(rules, message.author, message.place):
        return Silence(reason)
    addressed = _addressed(message, around)
    kind = _kind(message, rules, addressed, around)
    if isinstance(kind, Silence):
        return kind
    bot = around.bots.get(heard_by) if kind == "direct" else addressed
    return _ask(kind, name, around, message.author, message.place, choice, bot)


def decide_command(
    person: Person, place: Place, around: Surroundings, bot: str, choice: Choice = Choice()
) -> Ask | Silence:
    """The same for a slash command that `bot` got. Whoever sent it is told why not."""
    name = around.space_of(place)
    if name is None:
        return Silence("direct-off" if place.kind == "direct" else "elsewhere")
    if reason := denied(around.spaces[name].discord, person, place):
        return Silence(reason)
    return _ask("command", name, around, person, place, choice, around.bots.get(bot))


def denied(rules: Discord, person: Person, place: Place) -> Reason | None:
    """Why this person is not served there; None: they are. Denials win."""
    if place.kind != "direct":
        where = {place.channel, place.parent, place.category}
        if not _passes(where, rules.allowed_channels, rules.denied_channels):
            return "channel"
    elif rules.denied_roles and not person.roles:
        return "roles-unknown"
    who = {*person.roles, place.server}
    return None if _passes(who, rules.allowed_roles, rules.denied_roles) else "person"


def groups(rules: Discord, person: Person) -> tuple[str, ...]:
    """Those that the person's roles stand for, and "public"."""
    mapped = (rules.groups.get(str(role), ()) for role in person.roles)
    return tuple(sorted({"public", *(group for each in mapped for group in each)}))


def answering(rules: Discord, place: Place) -> Answering | None:
    """How a post is answered; None for what is no post of the space's forums."""
    forum = _forum(rules, place)
    if forum is None:
        return None
    said = {tag.answer for tag in _tags(forum, place)}
    return next((answer for answer in _STRICTEST if answer in said), forum.answer)


def in_charge(place: Place, around: Surroundings) -> Charge | None:
    """Of solved posts; None where there are none to look after, or nobody who could."""
    name = around.space_of(place)
    forum = _forum(around.spaces[name].discord, place) if name else None
    if name is None or forum is None or not forum.solved_tag:
        return None
    space = around.spaces[name]
    bot = _speaker(space.discord, _persona(space, (forum.persona,), None), around, place)
    return Charge(name, forum, bot.name) if bot else None


def _is_live(space: Space) -> bool:
    return space.channels.get(CHANNEL, Channel()).enabled


def _names(rules: Discord, place: Place) -> bool:
    where = {str(place.channel), str(place.parent), str(place.category)}
    return bool(_forum(rules, place) or where & set(rules.allowed_channels))


def _passes(have: set[int | None], allowed: tuple[str, ...], denied: tuple[str, ...]) -> bool:
    texts = {str(each) for each in have}
    return not texts & set(denied) and (not allowed or bool(texts & set(allowed)))


def _forum(rules: Discord, place: Place) -> Forum | None:
    return rules.forum(place.parent) if place.kind == "post" else None


def _tags(forum: Forum, place: Place) -> list[Tag]:
    """The rules of a post's tags, in the order of the forum's table."""
    there = {tag.casefold() for tag in place.tags}
    return [rule for name, rule in forum.tags.items() if name.casefold() in there]


def _addressed(message: Message, around: Surroundings) -> Bot | None:
    """The bot that is named first, else the one that is replied to."""
    named = [bot for bot in around.bots.values() if bot.user in message.mentions]
    places = {bot.name: _place_of_mention(message.text, bot.user) for bot in named}
    written = [bot for bot in named if places[bot.name] >= 0]
    if written:
        return min(written, key=lambda bot: places[bot.name])
    replied = around.bot_of(message.replies_to_author)
    return replied or min(named, key=lambda bot: bot.name, default=None)


def _place_of_mention(text: str, user: int) -> int:
    """-1: only a reply pings it."""
    return max(text.find(f"<@{user}>"), text.find(f"<@!{user}>"))


def _kind(
    message: Message, rules: Discord, addressed: Bot | None, around: Surroundings
) -> Asking | Silence:
    if _is_empty(message, around):
        return Silence("empty")
    if message.place.kind == "direct":
        return "direct"
    if message.place.is_locked:
        return Silence("locked")
    answer = answering(rules, message.place)
    if answer == "never" and _is_silenced(rules, message.place):
        return Silence("tag")
    if answer in {"once", "converse"} and message.is_starter:
        return "post"
    if answer == "converse" and message.author.id == message.place.owner:
        return Silence("to-others") if _is_to_others(message, addressed) else "follow-up"
    if addressed is None:
        return Silence("unaddressed")
    return "mention" if rules.mentions else Silence("mentions-off")


def _is_silenced(rules: Discord, place: Place) -> bool:
    """By a tag, not by the forum."""
    forum = _forum(rules, place)
    return forum is not None and any(tag.answer == "never" for tag in _tags(forum, place))


def _is_empty(message: Message, around: Surroundings) -> bool:
    """Nothing to answer: no words but our names, no file, and no message that it points at."""
    said = readable(message.text, omit=around.ours)
    return not (said or message.files or message.replies_to)


def _is_to_others(message: Message, addressed: Bot | None) -> bool:
    """The author of a post replies to, or names, somebody else and none of us."""
    if addressed is not None:
        return False
    others = {*message.mentions, message.replies_to_author} - {message.author.id, None}
    return bool(others)


def _ask(
    kind: Asking,
    name: str,
    around: Surroundings,
    person: Person,
    place: Place,
    choice: Choice,
    addressed: Bot | None,
) -> Ask | Silence:
    space = around.spaces[name]
    forum = _forum(space.discord, place)
    manner = forum or space.discord.elsewhere
    tags = _tags(forum, place) if forum else []
    chosen = (choice.persona, *(tag.persona for tag in tags), manner.persona)
    persona = _persona(space, chosen, addressed)
    bot = addressed or _speaker(space.discord, persona, around, place)
    if bot is None:
        return Silence("no-bot")
    models = (choice.model, *(tag.model for tag in tags), manner.model)
    return Ask(
        kind=kind,
        space=name,
        bot=bot.name,
        persona=persona,
        model=next((model for model in models if model in space.discord.models), ""),
        language=manner.language,
        address=manner.address,
        groups=groups(space.discord, person),
        may_ask=manner.ask_back,
        footer=manner.footer,
    )


def _persona(space: Space, wanted: tuple[str, ...], addressed: Bot | None) -> str:
    """The first that exists, unless the bot that is addressed is another one's own."""
    known = next((name for name in wanted if name in space.personas), "")
    persona = space.persona_name(known, CHANNEL)
    if addressed is None or addressed.name == DEFAULT:
        return persona
    own = [name for name, bot in space.discord.bots.items() if bot == addressed.name]
    return persona if persona in own or not own else own[0]


def _speaker(rules: Discord, persona: str, around: Surroundings, place: Place) -> Bot | None:
    """The persona's bot, else the default one, else the first by name that is there."""
    there = {name: bot for name, bot in around.bots.items() if place.server in bot.servers}
    for name in (rules.bots.get(persona, DEFAULT), DEFAULT, *sorted(there)):
        if name in there:
            return there[name]
    return None
