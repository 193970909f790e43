"""What images show, in words: written once for each image of a space, by its content."""

from typing import Protocol

from palabre.chassis.bus import Bus


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
        await self._bus.put(subject(blob), text.encode())


class MemoryDescriptions:
    """For tests without NATS."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}

    async def read(self, blob: str) -> str:
        return self._kept.get(blob, "")

    async def write(self, blob: str, text: str) -> None:
        self._kept[blob] = text
