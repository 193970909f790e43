"""What can go wrong with speech."""

from collections.abc import Iterable
from itertools import islice
from typing import Self

from palabre.chassis.voices import CLONE


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

    @classmethod
    def among(cls, engine: str, voice: str, known: Iterable[str]) -> Self:
        """Where the engine has others; it need not list them all."""
        if voice.startswith(CLONE):
            return cls(f"{engine} clones no voice: set up an engine that does (docs/voices.md)")
        some = ", ".join(islice(known, 4)) or "one that is registered"
        return cls(f"{engine} has no voice {voice[:40]!r}: choose another, such as {some}")


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
