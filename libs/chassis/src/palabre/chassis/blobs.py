"""Large bytes by key: originals of documents, attachments, audio."""

from collections.abc import Mapping
from typing import Protocol

from nats.js.api import ObjectMeta
from nats.js.errors import NotFoundError, ObjectDeletedError, ObjectNotFoundError
from nats.js.object_store import ObjectStore


class Objects(Protocol):
    """Keys are any text. Writing a key again replaces it."""

    async def put(self, key: str, data: bytes) -> None: ...

    async def get(self, key: str) -> bytes:
        """Raises KeyError."""

    async def delete(self, key: str) -> None:
        """Nothing happens when there is none."""


class Labelled(Objects, Protocol):
    """With a few words about each."""

    async def put(
        self, key: str, data: bytes, headers: Mapping[str, str] | None = None
    ) -> None: ...

    async def headers(self, key: str) -> dict[str, str]:
        """Without the bytes. Raises KeyError."""
        ...


class NatsObjects:
    """In an object store of NATS."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, key: str, data: bytes, headers: Mapping[str, str] | None = None) -> None:
        await self._store.put(key, data, ObjectMeta(name=key, headers=dict(headers or {}) or None))

    async def headers(self, key: str) -> dict[str, str]:
        try:
            return dict((await self._store.get_info(key)).headers or {})
        except (ObjectNotFoundError, ObjectDeletedError, NotFoundError):
            raise KeyError(key) from None

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
        self._headers: dict[str, dict[str, str]] = {}

    async def put(self, key: str, data: bytes, headers: Mapping[str, str] | None = None) -> None:
        self._kept[key], self._headers[key] = data, dict(headers or {})

    async def headers(self, key: str) -> dict[str, str]:
        return self._headers[key]

    async def get(self, key: str) -> bytes:
        return self._kept[key]

    async def delete(self, key: str) -> None:
        self._kept.pop(key, None)
        self._headers.pop(key, None)
