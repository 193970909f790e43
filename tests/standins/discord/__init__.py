"""A stand-in of Discord on loopback: REST v10, the gateway and the CDN, with Discord's own rules.

    async with Discord().serving() as discord:
        server = discord.server("Locataires")
        forum = server.forum("questions", tags=["chauffage", "résolu"])
        bot = discord.bot("token", "Camille", servers=[server])  # or privileged=, permissions=
        nextcord.http.Route.BASE = discord.api  # once a process; then log in
        await discord.until(lambda: bot.online)
        alice = server.person("alice")
        post = await alice.post(forum, "Radiateur", "Il est froid.", tags=["chauffage"])
        answer = await discord.seen(post, lambda m: m.author is bot.user and "[1]" in m.shown)
        asked = await alice.click(answer, "👍")  # or .command(bot, "demander", post, question="…")
        said = await discord.answer(asked)      # the first visible response
        assert not answer.pinged

What is written is in `post.history()`, `message.versions`, `alice.sees(post)`; what bots called in
`discord.calls`. `discord.faults` makes calls fail, `discord.deliveries` disturbs events,
`bot.drop()`, `.ask_to_reconnect()` and `.invalidate()` the gateway, `discord.clock.advance()` lets
deadlines pass, `discord.limits` sets rate limits or switches them off.

It refuses what Discord refuses: `Refusal` where a person tries it, HTTP with the same code where a
bot does. Voice, webhooks of channels, pins, polls, stickers, bans and timeouts are not in it.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from aiohttp import web

from tests.standins.discord import commands, http, servers as founding
from tests.standins.discord.asking import NotOffered
from tests.standins.discord.bots import Bot
from tests.standins.discord.calls import Call
from tests.standins.discord.clock import Clock
from tests.standins.discord.errors import Json, Refusal
from tests.standins.discord.intents import PRIVILEGED, Intents
from tests.standins.discord.interactions import Interaction
from tests.standins.discord.people import Person
from tests.standins.discord.permissions import Permissions
from tests.standins.discord.servers import Server
from tests.standins.discord.state import Channel, Message, Role, Thread, User
from tests.standins.discord.world import World

__all__ = [
    "Bot",
    "Call",
    "Channel",
    "Clock",
    "Discord",
    "Intents",
    "Interaction",
    "Message",
    "NotOffered",
    "Permissions",
    "Person",
    "Refusal",
    "Role",
    "Server",
    "Thread",
    "User",
]


class Discord(World):
    """The stand-in, and how tests drive it."""

    @contextlib.asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator["Discord"]:
        """Serves while entered, on 127.0.0.1."""
        runner = web.AppRunner(http.application(self), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            for bot in self.bots.values():
                bot.drop()
            await runner.cleanup()

    @property
    def api(self) -> str:
        return f"{self.url}{http.API}"

    def server(self, name: str, *, locale: str = "fr") -> Server:
        return founding.found(self, name, locale)

    def bot(
        self,
        token: str,
        name: str,
        *,
        servers: Sequence[Server] = (),
        privileged: Intents = PRIVILEGED,
        permissions: Permissions | None = None,
    ) -> Bot:
        """An application whose bot is in these servers, invited with these permissions.

        `privileged`: the intents that are switched on for it in the developer portal.
        """
        user = User(self.ids.new(), name, bot=True)
        self.users[user.id] = user
        self.bots[token] = bot = Bot(token, user, privileged, self.changed)
        for server in servers:
            server.join(bot, permissions=permissions)
        return bot

    def register(self, bot: Bot, command: Json) -> Json:
        """A command that another program of the same application registered before."""
        key = self.ids.new()
        return commands.put(bot.commands, command, key, bot.application_id, None)

    def unfurl(self, message: Message, url: str, title: str) -> None:
        """Discord looks behind a link a moment later: an update that is no edit."""
        embed = {"type": "link", "url": url, "title": title}
        message.embeds = [*message.embeds, embed]
        self.tell_message("MESSAGE_UPDATE", message)

    async def seen(
        self, channel: Channel, condition: Callable[[Message], object], timeout: float = 5.0
    ) -> Message:
        """The first message there, old or new, that fulfils the condition. Raises TimeoutError."""

        def look() -> Message | None:
            return next((each for each in channel.history() if condition(each)), None)

        found = await self.until(look, timeout)
        assert found
        return found

    async def answer(self, asked: Interaction, timeout: float = 5.0) -> Message:
        """What the person first reads in answer, once nothing is « thinking ». TimeoutError."""
        found = await self.until(lambda: asked.answers, timeout)
        return found[0]

    async def called(
        self, method: str, part: str, timeout: float = 5.0, *, times: int = 1
    ) -> list[Call]:
        """The answered calls whose path contains `part`, once there are as many."""
        return await self.until(lambda: self._answered(method, part, times), timeout)

    def _answered(self, method: str, part: str, times: int) -> list[Call]:
        found = self.calls_of(method, part)
        return found if len(found) >= times else []

    def calls_of(self, method: str, part: str) -> list[Call]:
        """Those that were answered, in order; `*` is any method."""
        return [
            each
            for each in self.calls
            if method in (each.method, "*") and part in each.path and each.status
        ]
