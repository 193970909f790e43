"""What images show, in words: written once for each image of a space, by its content."""

from typing import Protocol

from nats.js.errors import APIError

from palabre.chassis.bus import AWAY, Bus
from palabre.chassis.errors import Unavailable


class Descriptions(Protocol):
    """By the key of the image in the object store `blobs`: "<space>/<SHA-256>"."""

    async def read(self, blob: str) -> str:
        """Empty when there is none. Raises Unavailable."""

    async def write(self, blob: str, text: str) -> None:
        """Raises Unavailable."""


def subject(blob: str) -> str:
    return f"$KV.descriptions.{blob.replace('/', '.')}"


class NatsDescriptions:
    """In the bucket `descriptions`, which forgets them as `blobs` does the images."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def read(self, blob: str) -> str:
        found = await self._bus.raw("KV_descriptions", {"multi_last": [subject(blob)]})
        return found[0].data.decode() if found else ""

    async def write(self, blob: str, text: str) -> None:
        try:
            await self._bus.js.publish(subject(blob), text.encode())
        except APIError as error:
            raise Unavailable(f"descriptions: {error.description}") from error
        except AWAY as error:
            raise Unavailable("descriptions: NATS does not answer") from error


class MemoryDescriptions:
    """For tests without NATS."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}

    async def read(self, blob: str) -> str:
        return self._kept.get(blob, "")

    async def write(self, blob: str, text: str) -> None:
        self._kept[blob] = text
