"""Whether Discord and the spaces agree: what a set-up lacks, each with what to do about it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from palabre.chassis.discord_rules import Discord, Forum
from palabre.chassis.spaces import Channel as SpaceChannel, Space
from palabre.discord import permissions
from palabre.discord.permissions import ATTACH, EMBED, MANAGE, SEND, VIEW, Permission
from palabre.discord.routing import CHANNEL, DEFAULT
from palabre.discord.surveying import Bot, Channel, Server

TEXT, CATEGORY, NEWS, FORUM = 0, 4, 5, 15
Level = Literal["ok", "note", "fault"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`about` is a bot or a place in a space; only a fault has to be mended."""

    level: Level
    about: str
    text: str
    remedy: str = ""


def servers_of(spaces: Mapping[str, Space]) -> set[int]:
    return {int(server) for _, rules in _live(spaces) for server in rules.servers}


def check(bots: Mapping[str, Bot], spaces: Mapping[str, Space]) -> Iterator[Finding]:
    """`bots` are those whose tokens work, by name."""
    live = _live(spaces)
    if not live:
        yield Finding(
            "fault", "spaces", "no space has bots on Discord",
            "name your server in the table [discord] of its space.toml",
        )  # fmt: skip
    for name, bot in bots.items():
        yield from _of_bot(name, bot, live)
    for name, rules in live:
        yield from _Check(name, rules, bots).all()


def _live(spaces: Mapping[str, Space]) -> list[tuple[str, Discord]]:
    """Those that have bots somewhere, with their rules."""
    return [
        (name, space.discord)
        for name, space in spaces.items()
        if space.channels.get(CHANNEL, SpaceChannel()).enabled
        and (space.discord.servers or space.discord.direct_messages)
    ]


def _of_bot(name: str, bot: Bot, live: list[tuple[str, Discord]]) -> Iterator[Finding]:
    about, application = f"bot {name}", bot.application
    yield Finding("ok", about, f"its token works: application « {application.name} »")
    yield from _of_application(about, bot, _reads_posts(live))
    named = {int(server) for _, rules in live for server in rules.servers}
    for server, label in bot.servers.items():
        if server in named:
            yield Finding("ok", about, f"is on the server « {label} »")
        else:
            yield Finding(
                "note", about, f"answers nobody on the server « {label} »",
                f'add "{server}" to servers of a space\'s [discord], or remove the bot there',
            )  # fmt: skip


def _reads_posts(live: list[tuple[str, Discord]]) -> bool:
    return any(forum.answer != "never" for _, rules in live for forum in rules.forums)


def _of_application(about: str, bot: Bot, reads_posts: bool) -> Iterator[Finding]:
    application = bot.application
    if application.reads:
        yield Finding("ok", about, "may read what people write")
    else:
        yield Finding(
            "fault" if reads_posts else "note", about,
            "may not read posts: it answers only who names it, asks by command or writes to it",
            f"switch on the message content intent at {application.settings}/bot",
        )  # fmt: skip
    if application.answers_elsewhere:
        yield Finding(
            "fault", about, "gets no commands: Discord sends them to an address on the web",
            f"empty Interactions Endpoint URL on {application.settings}/information",
        )  # fmt: skip
    if application.needs_code_grant:
        yield Finding(
            "fault", about, "cannot be invited by its link",
            f"switch off Requires OAuth2 Code Grant on {application.settings}/bot",
        )  # fmt: skip


