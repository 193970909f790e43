"""Generations of an index: what shaped each of them, and its name."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, Self

from palabre.retriever.passages import TARGET
from palabre.retriever.vectors import STORED

# Counted up when sparse vectors, payloads or passages are made otherwise than before: every space
# is then indexed anew beside what serves.
LAYOUT = "2"
# Of the indexes that were made before there were generations.
FIRST_FIELDS = ("text", "title", "letters")
# Between a space and the name of one of its snapshots: in no name of a space, so that neither
# searches of people nor builds ever meet one.
_SNAPSHOT = "~"


@dataclass(frozen=True, slots=True)
class Shape:
    """All that decides which passages and vectors an index has; `embedder` empty: no dense ones.

    `longest` is how many tokens of a passage it reads; 0: not known, and passages are cut without.
    """

    layout: str = LAYOUT
    fields: tuple[str, ...] = STORED
    cut_at: int = TARGET
    embedder: str = ""
    size: int = 0
    longest: int = 0

    def described(self) -> dict[str, Any]:
        """As before there was a `longest`, where there is none: what was built stays."""
        return {key: each for key, each in asdict(self).items() if key != "longest" or each}

    @property
    def digest(self) -> str:
        return _digest(self)


@cache
def _digest(shape: Shape) -> str:
    """Every read of an index asks for it, and there are few."""
    return hashlib.sha256(json.dumps(shape.described()).encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Generation:
    """Numbers grow within a space. `recipe` are the settings by which its embedder can be made."""

    space: str
    number: int
    shape: Shape = Shape()
    recipe: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        return f"{self.space}.{self.number}-{self.shape.digest}"

    @property
    def label(self) -> str:
        """The name within its space."""
        return self.name.removeprefix(f"{self.space}.")

    def described(self) -> dict[str, Any]:
        return {
            "space": self.space,
            "number": self.number,
            "shape": self.shape.described(),
            "recipe": dict(self.recipe),
        }

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> Self:
        """Raises KeyError and TypeError for what `described` did not make."""
        shape = described["shape"] | {"fields": tuple(described["shape"]["fields"])}
        return cls(described["space"], described["number"], Shape(**shape), described["recipe"])

    @classmethod
    def before_generations(cls, space: str) -> Self:
        return cls(space, 0, Shape("1", FIRST_FIELDS, 900))


def snapshot_of(space: str, name: str) -> str:
    """Under which the index has a snapshot of a space, as if it were one."""
    return f"{space}{_SNAPSHOT}{name}"


def name_of_snapshot(space: str) -> str:
    """What `snapshot_of` was given; empty: it is no snapshot."""
    return space.partition(_SNAPSHOT)[2]


@dataclass(frozen=True, slots=True)
class State:
    """Which generations a space has, oldest first, and which one serves."""

    serving: Generation | None = None
    others: tuple[Generation, ...] = ()

    @property
    def building(self) -> list[Generation]:
        """What is newer than what serves is being made."""
        least = self.serving.number if self.serving else -1
        return [generation for generation in self.others if generation.number > least]

    @property
    def retired(self) -> list[Generation]:
        return [generation for generation in self.others if generation not in self.building]

    @property
    def all(self) -> list[Generation]:
        serving = [self.serving] if self.serving else []
        return sorted([*self.others, *serving], key=lambda generation: generation.number)

    def role(self, generation: Generation) -> str:
        if generation == self.serving:
            return "serving"
        return "building" if generation in self.building else "retired"

    @property
    def next_number(self) -> int:
        return max((generation.number for generation in self.all), default=0) + 1


def states(generations: Iterable[Generation], aliases: Mapping[str, str]) -> dict[str, State]:
    """By space. `aliases` has the serving generation's name by space.

    A space without an alias, or whose alias leads nowhere, is served by its oldest generation:
    newer ones may be unfinished.
    """
    by_space: dict[str, list[Generation]] = {}
    for generation in sorted(generations, key=lambda generation: generation.number):
        by_space.setdefault(generation.space, []).append(generation)
    return {space: _state(found, aliases.get(space)) for space, found in by_space.items()}


def _state(found: Collection[Generation], alias: str | None) -> State:
    serving = next((each for each in found if each.name == alias), next(iter(found)))
    return State(serving, tuple(each for each in found if each != serving))
