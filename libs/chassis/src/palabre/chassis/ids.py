"""Identifiers: UUIDv7 (RFC 9562), so that they sort by time."""

import hashlib
import os
import time
from uuid import UUID


def uuid7() -> str:
    """48 bits of Unix milliseconds, then 74 random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    return str(UUID(int=_stamp(value, version=7)))


def derived(*parts: str) -> str:
    """A UUIDv8 that is the same whenever the parts are: for idempotency keys."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return str(UUID(int=_stamp(int.from_bytes(digest[:16]), version=8)))


def _stamp(value: int, version: int) -> int:
    value = value & ~(0xF << 76) | version << 76
    return value & ~(0x3 << 62) | 0x2 << 62
