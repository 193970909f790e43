"""What can go wrong with speech."""


class CannotSpeak(Exception):
    """An engine cannot speak this; the message says why, without the words that were to be spoken.

    `reason` is one word, for the metrics. `blames_engine`: it would fail with another text too.
    """

    blames_engine = True

    def __init__(self, message: str, reason: str = "failed") -> None:
        super().__init__(message)
        self.reason = reason


class UnknownVoice(CannotSpeak):
    """The engine has no such voice."""

    blames_engine = False

    def __init__(self, message: str) -> None:
        super().__init__(message, "voice")


class UnknownLanguage(CannotSpeak):
    """The engine does not speak it."""

    blames_engine = False

    def __init__(self, message: str) -> None:
        super().__init__(message, "language")


class VoiceRefused(CannotSpeak):
    """Its owner does not permit it, or nothing proves that they do (palabre.chassis.voices)."""

    blames_engine = False


class Busy(CannotSpeak):
    """It speaks as much as it can. `retry_after` is in seconds, 0 when it does not say."""

    blames_engine = False

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message, "busy")
        self.retry_after = retry_after


class Unreachable(CannotSpeak):
    """The connection failed before anything was said."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "unreachable")
