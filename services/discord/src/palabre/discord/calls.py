"""Calls of Discord: what may go wrong with one, and which are made again."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

import aiohttp
import nextcord

from palabre.discord import metrics

# nextcord repeats 429, 500, 502 and 504 five times by itself; neither 503 nor, on Linux, a reset.
PAUSES_S = (0.3, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
CALL_S = 30.0
AGAIN_S = 1.0  # what waits however long it takes
ARCHIVED = 50083

type Call[T] = Callable[[], Awaitable[T]]


class Gone(Exception):
    """The message, or where it was, is not there any more."""


class Refused(Exception):
    """We may not do that there; `permissions` are those that we lack, as Discord's API names them.

    Empty where none is known to be missing: a locked post, say.
    """

    def __init__(self, permissions: tuple[str, ...] = ()) -> None:
        super().__init__(", ".join(permissions) or "refused")
        self.permissions = permissions


class Invalid(Exception):
    """Discord does not take what we sent. The message is Discord's own."""


class Unreachable(Exception):
    """Discord does not answer, or only with errors. Nobody knows whether it was done."""


async def insist[T](
    call: Call[T],
    bot: str,
    lacking: Callable[[], tuple[str, ...]] = tuple,
    *,
    within_s: float = math.inf,
) -> T:
    """Until it is done, or known to be impossible.

    Raises Gone, Refused (with what is `lacking`), Invalid; Unreachable when patience ends.
    """
    until = time.monotonic() + within_s
    for pause in (*PAUSES_S, None):
        try:
            async with asyncio.timeout(min(CALL_S, until - time.monotonic())):
                return await call()
        except (OSError, aiohttp.ClientError) as error:  # a timeout is an OSError, too
            cause: Exception = error
        except nextcord.HTTPException as error:
            cause = _meaning(error, lacking)
            if not isinstance(cause, Unreachable):
                raise cause from error
        if pause is None or time.monotonic() + pause > until:
            raise Unreachable(type(cause).__name__) from cause
        metrics.RETRIES.labels(bot, _reason(cause)).inc()
        await asyncio.sleep(pause)
    raise AssertionError  # the last pause is None


async def patiently[T](call: Call[T], *away: type[Exception], again_s: float = AGAIN_S) -> T:
    """However long what it needs is `away`. Raises everything else that the call does."""
    while True:
        try:
            return await call()
        except away:
            await asyncio.sleep(again_s)


def _meaning(error: nextcord.HTTPException, lacking: Callable[[], tuple[str, ...]]) -> Exception:
    if isinstance(error, nextcord.NotFound):
        return Gone(error.text)
    if error.status in (401, 403) or error.code == ARCHIVED:
        return Refused(lacking())
    if error.status == 429 or error.status >= 500:
        return Unreachable(str(error.status))
    return Invalid(error.text)


def _reason(cause: Exception) -> str:
    """The status, or the name of the fault: few, as a metric's labels have to be."""
    return str(cause) if isinstance(cause, Unreachable) else type(cause).__name__
