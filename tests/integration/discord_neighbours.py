"""A community whose summaries are made by the real llm service, over a real bus."""

import asyncio
import contextlib
import io
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from palabre.chassis.service import Context
from palabre.chassis.testing import NatsServer
from palabre.discord.commands.all import COMMANDS
from tests.integration import llm_service
from tests.integration.discord_service import Community, running
from tests.standins.discord import Channel, Interaction, Message, Permissions as P, Person
from tests.standins.model import Model

LIFT = "L'ascenseur du bâtiment B est encore en panne depuis lundi matin."
VISIT = "Le technicien passe jeudi de 12 à 14 h pour l'ascenseur, l'agence l'a confirmé."
MEETING = "La réunion des locataires est décalée au 20 juin à 18 h, salle du rez-de-chaussée."


PATIENCE = "n’est pas terminée"


@dataclass
class Neighbours:
    """A community with somebody who looks after it, and what was said there."""

    nats: NatsServer
    community: Community
    moderator: Person = field(init=False)
    staff: Any = field(init=False)

    def __post_init__(self) -> None:
        server = self.community.server
        self.staff = server.role("modération", P.MANAGE_MESSAGES)
        self.moderator = server.person("mona", self.staff)
        self.paul, self.nadia = server.person("paul"), server.person("nadia")

    @contextlib.asynccontextmanager
    async def served(
        self,
        summaries: dict[str, Any] | None = None,
        *,
        llm: dict[str, Any] | None = None,
        rules: dict[str, Any] | None = None,
        **own: Any,
    ) -> AsyncIterator[Context]:
        """`summaries` and `rules` are the space's, `own` are parts of it, `llm` are settings."""
        space = self.community.space(summaries=summaries or {}, **(rules or {}))
        space = space.model_copy(update=own)
        discord, bot = self.community.discord, self.community.bot
        async with (
            llm_service.serving(self.nats, {"demo": space}, **(llm or {})) as address,
            running(self.nats, discord, {"demo": space}, llm_address=address) as context,
        ):
            await discord.until(lambda: bot.online and len(bot.commands) >= len(COMMANDS))
            yield context

    def private(self, name: str, *readers: Any) -> Channel:
        """For the bot and these roles and persons."""
        server = self.community.server
        channel = server.text(name)
        server.deny(channel, server.guild.everyone, P.VIEW_CHANNEL)
        for reader in (self.community.bot, *readers):
            server.allow(channel, reader, P.VIEW_CHANNEL | P.READ_MESSAGE_HISTORY)
        return channel

    def talk(self, channel: Channel) -> list[Message]:
        said = [(self.paul, LIFT), (self.nadia, VISIT), (self.paul, MEETING)]
        return [person.said(channel, text) for person, text in said]

    async def ask(
        self, where: Channel | None = None, by: Person | None = None, **values: Any
    ) -> Interaction:
        place, person = where or self.community.general, by or self.moderator
        return await person.command(self.community.bot, "resume", place, **values)

    async def summary(
        self, where: Channel | None = None, by: Person | None = None, **values: Any
    ) -> Message:
        """Once what the person asked before is over, its copy in the log included."""
        while True:
            answer = await self.done(await self.ask(where, by, **values))
            if PATIENCE not in answer.content:
                return answer
            await asyncio.sleep(0.1)

    async def done(self, asked: Interaction) -> Message:
        def ended() -> Message | None:
            last = asked.answers[0] if asked.answers else None
            return last if last and "⏳" not in last.content else None

        found = await self.community.discord.until(ended, 15)
        assert found
        return found


@contextlib.asynccontextmanager
async def modelled(
    neighbours: Neighbours, during: Callable[[], object] = lambda: None, name: str = "mock-json"
) -> AsyncIterator[Model]:
    """Served with a model that says two of the messages; `during` happens while it is asked."""

    def writes(request: dict[str, Any]) -> Any:
        during()
        lift = {"text": "L'ascenseur est en panne depuis lundi. @everyone", "sources": [1]}
        visit = {"text": "Le technicien passe jeudi de 12 à 14 h.", "sources": [2, 99]}
        return {"points": [lift, visit]}

    model = Model(writes=writes)
    async with (
        model.serving() as url,
        neighbours.served(llm={"llm_base_url": url, "llm_model": name}),
    ):
        yield model


def plain(message: Message) -> str:
    return message.shown.replace("\u00a0", " ").replace("\u202f", " ")


def png(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), (shade, 0, 0)).save(file, "PNG")
    return file.getvalue()


def links(message: Message) -> list[int]:
    """The ids of the messages that it links to."""
    return [int(id_) for id_ in re.findall(r"/channels/\d+/\d+/(\d+)\)", message.shown)]
