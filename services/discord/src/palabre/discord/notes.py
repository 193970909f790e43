"""What a bot says of itself, where it cannot do what people expect of it."""

import contextlib

from palabre.chassis.directory import Spaces
from palabre.chassis.errors import Erased, Unavailable
from palabre.discord.calls import Gone, Refused, Unreachable
from palabre.discord.messages import Body, Message
from palabre.discord.sending import Discord, nonce
from palabre.discord.texts import say


class Notes:
    """Each at most once per post: the message that has it in its history is never answered anew."""

    def __init__(self, bot: str, discord: Discord, spaces: Spaces) -> None:
        self._bot, self._discord, self._spaces = bot, discord, spaces

    async def cannot_read(self, starter: Message, space: str, language: str) -> None:
        """Without the message content intent: how to ask all the same."""
        channel = starter.place.channel
        language = language or self._spaces.get(space).languages[0]
        text = say("notes.cannot_read", language, bot=f"<@{self._discord.user}>")
        with contextlib.suppress(Gone, Refused, Unreachable, Erased, Unavailable):
            later = await self._discord.history(channel, after=channel)
            if not any(message.author.id == self._discord.user for message in later):
                key = nonce(self._bot, starter.id, "cannot-read")
                await self._discord.send(channel, Body(text), nonce=key, reply_to=starter.id)
