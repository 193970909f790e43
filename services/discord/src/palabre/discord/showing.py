"""What an answer shows: edits that coalesce, so that the newest state is there in time."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from palabre.discord.calls import Gone, Invalid, Refused, Unreachable
from palabre.discord.messages import Body
from palabre.discord.sending import Discord

FIRST_S = 0.3  # a first edit with one word in it says nothing
EDITS_PER_S = 20.0  # of all answers of a bot: Discord lets it make 50 calls a second
AGAIN_S = 10.0

type Bodies = Callable[[], Sequence[Body]]


class Pace:
    """How far apart edits of one answer are: further where many answers are being written."""

    def __init__(self, every_s: float) -> None:
        self._every_s, self.shown = every_s, 0

    @property
    def every_s(self) -> float:
        return max(self._every_s, self.shown / EDITS_PER_S)


class Showing:
    """The messages of one answer, while entered; one edit at a time, so that none overtakes.

    `add` makes a further message for an answer that needs more than there are, and returns its id.
    `gone` is done once nothing more can be shown.
    """

    def __init__(
        self,
        discord: Discord,
        channel: int,
        messages: Sequence[int],
        add: Callable[[int, Body], Awaitable[int]],
        pace: Pace,
    ) -> None:
        self._discord, self._channel, self._add, self._pace = discord, channel, add, pace
        self._messages = list(messages)
        self._shown: dict[int, Body] = {}
        self._wanted: Bodies = tuple
        self._changed, self._ending = asyncio.Event(), asyncio.Event()
        self._edited = float("-inf")
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> "Showing":
        self._pace.shown += 1
        self._worker = asyncio.create_task(self._work())
        return self

    async def __aexit__(self, *error: object) -> None:
        self._pace.shown -= 1
        self._worker.cancel()
        await asyncio.gather(self._worker, return_exceptions=True)

    def show(self, bodies: Bodies) -> None:
        """The state from now on; `bodies` is called once it is to be shown."""
        if not self._ending.is_set():
            self._wanted = bodies
            self._changed.set()

    async def end(self, bodies: Sequence[Body]) -> None:
        """The last state; returns once it is there, however long Discord is away.

        Raises Gone, Refused, Invalid: also where one of them ended it before.
        """
        self.show(lambda: bodies)
        self._ending.set()
        await self._worker

    async def _work(self) -> None:
        try:
            await self._changed.wait()
            await _either(self._ending, FIRST_S)
            while not await self._next():
                pass
        except (Gone, Refused, Invalid):
            self.gone.set_result(None)
            raise

    async def _next(self) -> bool:
        """Shows the next state; true when it is there and was the last one."""
        await self._changed.wait()
        await asyncio.sleep(self._edited + self._pace.every_s - time.monotonic())
        self._changed.clear()
        ending = self._ending.is_set()
        try:
            await self._put(self._wanted())
        except Unreachable:
            if ending:
                self._changed.set()
                await asyncio.sleep(AGAIN_S)
            return False
        return ending

    async def _put(self, bodies: Sequence[Body]) -> None:
        """Makes the messages show this; those that are too many are taken down."""
        for place, body in enumerate(bodies):
            if place == len(self._messages):
                self._messages.append(await self._add(place, body))
            elif self._shown.get(place) != body:
                await self._discord.edit(self._channel, self._messages[place], body)
            self._shown[place] = body
            self._edited = time.monotonic()
        while len(self._messages) > max(1, len(bodies)):
            await self._discord.delete(self._channel, self._messages.pop())


async def _either(event: asyncio.Event, seconds: float) -> None:
    """Until the event or for so long."""
    waiting = asyncio.ensure_future(event.wait())
    await asyncio.wait((waiting,), timeout=seconds)
    waiting.cancel()
