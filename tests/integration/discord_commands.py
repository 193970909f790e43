"""Replicas of the discord service that have registered their commands, and what people do there."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from palabre.chassis.service import Context
from palabre.chassis.testing import NatsServer
from palabre.discord.commands.all import COMMANDS
from palabre.gateway.testing import demo_space
from tests.integration.discord_service import Community, running
from tests.standins.discord import Channel, Message, Person

MODELS = ["mistral/small", "mistral/large"]
PERSONAS = {
    "camille": {"name": "Camille", "identity": {"fr": "Vous êtes Camille."}},
    "hugo": {"name": "Hugo", "identity": {"fr": "Vous êtes Hugo."}},
}


@dataclass
class Replicas:
    """Each is logged in and has registered its commands while `one` is entered."""

    nats: NatsServer
    community: Community
    archive: str
    tokens: dict[str, SecretStr] = field(default_factory=dict)  # of further bots

    @contextlib.asynccontextmanager
    async def one(self, archive: str = "", **rules: Any) -> AsyncIterator[Context]:
        plain = self.community.space(models=MODELS).discord.model_dump(mode="json")
        space = demo_space(
            personas=PERSONAS,
            budgets={"turns_per_person_per_day": 10},
            channels={"discord": {}},
            discord=plain | rules,
        )
        discord, bot = self.community.discord, self.community.bot
        async with running(
            self.nats,
            discord,
            {"demo": space},
            gateway_address=archive or self.archive,
            discord_tokens=self.tokens,
        ) as context:
            await discord.until(lambda: bot.online)
            await discord.until(lambda: len(bot.commands) >= len(COMMANDS))
            yield context


async def used(
    community: Community,
    name: str,
    where: Channel | None = None,
    by: Person | None = None,
    **values: Any,
) -> Message:
    person, place = by or community.alice, where or community.general
    return await community.discord.answer(
        await person.command(community.bot, name, place, **values)
    )


def plain(message: Message) -> str:
    return message.shown.replace("\u00a0", " ").replace("\u202f", " ")
