"""Whether passages say what cites them, as a model reads them; after words were compared.

A model can only take away: what the lexical check removed stays removed. A passage that talks one
into something gains no mark by it, and may at worst lose some.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from palabre.contracts.v1.turns_pb2 import Passage, Sampling, Usage
from palabre.llm import meters, spending
from palabre.llm.citations import Pair
from palabre.llm.engines import Completion, Schema
from palabre.llm.errors import LlmError
from palabre.llm.grounding import Source
from palabre.llm.ladder import Ladder
from palabre.llm.prompts import Prompting

log = structlog.get_logger()

MOST = 40  # pairs of one answer; what comes after them stands
LEFT = 0.5  # of the time until the turn's deadline that may go into it
SAMPLING = Sampling(temperature=0.0, max_tokens=1_000)

_VERDICT = {
    "type": "object",
    "properties": {"claim": {"type": "integer"}, "supported": {"type": "boolean"}},
    "required": ["claim", "supported"],
    "additionalProperties": False,
}
SCHEMA: Schema = {
    "type": "object",
    "properties": {"verdicts": {"type": "array", "items": _VERDICT}},
    "required": ["verdicts"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Cited:
    """What an answer to the question cites for what; numbers of passages count from 1."""

    question: str
    language: str
    passages: Sequence[Passage]
    pairs: Sequence[Pair]

    def open(self) -> list[Pair]:
        """Those that are no quotation word for word: only they need to be read."""
        sources = {pair.number: Source(self.passages[pair.number - 1]) for pair in self.pairs}
        return [pair for pair in self.pairs if not sources[pair.number].says(pair.claim)]


@dataclass(frozen=True, slots=True)
class Verification:
    """At most one structured call an answer, and never later than `timeout_s`."""

    ladder: Ladder
    prompting: Prompting
    model: str
    timeout_s: float = 3.0

    async def verdicts(self, cited: Cited, seconds_left: float) -> Mapping[Pair, bool]:
        """Whether its passage supports it, of each pair that the model judged.

        None where it is late, broken or talks nonsense. `seconds_left`: until the turn's deadline.
        """
        if not (pairs := cited.open()[:MOST]):
            return {}
        outcome, found = "failed", dict[Pair, bool]()
        try:
            async with asyncio.timeout(min(self.timeout_s, LEFT * seconds_left)):
                rungs = self.ladder.judges((self.model,))[:1]
                verdict = await self.ladder.judge(self._completion(cited, pairs), SCHEMA, rungs)
            found = understood(verdict.values, pairs)
            outcome = "judged" if found else "nonsense"
        except TimeoutError:
            outcome = "late"
        except LlmError as error:
            log.warning("citations not verified", reason=type(error).__name__)
        meters.verified(outcome)
        return found

    def at_most(self, cited: Cited) -> Usage | None:
        """What the call may take; None where none will be made."""
        rungs = self.ladder.judges((self.model,))[:1]
        return spending.at_most(rungs, self._completion(cited, cited.pairs))

    def _completion(self, cited: Cited, pairs: Sequence[Pair]) -> Completion:
        messages = self.prompting.verification(
            cited.question, cited.language, cited.passages, pairs
        )
        return Completion(messages, sampling=SAMPLING)


def understood(values: Mapping[str, Any], pairs: Sequence[Pair]) -> dict[Pair, bool]:
    """What a model said of the pairs, by their place from 1; nothing where any of it is nonsense.

    A pair of which it said nothing is not among them.
    """
    given = values.get("verdicts")
    found: dict[Pair, bool] = {}
    for each in given if isinstance(given, list) else ():
        match each:
            case {"claim": int(place), "supported": bool(supported)} if (
                0 < place <= len(pairs) and pairs[place - 1] not in found
            ):
                found[pairs[place - 1]] = supported
            case _:
                return {}
    return found
