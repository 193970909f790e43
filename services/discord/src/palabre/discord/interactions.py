"""What people ask by commands, buttons and forms, as plain values, and how it is answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from palabre.discord.calls import Gone
from palabre.discord.messages import Body, Person

Kind = Literal["command", "completion", "button", "form"]
Value = str | int | float | bool
# Discord takes no answer later than that, in seconds since it was asked.
FIRST_S, LAST_S = 3.0, 15 * 60.0


@dataclass(frozen=True, slots=True)
class Interaction:
    """`name` is the command's, or what `Button.id` was; the token is good for a quarter of an hour.

    `values` are a command's options or a form's fields, by name; `focused` is the option that is
    being typed; `message` has the button. Where Discord has it, `locale` is the person's.
    """

    id: int
    token: str
    kind: Kind
    name: str
    person: Person
    channel: int
    server: int | None = None
    locale: str = "fr"
    values: Mapping[str, Value] = field(default_factory=dict)
    focused: str = ""
    message: int | None = None

    @property
    def language(self) -> str:
        """One that the texts of this service have."""
        return "fr" if self.locale.startswith("fr") else "en"

    def text(self, name: str) -> str:
        return str(self.values.get(name, ""))


class Suggestion(NamedTuple):
    """What completes an option: what people see, 100 characters at most, and its value."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Form:
    """Asks for one text, which may be left out; `title` and `label` have 45 characters at most."""

    id: str
    title: str
    field: str
    label: str
    most: int


class Replies(Protocol):
    """How one interaction is answered. Any call raises Gone once it is too late.

    The first one must come within three seconds. False from it: somebody else answers, because
    the interaction was told twice.
    """

    async def defer(self, *, private: bool) -> bool:
        """A first answer: it goes on."""

    async def update(self, body: Body) -> bool:
        """A first answer to a button: its message shows this from now on."""

    async def acknowledge(self) -> bool:
        """A first answer to a button: nothing needs to be said."""

    async def ask(self, form: Form) -> bool:
        """A first answer to a button: a form, which comes back as an interaction of its id."""

    async def complete(self, suggestions: Sequence[Suggestion]) -> bool:
        """A first answer to a completion, 25 at most."""

    async def show(self, body: Body) -> int:
        """What was deferred or updated shows just this; returns the message's id."""

    async def withdraw(self) -> None:
        """Takes down what was deferred, so that what is added is seen as it says itself."""

    async def add(self, body: Body, *, private: bool) -> int:
        """A further message, after the first answer; returns its id."""

    async def edit(self, message: int, body: Body) -> None:
        """One of these messages shows just this."""

    async def delete(self, message: int) -> None:
        """Takes one of them down; one that is gone is no error."""


class Answers(Protocol):
    """Who answers some of the interactions."""

    def takes(self, asked: Interaction) -> bool: ...

    async def answer(self, asked: Interaction, replies: Replies) -> None:
        """Raises nothing that is expected to happen."""


class MemoryReplies:
    """For tests without Discord: what the person sees, by message, the oldest first."""

    def __init__(self) -> None:
        self.shown: dict[int, Body] = {}
        self.suggestions: list[Suggestion] = []
        self.form: Form | None = None
        self.private: bool | None = None  # what came last
        self._was_answered = False

    async def defer(self, *, private: bool) -> bool:
        self.private = private
        return self._is_first()

    async def update(self, body: Body) -> bool:
        return self._is_first() and bool(await self.show(body))

    async def acknowledge(self) -> bool:
        return self._is_first()

    async def ask(self, form: Form) -> bool:
        self.form = form
        return self._is_first()

    async def complete(self, suggestions: Sequence[Suggestion]) -> bool:
        self.suggestions = list(suggestions)
        return self._is_first()

    async def show(self, body: Body) -> int:
        return self._put(1, body)

    async def withdraw(self) -> None:
        self.shown.pop(1, None)

    async def add(self, body: Body, *, private: bool) -> int:
        self.private = private
        return self._put(max(self.shown, default=1) + 1, body)

    async def edit(self, message: int, body: Body) -> None:
        if message not in self.shown:
            raise Gone("Unknown Message")
        self._put(message, body)

    async def delete(self, message: int) -> None:
        self.shown.pop(message, None)

    def _put(self, message: int, body: Body) -> int:
        if not self._was_answered:
            raise Gone("Unknown Webhook")
        self.shown[message] = body
        return message

    def _is_first(self) -> bool:
        is_first, self._was_answered = not self._was_answered, True
        return is_first