class _Check:
    """Of one space. Its bots are those that may speak for it."""

    def __init__(self, space: str, rules: Discord, bots: Mapping[str, Bot]) -> None:
        self._space, self._rules = space, rules
        names = {DEFAULT, *rules.bots.values()}
        self._unknown = sorted(names - {DEFAULT, *bots})
        self._bots = {name: bot for name, bot in bots.items() if name in names}
        self._servers = [int(server) for server in rules.servers]

    def all(self) -> Iterator[Finding]:
        for name in self._unknown:
            yield self._fault(
                "bots", f"no bot « {name} » has logged in",
                f"put its token into PALABRE_DISCORD_TOKENS under {name}, or correct bots",
            )  # fmt: skip
        for server in self._servers:
            if not any(server in bot.servers for bot in self._bots.values()):
                yield self._fault(
                    "servers", f"none of its bots is on the server {server}",
                    "let one in at the address of `palabre discord invite`, or correct the id",
                )  # fmt: skip
        for forum in self._rules.forums:
            yield from self._forum(forum)
        yield from self._channels()
        yield from self._roles()

    def _forum(self, forum: Forum) -> Iterator[Finding]:
        about, found = "forums", self._find(forum.channel)
        if not found:
            yield self._no_channel(about, forum.channel)
            return
        channel = next(iter(found.values()))
        if channel.kind != FORUM:
            yield self._fault(
                about, f"« {channel.name} » is no forum",
                "name a forum; bots are mentioned in other channels, which need no entry",
            )  # fmt: skip
            return
        about = f"forum « {channel.name} »"
        yield from self._tags(about, forum, channel)
        marking = (MANAGE,) if forum.solved_tag else ()
        needed = (*permissions.to_answer(in_threads=True), ATTACH, *marking)
        yield from self._permissions(about, found, needed)

    def _tags(self, about: str, forum: Forum, channel: Channel) -> Iterator[Finding]:
        known = {tag.casefold() for tag in channel.tags}
        for tag in filter(None, (*forum.tags, forum.solved_tag)):
            if tag.casefold() not in known:
                there = ", ".join(channel.tags) or "none"
                yield self._fault(
                    about, f"it has no tag « {tag} »: there are {there}",
                    "make the tag in the forum's settings, or correct its name",
                )  # fmt: skip

    def _permissions(
        self, about: str, found: Mapping[str, Channel], needed: Iterable[Permission]
    ) -> Iterator[Finding]:
        """Of every bot that is there."""
        for bot, channel in found.items():
            lacks = permissions.lacking(channel.may, needed)
            if lacks:
                names = ", ".join(permission.label for permission in lacks)
                yield self._fault(
                    about, f"the bot {bot} lacks {names}",
                    f"allow it to the bot's role in the permissions of « {channel.name} »",
                )  # fmt: skip
            else:
                yield Finding("ok", f"{self._space}, {about}", f"the bot {bot} may answer")

    def _channels(self) -> Iterator[Finding]:
        """Those that rules name beside forums; categories have no permissions of their own."""
        for about in ("allowed_channels", "denied_channels"):
            for id_ in getattr(self._rules, about):
                found = self._find(id_)
                channel = next(iter(found.values()), None)
                if channel is None:
                    yield self._no_channel(about, id_)
                elif about == "allowed_channels" and channel.kind in {TEXT, NEWS}:
                    needed = (*permissions.to_answer(in_threads=False), ATTACH)
                    yield from self._permissions(f"« {channel.name} »", found, needed)
        if log := self._rules.summaries.log_channel:
            if found := self._find(log):
                yield from self._permissions("summaries.log_channel", found, (VIEW, SEND, EMBED))
            else:
                yield self._no_channel("summaries.log_channel", log)

    def _roles(self) -> Iterator[Finding]:
        known = {role for server in self._seen() for role in server.roles}
        named = {
            "groups": self._rules.groups,
            "allowed_roles": self._rules.allowed_roles,
            "denied_roles": self._rules.denied_roles,
            "summaries.roles": self._rules.summaries.roles,
        }
        for about, roles in named.items():
            for role in roles:
                if int(role) not in known:
                    yield self._fault(
                        about, f"no server of the space has a role {role}",
                        "copy the role's id anew, or take it out",
                    )  # fmt: skip

    def _seen(self) -> Iterator[Server]:
        for bot in self._bots.values():
            yield from (bot.seen[server] for server in self._servers if server in bot.seen)

    def _find(self, channel: str) -> dict[str, Channel]:
        """As each bot that is on its server has it, by the bot's name."""
        return {
            name: bot.seen[server].channels[int(channel)]
            for name, bot in self._bots.items()
            for server in self._servers
            if server in bot.seen and int(channel) in bot.seen[server].channels
        }

    def _fault(self, about: str, text: str, remedy: str) -> Finding:
        return Finding("fault", f"{self._space}, {about}", text, remedy)

    def _no_channel(self, about: str, channel: str) -> Finding:
        return self._fault(
            about, f"no server of the space has a channel {channel}",
            "copy its id anew (docs/discord.md), or let a bot into its server",
        )  # fmt: skip
