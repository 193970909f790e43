"""Engines: a model behind a small Protocol, registered by the entry-point group of this name."""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from palabre.contracts.v1.turns_pb2 import Passage, Sampling, Usage
from palabre.llm.settings import Settings

GROUP = "palabre.llm.engines"

Piece = str | Usage
Pieces = AsyncGenerator[Piece, None]
Schema = Mapping[str, Any]  # JSON Schema of an object


class Image(NamedTuple):
    """A picture beside the words of a message; `detail` is how closely a model shall look."""

    media_type: str
    data: bytes
    detail: Literal["low", "high", "auto"] = "high"


class Message(NamedTuple):
    """One message of a prompt. An engine that takes no images leaves them out."""

    role: Literal["system", "user", "assistant"]
    content: str
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class Material:
    """What an answer is made of, for an engine that reads no prompt."""

    question: str
    passages: tuple[Passage, ...] = ()
    language: str = ""
    address: Literal["vous", "tu"] = "vous"
    where_to_turn: str = ""
    mode: Literal["answer", "story"] = "answer"


@dataclass(frozen=True, slots=True)
class Completion:
    """What is asked of an engine. `model` is filled in by the ladder.

    `about_images`: without its images it means nothing, and a model that takes none refuses.
    """

    messages: tuple[Message, ...]
    model: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    material: Material | None = None
    about_images: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """A structured completion: a JSON object, not yet checked, and what it cost."""

    values: Mapping[str, Any]
    usage: Usage


class Engine(Protocol):
    """A model or a vendor. `name` is short, lower case, and the same in metrics and usage."""

    name: str

    def stream(self, completion: Completion) -> Pieces:
        """Text as it is written, never empty, then exactly one Usage. Raises EngineError.

        Closing the iterator stops the work. Any number may run at the same time.
        """

    async def close(self) -> None:
        """Nothing is asked any more."""


@runtime_checkable
class Judge(Protocol):
    """An engine that also answers with a JSON object."""

    async def judge(self, completion: Completion, schema: Schema) -> Verdict:
        """Raises EngineError, also when the answer is no JSON object."""


@runtime_checkable
class Limited(Protocol):
    """An engine whose provider says how much may still be asked of it."""

    def closed_for(self, model: str) -> float:
        """Seconds until something is left of it; 0 when something is."""


@runtime_checkable
class Seer(Protocol):
    """An engine some of whose models take images."""

    def sees(self, model: str) -> bool:
        """As far as is known: what a server refused once is known from then on."""


@runtime_checkable
class Served(Protocol):
    """An engine behind an address, with models of its own."""

    async def models(self) -> list[str]:
        """Their names, as the server tells them. Raises EngineError."""

    def form(self, model: str) -> str:
        """How it is asked for a JSON object, as `presets.Structured` names it."""


class Rung(NamedTuple):
    """One step of a ladder."""

    engine: Engine
    model: str

    @property
    def sees(self) -> bool:
        return isinstance(self.engine, Seer) and self.engine.sees(self.model)


Build = Callable[[Settings], Mapping[str, Engine]]


def build(settings: Settings) -> dict[str, Engine]:
    """Every engine that is installed and set up, by the name that settings and personas use."""
    engines: dict[str, Engine] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        make: Build = point.load()
        engines |= make(settings)
    return engines
