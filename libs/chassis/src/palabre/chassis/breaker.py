"""A circuit breaker: what failed several times in a row is left alone for a while.

The ladders of llm and of tts keep one each.
"""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    closed_from: float = 0.0


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

    def allows(self, key: Hashable) -> bool:
        """Whether to call now; a true answer to a circuit that was open is its one trial."""
        circuit, now = self._circuits.get(key), self._clock()
        if circuit is None:
            return True
        if now < circuit.closed_from:
            return False
        if circuit.failures >= self._failures:
            circuit.closed_from = now + self._pause_s
        return True

    def succeeded(self, key: Hashable) -> None:
        self._circuits.pop(key, None)

    def failed(self, key: Hashable, leave_alone_s: float = 0.0) -> None:
        """`leave_alone_s` is what the other side asked for, at most one pause long."""
        circuit = self._circuits.setdefault(key, _Circuit())
        circuit.failures += 1
        pause = self._pause_s if circuit.failures >= self._failures else 0.0
        pause = max(pause, min(leave_alone_s, self._pause_s))
        circuit.closed_from = max(circuit.closed_from, self._clock() + pause)
