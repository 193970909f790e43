"""nextcord as production has it, logged in to the stand-in of Discord."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import nextcord

from tests.standins.discord import Bot, Discord

Asked = nextcord.Interaction[nextcord.Client]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(8) + (3).to_bytes(4) + (2).to_bytes(4)


@contextlib.asynccontextmanager
async def connected(
    bot: Bot, client: nextcord.Client, discord: Discord
) -> AsyncIterator[nextcord.Client]:
    running = asyncio.create_task(client.start(bot.token))
    ready = asyncio.create_task(client.wait_until_ready())
    await asyncio.wait({running, ready}, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        await running
    try:
        yield client
    finally:
        await client.close()
        await running


def client(**options: Any) -> nextcord.Client:
    intents = nextcord.Intents.default()
    intents.message_content = True
    return nextcord.Client(intents=intents, guild_ready_timeout=0.02, **options)
