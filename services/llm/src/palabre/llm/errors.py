"""What may go wrong with engines, split by what the caller can do.

LlmError
├── EngineError        this engine does not answer: the next rung of the ladder may
│   ├── Unreachable    the connection failed before the first byte: again at once, once
│   ├── Overloaded     too many requests: leave the engine alone for `retry_after` seconds
│   ├── OutOfQuota     nothing is left on the account: an operator has to pay
│   ├── NoSlot         our own bound of calls at the same time: nobody was asked
│   ├── TooSlow        a time-out ran out
│   ├── Refused        the request is wrong: an operator has to look
│   │   ├── WrongKey       or its key is
│   │   ├── UnknownModel   or the name of its model
│   │   └── Blind          the model takes no images
│   └── Broken         a fault of the engine: status 5xx, a cut stream, nonsense
├── Exhausted          no rung answered: apologise
└── Interrupted        a rung broke off after text was shown: begin again with `rest`, or apologise
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from palabre.contracts.v1.turns_pb2 import Usage
    from palabre.llm.engines import Rung

_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


class LlmError(Exception):
    """Messages name engines, models and statuses, never a user's words."""


class EngineError(LlmError):
    """This engine does not answer."""

    usage: "Usage | None" = None  # what the provider says that the failed call took

    @property
    def reason(self) -> str:
        """The label under which it is counted."""
        return _CAPITAL.sub("_", type(self).__name__).lower()


class Unreachable(EngineError):
    """The connection failed before the first byte."""


class Overloaded(EngineError):
    """Too many requests."""

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OutOfQuota(EngineError):
    """Nothing is left on the account."""


class NoSlot(EngineError):
    """As many calls as are allowed at the same time are in hand."""


class TooSlow(EngineError):
    """A time-out ran out: to connect, to the first token or between two."""


class Refused(EngineError):
    """The request is wrong."""


class WrongKey(Refused):
    """The key is missing, wrong, or may not do this."""


class UnknownModel(Refused):
    """The server has no model of this name."""


class Blind(Refused):
    """The model takes no images."""


class Broken(EngineError):
    """A fault of the engine."""


class Exhausted(LlmError):
    """No rung answered."""


class Interrupted(LlmError):
    """A rung broke off after text was shown."""

    def __init__(self, message: str, rest: "Sequence[Rung]") -> None:
        super().__init__(message)
        self.rest = tuple(rest)
