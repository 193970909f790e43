"""The discord service in this process: real nextcord, on a stand-in of Discord and a real bus."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from pydantic import SecretStr

from palabre.chassis.cancellations import Cancellations
from palabre.chassis.directory import Spaces
from palabre.chassis.health import Health
from palabre.chassis.service import Context
from palabre.chassis.spaces import Space
from palabre.chassis.testing import NatsServer
from palabre.discord.assembly import assemble
from palabre.discord.settings import DiscordSettings
from palabre.gateway.testing import demo_space
from tests.standins.discord import Bot, Channel, Discord, Message, Server, Thread


class Community:
    """A server with a forum and a channel, and a bot that answers there."""

    def __init__(self, discord: Discord) -> None:
        self.discord = discord
        self.server: Server = discord.server("Locataires")
        tags = ["chauffage", "humains", "résolu"]
        self.forum: Channel = self.server.forum("questions", tags=tags)
        self.general: Channel = self.server.text("général")
        self.bot: Bot = discord.bot("token", "Camille", servers=[self.server])
        self.alice = self.server.person("alice")

    async def ask(self, text: str = "Quand payer ?", **how: Any) -> Thread:
        """A post of alice's."""
        return await self.alice.post(self.forum, "Loyer", text, **how)

    def ours(self, post: Thread) -> list[Message]:
        """What bots said there."""
        return [message for message in post.history() if message.author.bot]

    async def answered(self, post: Thread, timeout: float = 20.0) -> Message:
        """The one answer, whole, with its source "Guide"; there is no other."""
        found = await self.discord.seen(post, lambda m: "Guide" in m.shown, timeout)
        assert self.ours(post) == [found]
        return found

    def space(self, **discord: Any) -> Space:
        rules = {
            "servers": [str(self.server.id)],
            "forums": [
                {
                    "channel": str(self.forum.id),
                    "tags": {"humains": {"answer": "never"}},
                }
            ],
        }
        return demo_space(channels={"discord": {}}, discord=rules | discord)


@contextlib.asynccontextmanager
async def running(
    nats: NatsServer, discord: Discord, spaces: dict[str, Space], **settings: Any
) -> AsyncIterator[Context]:
    """A replica; several may run at once."""
    given = {
        "discord_token": SecretStr("token"),
        "discord_api": discord.api,
        "discord_cdn": discord.url.removeprefix("http://"),
        "discord_edit_s": 0.5,
    }
    chosen = DiscordSettings.model_validate(given | settings)
    bus = await nats.bus("discord")
    context = Context(bus, Spaces(spaces), Cancellations(), Health(), chosen)
    parts = await assemble(chosen, context)
    stop = asyncio.Event()
    served = asyncio.gather(*(task(stop) for task in parts.tasks))
    try:
        yield context
    finally:
        stop.set()
        await served
        for close in parts.close:
            await close()
        await bus.close()
