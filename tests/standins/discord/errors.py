"""What Discord refuses, in its own words.

https://docs.discord.com/developers/topics/opcodes-and-status-codes#json
Those of 30034, 40058, 50083 and 160002 are as bug reports of bots show them (discord-api-docs 6340,
7707; pycord 1637; undiscord 399); the status of 160005 is a guess.
"""

from typing import Any

type Json = dict[str, Any]

KNOWN = {
    0: (404, "404: Not Found"),
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10013: (404, "Unknown User"),
    10014: (400, "Unknown Emoji"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    10063: (404, "Unknown application command"),
    30032: (400, "Maximum number of application commands reached (100)"),
    30034: (400, "Max number of daily application command creates has been reached (200)"),
    40005: (413, "Request entity too large"),
    40058: (
        403,
        "Cannot message this thread until after the post author has sent an initial message.",
    ),
    40060: (400, "Interaction has already been acknowledged."),
    50001: (403, "Missing Access"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50008: (400, "Cannot send messages in a non-text channel"),
    50013: (403, "Missing Permissions"),
    50024: (400, "Cannot execute action on this channel type"),
    50027: (401, "Invalid Webhook Token"),
    50035: (400, "Invalid Form Body"),
    50083: (400, "Thread is archived"),
    50109: (400, "The request body contains invalid JSON."),
    160002: (403, "Cannot reply without permission to read message history"),
    160004: (400, "A thread has already been created for this message"),
    160005: (400, "Thread is locked"),
}
UNAUTHORIZED = (401, "401: Unauthorized")


class Refusal(Exception):
    """An answer that is no success: status, code, message, and which field is wrong."""

    def __init__(self, code: int, errors: Json | None = None, *, status: int = 0) -> None:
        known_status, message = UNAUTHORIZED if status == 401 and code == 0 else KNOWN[code]
        self.status, self.code, self.message = status or known_status, code, message
        self.errors = errors
        super().__init__(f"{self.status} {code}: {message} {errors or ''}".rstrip())

    @property
    def body(self) -> Json:
        wrong = {"errors": self.errors} if self.errors else {}
        return {"message": self.message, "code": self.code, **wrong}


class Form:
    """Collects what is wrong with a body, field by field."""

    def __init__(self) -> None:
        self.errors: Json = {}

    def wrong(self, path: str, code: str, message: str) -> None:
        """`path` is dotted: `embeds.0.title`."""
        place = self.errors
        for key in path.split("."):
            place = place.setdefault(key, {})
        place.setdefault("_errors", []).append({"code": code, "message": message})

    def require(self, right: Any, path: str, code: str, message: str) -> None:
        if not right:
            self.wrong(path, code, message)

    def length(self, path: str, value: Any, most: int, least: int = 0) -> None:
        """The length of a string or an array, missing ones being empty."""
        size = len(value or "")
        if size > most:
            self.wrong(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
        elif not size and least:
            self.wrong(path, "BASE_TYPE_REQUIRED", "This field is required")
        elif size < least:
            self.wrong(path, "BASE_TYPE_MIN_LENGTH", f"Must be {least} or more in length.")

    def choice(self, path: str, value: Any, allowed: Any) -> None:
        values = ", ".join(map(str, allowed))
        message = f"Value must be one of {{{values}}}."
        self.require(value in allowed, path, "BASE_TYPE_CHOICES", message)

    def check(self) -> None:
        """Raises Refusal 50035 when anything is wrong."""
        if self.errors:
            raise Refusal(50035, self.errors)
