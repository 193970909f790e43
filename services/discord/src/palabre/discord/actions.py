"""The buttons below an answer, by what they do. What a click brings back is its id alone."""

from typing import Literal, NamedTuple, Self, get_args

from palabre.discord.messages import Button
from palabre.discord.texts import say

Action = Literal["up", "down", "again", "stop", "sources"]
_SHOWN: dict[Action, str] = {"up": "👍", "down": "👎", "again": "↻", "stop": "⏹", "sources": "📚"}


class Pressed(NamedTuple):
    """Which button of which answer: `p:<action>:<conversation>:<turn>`, at most 100 characters."""

    action: Action
    conversation: str
    turn: str

    def __str__(self) -> str:
        return ":".join(("p", *self))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for what is no button of an answer."""
        kind, *parts = text.split(":")
        for action in get_args(Action):
            if kind == "p" and len(parts) == 3 and parts[0] == action:
                return cls(action, *parts[1:])
        return None


def while_running(conversation: str, turn: str, language: str) -> tuple[Button, ...]:
    return (_button("stop", conversation, turn, language),)


def when_done(
    conversation: str, turn: str, language: str, *, rated: bool, again: bool, sources: bool
) -> tuple[Button, ...]:
    """👍 and 👎 where it can be rated, ↻ where it can be asked again, and its sources."""
    wanted: dict[Action, bool] = {"up": rated, "down": rated, "again": again, "sources": sources}
    return tuple(
        _button(action, conversation, turn, language) for action, shown in wanted.items() if shown
    )


def _button(action: Action, conversation: str, turn: str, language: str) -> Button:
    label = say(f"actions.{action}", language)
    return Button(
        id=str(Pressed(action, conversation, turn)),
        label=label,
        emoji=_SHOWN[action],
        is_danger=action == "stop",
    )
