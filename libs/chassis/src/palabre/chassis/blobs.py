"""Large bytes by key: originals of documents, attachments, audio."""

from typing import Protocol

from nats.js.errors import NotFoundError, ObjectDeletedError, ObjectNotFoundError
from nats.js.object_store import ObjectStore


class Objects(Protocol):
    """Keys are any text. Writing a key again replaces it."""

    async def put(self, key: str, data: bytes) -> None: ...

    async def get(self, key: str) -> bytes:
        """Raises KeyError."""

    async def delete(self, key: str) -> None:
        """Nothing happens when there is none."""


class NatsObjects:
    """In an object store of NATS."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, key: str, data: bytes) -> None:
        await self._store.put(key, data)

    async def get(self, key: str) -> bytes:
        try:
            return (await self._store.get(key)).data or b""
        except (ObjectNotFoundError, ObjectDeletedError, NotFoundError):
            raise KeyError(key) from None

    async def delete(self, key: str) -> None:
        try:
            await self._store.delete(key)
        except (ObjectNotFoundError, ObjectDeletedError, NotFoundError):
            return


class MemoryObjects:
    """For tests without NATS."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    async def put(self, key: str, data: bytes) -> None:
        self._kept[key] = data

    async def get(self, key: str) -> bytes:
        return self._kept[key]

    async def delete(self, key: str) -> None:
        self._kept.pop(key, None)
