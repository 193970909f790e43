"""One REST call of a bot, as tests read it and routes answer it."""

from dataclasses import dataclass, field
from typing import Any

from tests.standins.discord.bots import Bot
from tests.standins.discord.drafts import Upload
from tests.standins.discord.errors import Refusal

type Json = dict[str, Any]


@dataclass(eq=False, slots=True)
class Call:
    """`at`: seconds since 1970 by the stand-in's clock; `status` 0: answered by a reset."""

    method: str
    path: str  # without /api/v10 and the query
    at: float
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    files: list[Upload] = field(default_factory=list)
    bot: Bot | None = None
    reason: str = ""  # for the audit log
    route: str = ""
    ids: dict[str, str] = field(default_factory=dict)  # from the route's placeholders
    status: int = 0
    answer: Any = None

    @property
    def sender(self) -> Bot:
        """Raises Refusal 401."""
        if self.bot is None:
            raise Refusal(0, status=401)
        return self.bot

    def id(self, name: str) -> int:
        """Raises Refusal 50035 when what stands there is no id."""
        text = self.ids[name]
        if not text.isdigit():
            wrong = {"code": "NUMBER_TYPE_COERCE", "message": f'Value "{text}" is not snowflake.'}
            raise Refusal(50035, {f"{name}_id": {"_errors": [wrong]}})
        return int(text)

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """Of the query."""
        value = int(self.query.get(name) or default)
        if not least <= value <= most:
            message = f"int value should be between {least} and {most}."
            wrong = {"code": "NUMBER_TYPE_RANGE", "message": message}
            raise Refusal(50035, {name: {"_errors": [wrong]}})
        return value
