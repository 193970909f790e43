"""One thing that a person asked of an application: a command, a button, a form, a completion."""

from dataclasses import dataclass, field

from tests.standins.discord.bots import Bot
from tests.standins.discord.clock import Clock
from tests.standins.discord.state import Channel, Guild, Json, Message, User

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5
FIRST_S, TOKEN_S = 3.0, 900.0  # to the first response, and of the token's life


@dataclass(eq=False, slots=True)
class Interaction:
    """`source`: the message whose component was used.

    `original` is the first response (or, after an update, the source), `followups` the later ones;
    `choices` answers a completion, `modal` is the form that was opened.
    """

    id: int
    token: str
    kind: int
    bot: Bot
    user: User
    channel: Channel
    data: Json
    clock: Clock
    created_at: float
    source: Message | None = None
    response: int = 0  # the type of the callback, once there was one
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)
    choices: list[Json] | None = None
    modal: Json | None = None

    @property
    def guild(self) -> Guild | None:
        return self.channel.guild

    @property
    def age(self) -> float:
        """Seconds."""
        return self.clock.now() - self.created_at

    @property
    def failed(self) -> bool:
        """« The application did not respond », which is what the person reads."""
        return not self.response and self.age > FIRST_S

    @property
    def thinking(self) -> bool:
        original = self.original
        return bool(original and original.loading and original.id in original.channel.messages)

    @property
    def answers(self) -> list[Message]:
        """What the person reads in answer, the oldest first; what was deleted is not there."""
        if self.original is None or self.thinking:
            return []
        answers = [self.original, *self.followups]
        return [each for each in answers if each.id in each.channel.messages]
