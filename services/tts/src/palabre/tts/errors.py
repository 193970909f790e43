"""What can go wrong with speech."""


class CannotSpeak(Exception):
    """An engine cannot speak this; the message says why, without the words that were to be spoken.

    `reason` is one word, for the metrics.
    """

    def __init__(self, message: str, reason: str = "failed") -> None:
        super().__init__(message)
        self.reason = reason


class UnknownVoice(CannotSpeak):
    """The engine has no such voice."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "voice")


class VoiceRefused(CannotSpeak):
    """Its owner does not permit it, or nothing proves that they do (palabre.chassis.voices)."""
