"""A turn while it is answered."""

from collections.abc import Sequence
from dataclasses import dataclass

from palabre.chassis.budgets import Spent
from palabre.chassis.spaces import Persona, Space
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2 as turns
from palabre.llm import categories, replies
from palabre.llm.citations import Pair, Supporting, as_cited
from palabre.llm.draft import Draft
from palabre.llm.engines import Image
from palabre.llm.grounding import Grounds
from palabre.llm.verification import Cited


@dataclass(slots=True)
class Turn:
    """What is known of the turn, and what has become of it."""

    event: pb.Event
    space: Space
    persona_name: str
    persona: Persona
    guard: set[str]
    begun: float
    pictures: tuple[Image, ...] = ()
    frugal: bool = False  # a budget is spent, and cheaper models answer
    unseen: bool = False  # the person attached an image, and nobody can tell what it shows
    spent: Spent | None = None  # the budget that refuses it
    draft: Draft | None = None
    first_delta_ms: float = 0.0
    ended: bool = False

    @property
    def received(self) -> pb.PassagesRetrieved:
        return self.event.passages_retrieved

    @property
    def language(self) -> str:
        return self.received.understanding.language or self.space.languages[0]

    @property
    def shown(self) -> str:
        return self.draft.text if self.draft else ""

    def say(self, key: str) -> str:
        return replies.of(self.language, self.persona.address)(key)

    @property
    def quotable(self) -> Sequence[turns.Passage]:
        """Passages that answer, as far as a search can tell."""
        return () if self.received.doubtful else self.received.passages

    @property
    def is_story(self) -> bool:
        return self.persona.mode == "story"

    def supporting(self) -> Supporting:
        """A story is inspired by what it cites: it says something else."""
        if self.is_story:
            return as_cited
        asked = f"{self.received.utterance.text} {self.received.understanding.question}"
        return Grounds(self.received.passages, asked, self.language).supporting

    def cited(self, pairs: Sequence[Pair]) -> Cited:
        asked = self.received.understanding.question or self.received.utterance.text
        return Cited(asked, self.language, self.received.passages, pairs)

    def hopeless(self, *, void: bool) -> "pb.FailureReason.ValueType | None":
        """Why it ends before it begins. Help lines are given whatever was spent."""
        if self.spent and not categories.refusal(self.guard, answerable=False):
            return pb.FAILURE_REASON_BUDGET
        lost = void and not self.received.utterance.replaceable
        return pb.FAILURE_REASON_INTERRUPTED if lost else None

    def excuse(self, reason: "pb.FailureReason.ValueType") -> str:
        """The key of a sentence."""
        if self.spent:
            return self.spent.phrase
        return "interrupted" if reason == pb.FAILURE_REASON_INTERRUPTED else "unavailable"

    def refusal(self) -> str:
        answerable = not self.spent and (self.is_story or bool(self.quotable))
        speechless = self.unseen and not self.received.utterance.text.strip()
        return categories.refusal(self.guard, answerable=answerable) or (
            "cannot_see_alone" if speechless else ""
        )
