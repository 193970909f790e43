"""What a space says of Discord: the table `[discord]` of its space.toml (docs/discord.md)."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from palabre.chassis.keys import Language, Name, Strict

# Discord's own ids: a string of digits, as its "Copy ID" gives them.
Snowflake = Annotated[str, Field(pattern=r"^[0-9]{17,20}$")]
Answering = Literal["never", "once", "converse"]


class Tag(Strict):
    """What a tag of a forum decides; empty: what the forum says.

    Of several tags of a post the strictest answer counts: a tag that says `never` silences the bots
    there altogether. A persona and a model are those of the first tag in the forum's table.
    """

    answer: Answering | Literal[""] = ""
    model: str = Field(default="", max_length=200)
    persona: Name | Literal[""] = ""


class Manner(Strict):
    """How answers are given in one place; empty: the persona's own way."""

    persona: Name | Literal[""] = ""
    model: str = Field(default="", max_length=200)
    language: Language | Literal[""] = ""
    address: Literal["", "tu", "vous"] = ""
    # A question that says too little is answered by asking what is missing.
    ask_back: bool = True
    # Model, tokens and cost below the answer.
    footer: bool = True


class Forum(Manner):
    """How posts of one forum are answered; `tags` by the tag's name, as people see it.

    `never` answers those alone who name a bot or reply to it; `once` the post's first message;
    `converse` also what its author adds.
    """

    channel: Snowflake
    answer: Answering = "converse"
    tags: dict[Annotated[str, Field(min_length=1, max_length=20)], Tag] = {}
    # The tag that marks a post whose author said that it is solved; empty: none.
    solved_tag: str = Field(default="", max_length=20)
    # Solved posts become knowledge: the space's consent. Their authors' names do not.
    index_solved: bool = False
    # Archived posts of so many months that have the tag are looked up when this is switched on.
    solved_months: int = Field(default=12, ge=0, le=120)
    # Who may read what was made of solved posts; to be named where not everybody reads the forum.
    tier: Name = "public"

    @model_validator(mode="after")
    def _has_a_tag(self) -> "Forum":
        if self.index_solved and not self.solved_tag:
            raise ValueError("index_solved needs solved_tag: name the tag that marks solved posts")
        return self


class Summaries(Strict):
    """`/resume`: for these roles alone; none: for those who may manage messages there."""

    roles: tuple[Snowflake, ...] = ()
    # Where a copy of each summary goes; empty: nowhere.
    log_channel: Snowflake | Literal[""] = ""
    # Messages that one is made of.
    most: int = Field(default=2000, ge=1, le=2000)
    # Images of them that are looked at, the newest.
    images: int = Field(default=10, ge=0, le=20)


class Discord(Strict):
    """Without `servers` the bots answer nowhere but in direct messages, where these are on."""

    servers: tuple[Snowflake, ...] = ()
    # Personas with a bot of their own, by persona; the others speak through the bot "default".
    bots: dict[Name, Name] = {}
    forums: tuple[Forum, ...] = ()
    # Mentions in other channels, commands and direct messages.
    elsewhere: Manner = Manner()
    mentions: bool = True
    direct_messages: bool = False
    # None: everybody, everywhere. Denials win.
    allowed_roles: tuple[Snowflake, ...] = ()
    denied_roles: tuple[Snowflake, ...] = ()
    # Channels, or categories of them.
    allowed_channels: tuple[Snowflake, ...] = ()
    denied_channels: tuple[Snowflake, ...] = ()
    # Role -> groups: what its members may read, and which budgets are theirs.
    groups: dict[Snowflake, tuple[Name, ...]] = {}
    # What people may choose by /modele and by a tag; as personas name models.
    models: tuple[str, ...] = ()
    # Messages of a chain of replies that go with a question.
    context_messages: int = Field(default=25, ge=0, le=100)
    # Answers to other bots, in a row without a person; 0: none is answered.
    answers_to_bots: int = Field(default=0, ge=0, le=10)
    summaries: Summaries = Summaries()

    @model_validator(mode="after")
    def _models_are_offered(self) -> "Discord":
        tags = [tag.model for forum in self.forums for tag in forum.tags.values()]
        wanted = [self.elsewhere.model, *(forum.model for forum in self.forums), *tags]
        for model in filter(None, wanted):
            if model not in self.models:
                raise ValueError(f"the model {model!r} is not among discord.models: add it there")
        return self

    def forum(self, channel: int | None) -> Forum | None:
        """The rules of this forum; None for a channel that is none of the space's."""
        return next((each for each in self.forums if each.channel == str(channel)), None)

    def personas(self) -> Iterator[tuple[str, str]]:
        """Every persona that is named, with its key."""
        yield from ((f"bots.{name}", name) for name in self.bots)
        yield "elsewhere.persona", self.elsewhere.persona
        for place, forum in enumerate(self.forums):
            yield f"forums.{place}.persona", forum.persona
            yield from (
                (f"forums.{place}.tags.{tag}.persona", rule.persona)
                for tag, rule in forum.tags.items()
            )
