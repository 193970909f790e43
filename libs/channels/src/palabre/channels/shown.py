"""The spans of what a person is shown of a turn: the end of its trace."""

from types import TracebackType
from typing import Self

from palabre.channels.views import Told
from palabre.chassis import tracing
from palabre.chassis.tracing import Span

_PIECES = frozenset({"delta", "completed"})
_ENDINGS = frozenset({"completed", "failed", "cancelled"})


class Shown:
    """For one who watches turns: a span for each, in its own trace, until it has ended.

    Who watches may do so in a request of their own, or in another process than the one that
    admitted it. While entered; who leaves sooner has seen no ending.
    """

    def __init__(self) -> None:
        self._open: dict[str, Span] = {}
        self._begun: set[str] = set()  # turns of which a piece was shown

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for span in self._open.values():
            span.set_attribute("palabre.outcome", "left")
            span.end()

    def told(self, told: Told) -> None:
        """What is about to be shown."""
        if not tracing.is_on() or told.event is None:
            return
        turn = told.position.turn
        span = self._open.get(turn)
        if span is None:
            span = tracing.begin("show", tracing.of(told.event), parent=tracing.of_turn(turn))
            self._open[turn] = span
            tracing.link_current(turn)
        if told.name in _PIECES and turn not in self._begun:
            self._begun.add(turn)
            span.add_event("first piece")
        if told.name in _ENDINGS:
            span.set_attribute("palabre.outcome", told.name)
            self._open.pop(turn).end()
