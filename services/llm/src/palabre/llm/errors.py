"""What may go wrong with engines, split by what the caller can do.

LlmError
├── EngineError        this engine does not answer: the next rung of the ladder may
│   ├── Unreachable    the connection failed before the first byte: again at once, once
│   ├── Overloaded     too many requests: leave the engine alone for `retry_after` seconds
│   ├── TooSlow        a time-out ran out
│   ├── Refused        the request or its credentials are wrong: an operator has to look
│   └── Broken         a fault of the engine: status 5xx, a cut stream, nonsense
├── Exhausted          no rung answered: apologise
└── Interrupted        a rung broke off after text was shown: begin again with `rest`, or apologise
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from palabre.llm.engines import Rung


class LlmError(Exception):
    """Messages name engines, models and statuses, never a user's words."""


class EngineError(LlmError):
    """This engine does not answer."""

    @property
    def reason(self) -> str:
        """The label under which it is counted."""
        return type(self).__name__.lower()


class Unreachable(EngineError):
    """The connection failed before the first byte."""


class Overloaded(EngineError):
    """Too many requests."""

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooSlow(EngineError):
    """A time-out ran out: to connect, to the first token or between two."""


class Refused(EngineError):
    """The request or its credentials are wrong."""


class Broken(EngineError):
    """A fault of the engine."""


class Exhausted(LlmError):
    """No rung answered."""


class Interrupted(LlmError):
    """A rung broke off after text was shown."""

    def __init__(self, message: str, rest: "Sequence[Rung]") -> None:
        super().__init__(message)
        self.rest = tuple(rest)
