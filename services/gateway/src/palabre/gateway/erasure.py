"""Erasing a conversation everywhere, in an order that can be begun again when it breaks off."""

from palabre.chassis import erasing
from palabre.chassis.bus import Bus
from palabre.gateway.conversations import Conversation, Conversations


async def erase(bus: Bus, conversations: Conversations, found: Conversation) -> None:
    """On the bus first: the rows are how the conversation is found again. Raises Unavailable."""
    await conversations.mark_erased(found.id)
    await erasing.erase(bus, *found.thread)
    await conversations.erase(found)
