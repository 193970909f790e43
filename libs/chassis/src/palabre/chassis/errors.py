"""What a handler may raise, split by what can be done about it.

Reject        never: the event is dead-lettered
Busy          not now, somebody else holds the conversation: handed back
Unavailable   our own infrastructure is away: handed back, with a delay
Erased        the conversation is gone: forgotten without a trace
"""


class Reject(Exception):
    """The event can never succeed. The message names what is wrong, never a user's words."""


class Busy(Exception):
    """Another turn of the conversation is being answered."""


class Unavailable(Exception):
    """Our own infrastructure did not answer; tried again after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Erased(Exception):
    """The conversation was erased: nothing more is written of it, not even a dead letter."""
