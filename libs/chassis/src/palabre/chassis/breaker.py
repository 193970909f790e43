"""A circuit breaker: what failed several times in a row is left alone for a while.

The ladders of llm and of tts keep one each.
"""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

LONGEST_S = 3_600.0  # a pause that was asked for is obeyed, but looked at again each hour


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    open_until: float = 0.0


class Breaker:
    """After the pause one call is let through to try; the others wait for what comes of it."""

    def __init__(
        self,
        failures: int = 3,
        pause_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failures, self._pause_s, self._clock = failures, pause_s, clock
        self._circuits: dict[Hashable, _Circuit] = {}
        self._pauses: dict[Hashable, float] = {}  # what was asked for; no success shortens it

    def allows(self, *keys: Hashable) -> bool:
        """Whether to call what all of these stand for, now.

        A true answer to a circuit that was open is its one trial.
        """
        if self.leaves_alone(*keys):
            return False
        now = self._clock()
        for key in keys:
            circuit = self._circuits.get(key)
            if circuit and circuit.failures >= self._failures:
                circuit.open_until = now + self._pause_s
        return True

    def leaves_alone(self, *keys: Hashable) -> bool:
        """Whether any of these is not to be called now; asking changes nothing."""
        now = self._clock()
        return any(self._is_open(key, now) for key in keys)

    def asked_to_wait(self, *keys: Hashable) -> float:
        """Seconds that the other side still asks for; 0 where failures are in the way as well."""
        now = self._clock()
        if any(now < c.open_until for key in keys if (c := self._circuits.get(key))):
            return 0.0
        return max(0.0, *(self._pauses.get(key, 0.0) - now for key in keys))

    def succeeded(self, key: Hashable) -> None:
        self._circuits.pop(key, None)

    def failed(self, key: Hashable, leave_alone_s: float = 0.0) -> None:
        """`leave_alone_s` is what the other side asked for."""
        circuit = self._circuits.setdefault(key, _Circuit())
        circuit.failures += 1
        if circuit.failures >= self._failures:
            circuit.open_until = self._clock() + self._pause_s
        if leave_alone_s > 0:
            self.leave_alone(key, leave_alone_s)

    def leave_alone(self, key: Hashable, seconds: float) -> None:
        """As the other side asked for, at most LONGEST_S; a shorter wish later changes nothing."""
        until = self._clock() + min(seconds, LONGEST_S)
        self._pauses[key] = max(until, self._pauses.get(key, 0.0))

    def open(self) -> list[Hashable]:
        """What is left alone now. May be called by another thread."""
        now = self._clock()
        return [key for key in {*self._circuits, *self._pauses} if self._is_open(key, now)]

    def _is_open(self, key: Hashable, now: float) -> bool:
        circuit = self._circuits.get(key)
        return now < max(self._pauses.get(key, 0.0), circuit.open_until if circuit else 0.0)
