"""The bots of this process: each logs in under its lease, or stands by until it gets it."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import nextcord
import structlog

from palabre.chassis.errors import Busy, Unavailable
from palabre.chassis.leases import Lease, NatsLeases
from palabre.discord import calls, metrics
from palabre.discord.client import Client, Listener
from palabre.discord.sending import Discord, NextcordDiscord
from palabre.discord.work import Work

log = structlog.get_logger()

STANDBY_S = 1.0
AWAY_S = 60.0  # nextcord's own pauses between tries grow to a quarter of an hour
PAUSES_S = (2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0)  # Discord allows 1,000 logins a day
REFUSED_S = 300.0
_TICK_S = 0.5

Standing = Literal["starting", "connected", "away", "standby", "refused"]


@dataclass(frozen=True, slots=True)
class Session:
    """A bot whose lease we hold. `reads`: it may read what people write without naming it."""

    name: str
    discord: Discord
    work: Work
    reads: bool
    client: Client


class LoginRefused(Exception):
    """Discord does not know the token, or lets its bot in for no reason of ours."""


class Bots:
    """`listen` makes what a connection tells its events to, anew for each one."""

    def __init__(
        self,
        tokens: Mapping[str, str],
        leases: NatsLeases,
        listen: Callable[[Session], Listener],
    ) -> None:
        self._tokens, self._leases, self._listen = dict(tokens), leases, listen
        self.standing: dict[str, Standing] = dict.fromkeys(self._tokens, "starting")
        self.sessions: dict[str, Session] = {}
        nextcord.VoiceClient.warn_nacl = False  # no voice here: nothing to warn of

    async def run(self, stop: asyncio.Event) -> None:
        """All of them, until `stop`. One that cannot log in leaves the others alone."""
        async with asyncio.TaskGroup() as group:
            for name in self._tokens:
                group.create_task(self._keep(name, stop))

    async def _keep(self, name: str, stop: asyncio.Event) -> None:
        failures = 0
        while not stop.is_set():
            begun = time.monotonic()
            try:
                async with self._leases.lease(f"discord.{name}") as lease:
                    await self._hold(name, lease, stop)
                pause = 0.0
            except Busy:
                self._stands(name, "standby")
                pause = STANDBY_S
            except LoginRefused as error:
                self._stands(name, "refused")
                log.error("a bot cannot log in", bot=name, reason=str(error), again_in_s=REFUSED_S)
                pause = REFUSED_S
            except (Unavailable, calls.Unreachable, nextcord.DiscordException) as error:
                self._stands(name, "away")
                failures = 0 if time.monotonic() - begun > AWAY_S else failures
                pause = PAUSES_S[min(failures, len(PAUSES_S) - 1)]
                failures += 1
                reason = str(error) or type(error).__name__
                log.warning("a bot lost Discord", bot=name, reason=reason, again_in_s=pause)
            await _pause(stop, pause)

    async def _hold(self, name: str, lease: Lease, stop: asyncio.Event) -> None:
        """While we hold the lease. A bot that may not read what people write does without."""
        try:
            await self._serve(name, lease, stop, reads=True)
        except nextcord.PrivilegedIntentsRequired:
            log.warning(
                "a bot answers only those who name it, ask by command or write to it: switch on"
                " the message content intent in Discord's developer portal",
                bot=name,
            )
            await self._serve(name, lease, stop, reads=False)

    async def _serve(self, name: str, lease: Lease, stop: asyncio.Event, *, reads: bool) -> None:
        client = Client(name, lambda: lease.is_sure, reads=reads)
        session = Session(name, NextcordDiscord(client), Work(name), reads, client)
        client.heard_by = self._listen(session)
        self.sessions[name] = session
        metrics.REDUCED.labels(name).set(not reads)
        connecting = asyncio.create_task(_connect(client, self._tokens[name]))
        try:
            while not (stop.is_set() or connecting.done()):
                await asyncio.wait((connecting,), timeout=_TICK_S)
                self._stands(name, "connected" if client.away_s == 0 else "away")
                if client.away_s > AWAY_S:
                    raise Unavailable("the gateway does not take us back")
            if connecting.done():
                _explain(connecting.exception(), name)
        finally:
            del self.sessions[name]
            await session.work.end()
            await client.close()
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)
            metrics.CONNECTED.labels(name).set(0)

    def _stands(self, name: str, standing: Standing) -> None:
        if self.standing[name] != standing:
            log.info("a bot's standing changed", bot=name, standing=standing)
        self.standing[name] = standing
        metrics.CONNECTED.labels(name).set(standing == "connected")
        metrics.STANDBY.labels(name).set(standing == "standby")


async def _connect(client: Client, token: str) -> None:
    """Raises LoginRefused, PrivilegedIntentsRequired, and what a broken connection raises."""
    try:
        await calls.insist(lambda: client.login(token), client.name)
        await client.connect()
    except (nextcord.LoginFailure, nextcord.Unauthorized) as error:
        raise LoginRefused("Discord does not know this token") from error
    except nextcord.ConnectionClosed as error:
        if error.code == 4004:
            raise LoginRefused("Discord does not know this token") from error
        raise


def _explain(error: BaseException | None, name: str) -> None:
    """Raises why a connection ended: a fault of this bot's is no fault of the others'."""
    if isinstance(error, LoginRefused | calls.Unreachable | nextcord.DiscordException):
        raise error
    if error is not None:
        metrics.FAULTS.labels("connection").inc()
        log.error("a connection to Discord failed", bot=name, exc_info=error)
    raise Unavailable("the connection ended")


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
