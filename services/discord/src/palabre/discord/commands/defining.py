"""What a slash command is, and what it is given when somebody uses it."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from palabre.chassis.budgets import Budgets
from palabre.chassis.directory import Spaces
from palabre.chassis.leases import Leases
from palabre.chassis.spaces import Space
from palabre.discord.access import Access
from palabre.discord.begun import Begun
from palabre.discord.choices import Choices
from palabre.discord.conversations import Conversations
from palabre.discord.erasing import Erasing
from palabre.discord.files import Files
from palabre.discord.interactions import Interaction, Replies, Suggestion
from palabre.discord.messages import Body, Button, Person, Place
from palabre.discord.routing import Ask, Surroundings, decide_command
from palabre.discord.sending import Discord
from palabre.discord.showing import Pace
from palabre.discord.texts import counted, say

if TYPE_CHECKING:  # this name is in the stubs' types only
    from palabre.contracts.v1.archive_pb2_grpc import ArchiveServiceAsyncStub
    from palabre.contracts.v1.llm_pb2_grpc import LlmServiceAsyncStub

Type = Literal["text", "yes-no", "number", "channel"]


@dataclass(frozen=True, slots=True)
class Option:
    """`english` is its name for people whose Discord speaks English."""

    name: str
    english: str
    type: Type = "text"
    is_required: bool = False
    completes: bool = False
    most: int = 0  # characters, or the largest number; 0: Discord's own limit


@dataclass(frozen=True, slots=True)
class Command:
    """Answered privately unless `is_private` says otherwise of what was asked."""

    name: str
    english: str
    run: Callable[["Call"], Awaitable[None]]
    options: tuple[Option, ...] = ()
    is_private: Callable[[Interaction], bool] = lambda asked: True
    complete: Callable[["Call"], Awaitable[list[Suggestion]]] | None = None
    # Buttons below its answers, by the second word of their ids: `c:<word>:…`.
    buttons: Mapping[str, Callable[["Call"], Awaitable[None]]] = field(default_factory=dict)
    in_direct_messages: bool = True


@dataclass(frozen=True, slots=True)
class Desk:
    """What commands work with: one per bot."""

    bot: str
    spaces: Spaces
    around: Callable[[], Surroundings]
    choices: Choices
    conversations: Conversations
    erased: Collection[str]
    budgets: Budgets
    archive: "ArchiveServiceAsyncStub"
    erasing: Erasing
    standings: Callable[[], Mapping[str, str]]
    latency_s: Callable[[], float]
    discord: Discord
    access: Access
    files: Files
    llm: "LlmServiceAsyncStub"
    leases: Leases
    begun: Begun
    pace: Pace
    reads: bool  # it may read what people write without naming it


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody used a command there; the first answer was given.

    `is_private`: its asker alone sees it. `is_again`: it had begun before a restart.
    """

    asked: Interaction
    replies: Replies
    place: Place
    person: Person
    desk: Desk
    is_again: bool = False
    is_private: bool = True

    @property
    def language(self) -> str:
        return self.asked.language

    def say(self, key: str, **values: object) -> str:
        """The text "commands.<key>" in the person's language."""
        return say(f"commands.{key}", self.language, "vous", **values)

    def counted(self, key: str, count: int) -> str:
        """So many of them, in words."""
        return counted(f"commands.{key}", count, self.language)

    async def show(self, text: str, *buttons: Button) -> None:
        """For the asker alone, also where an answer would be for all."""
        body = Body(content=text, buttons=buttons)
        if self.is_private:
            await self.replies.show(body)
        else:
            await self.replies.withdraw()
            await self.replies.add(body, private=True)

    async def decide(self) -> Ask | None:
        """How a question would be answered here; None: the person was told why not."""
        choice = self.desk.choices.of(self.place)
        around, bot = self.desk.around(), self.desk.bot
        decided = decide_command(self.person, self.place, around, bot, choice)
        if isinstance(decided, Ask):
            return decided
        await self.show(say(f"routing.{decided.reason}", self.language))
        return None

    def space(self, ask: Ask) -> Space:
        return self.desk.spaces.get(ask.space)
