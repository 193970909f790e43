"""What goes wrong on demand: calls that fail, events that come twice, late or out of order."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Fault:
    """Hits the next `times` calls whose method and path match.

    `status` answers with it (0: none), `reset` breaks the connection, `delay` waits (seconds).
    `after`: what was asked for is done first, and only the answer goes wrong. `retry_after`
    (seconds) and `scope` (user, shared or global) belong to 429.
    """

    method: str
    path: str
    status: int = 0
    reset: bool = False
    after: bool = False
    delay: float = 0.0
    retry_after: float = 1.0
    scope: str = "user"
    times: int = 1

    def hits(self, method: str, path: str) -> bool:
        return self.times > 0 and self.method in (method, "*") and self.path in path


@dataclass(slots=True)
class Faults:
    """Those of calls. `path` is a part of the path, without `/api/v10`; `*` is any method."""

    planned: list[Fault] = field(default_factory=list)

    def add(
        self,
        method: str,
        path: str,
        *,
        status: int = 0,
        reset: bool = False,
        after: bool = False,
        delay: float = 0.0,
        retry_after: float = 1.0,
        scope: str = "user",
        times: int = 1,
    ) -> Fault:
        fault = Fault(method, path, status, reset, after, delay, retry_after, scope, times)
        self.planned.append(fault)
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        """The first one that hits; it is used up by one."""
        fault = next((each for each in self.planned if each.hits(method, path)), None)
        if fault:
            fault.times -= 1
        return fault

    def clear(self) -> None:
        self.planned.clear()


@dataclass(slots=True)
class _Disorder:
    event: str
    times: int
    copies: int = 1
    delay: float = 0.0
    until: str = ""  # held until such an event was sent
    held: bool = False


@dataclass(slots=True)
class Deliveries:
    """Those of events, to all sessions alike."""

    planned: list[_Disorder] = field(default_factory=list)
    _held: list[tuple[str, Callable[[], None]]] = field(default_factory=list)

    def twice(self, event: str, times: int = 1) -> None:
        self.planned.append(_Disorder(event, times, copies=2))

    def lose(self, event: str, times: int = 1) -> None:
        self.planned.append(_Disorder(event, times, copies=0))

    def late(self, event: str, seconds: float, times: int = 1) -> None:
        self.planned.append(_Disorder(event, times, delay=seconds))

    def hold(self, event: str, until: str = "", times: int = 1) -> None:
        """Sent right after the next event `until`, or at `release`."""
        self.planned.append(_Disorder(event, times, until=until, held=True))

    def release(self) -> None:
        waiting, self._held = self._held, []
        for _, send in waiting:
            send()

    def deliver(self, event: str, send: Callable[[], None]) -> None:
        """Sends an event as planned, then those that waited for it."""
        plan = next((each for each in self.planned if each.event == event and each.times), None)
        if plan is None:
            send()
        else:
            plan.times -= 1
            self._follow(plan, send)
        waiting = [each for each in self._held if each[0] == event]
        self._held = [each for each in self._held if each[0] != event]
        for _, held in waiting:
            held()

    def _follow(self, plan: _Disorder, send: Callable[[], None]) -> None:
        if plan.held:
            self._held.append((plan.until, send))
        elif plan.delay:
            asyncio.get_running_loop().call_later(plan.delay, send)
        else:
            for _ in range(plan.copies):
                send()
