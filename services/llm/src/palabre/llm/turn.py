"""A turn while it is answered."""

from collections.abc import Sequence
from dataclasses import dataclass

from palabre.chassis.budgets import Spent
from palabre.chassis.spaces import Persona, Space
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2 as turns
from palabre.llm import categories, clarifying, replies
from palabre.llm.citations import Pair, Supporting, as_cited
from palabre.llm.courtesies import courtesy
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

    def instead(self) -> str:
        """What is said in place of an answer: the key of help, a calm word, a question back, where
        to turn. Empty when the turn is answered.
        """
        lack = self.lack()
        answerable = not self.spent and not lack and (self.is_story or bool(self.quotable))
        return categories.refusal(self.guard, answerable=answerable) or (
            "cannot_see_alone" if self.speechless else lack or self._off_topic()
        )

    def lack(self) -> str:
        """The key of the question that is asked back, once, where one may be; or empty."""
        received = self.received
        may = received.utterance.may_ask and not self.is_story
        if not may or (received.history and replies.asks(received.history[-1].answer)):
            return ""
        found = clarifying.lack(
            received.utterance.text,
            shows=bool(received.utterance.attachments),
            follows=bool(received.history),
        )
        return clarifying.question(found, received, quotable=bool(self.quotable))

    def _off_topic(self) -> str:
        """A search that finds something goes before a model's word that there is nothing."""
        asked = self.received.utterance.text
        answered = (
            self.is_story or self.quotable or courtesy(asked) or clarifying.is_personal(asked)
        )
        return "off_topic" if "off-topic" in self.guard and not answered else ""

    def told(self, key: str) -> str:
        """All that is said in place of an answer."""
        if key == "off_topic":
            where_to_turn = self.space.text(self.space.no_knowledge, self.language)
            return "\n\n".join(filter(None, (self.say(key), where_to_turn)))
        missing = self.received.understanding.missing if key == "ask_for" else ()
        return "\n".join([self.say(key), *(f"- {each}" for each in missing)])

    def mode(self, key: str) -> "turns.AnswerMode.ValueType":
        """Of what is said in place of an answer."""
        if key == "off_topic":
            return turns.ANSWER_MODE_NO_KNOWLEDGE
        if key == "cannot_see_alone":
            return turns.ANSWER_MODE_ASKS if self.lack() else turns.ANSWER_MODE_NO_KNOWLEDGE
        return turns.ANSWER_MODE_ASKS if key in replies.ASKING else turns.ANSWER_MODE_REFUSED

    @property
    def speechless(self) -> bool:
        return self.unseen and not self.received.utterance.text.strip()
