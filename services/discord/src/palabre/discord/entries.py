"""Writing into the bucket `discord`: what people chose or ordered, who the bots are."""

from nats.js.errors import APIError

from palabre.chassis.bus import AWAY, Bus
from palabre.chassis.errors import Unavailable


async def store(bus: Bus, subject: str, data: bytes) -> int:
    """The last word wins; returns its sequence. Raises Unavailable."""
    try:
        return (await bus.js.publish(subject, data)).seq
    except AWAY as error:
        raise Unavailable("discord: NATS does not answer") from error
    except APIError as error:
        raise Unavailable(f"discord: {error.description}") from error
