"""An engine for tests: it says what it is told to, and breaks where it is told to."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from palabre.contracts.v1.turns_pb2 import Usage
from palabre.llm import tokens
from palabre.llm.engines import Completion, Pieces, Schema, Verdict
from palabre.llm.errors import EngineError

Step = str | float | EngineError  # a piece of text, seconds of silence, a fault


@dataclass(slots=True, eq=False)
class Scripted:
    """Each call takes the next script; the last one is used again. `asked` keeps the calls."""

    scripts: Sequence[Sequence[Step]] = (("Bonjour.",),)
    verdict: Mapping[str, Any] | EngineError = field(default_factory=dict)
    verdict_after: float = 0.0  # seconds
    name: str = "scripted"
    seeing: bool = False
    asked: list[Completion] = field(default_factory=list)
    judged: list[Completion] = field(default_factory=list)
    closed: int = 0  # streams that were closed, to their end or before

    async def stream(self, completion: Completion) -> Pieces:
        script = self.scripts[min(len(self.asked), len(self.scripts) - 1)]
        self.asked.append(completion)
        written = 0
        try:
            for step in script:
                if isinstance(step, EngineError):
                    raise step
                if isinstance(step, str):
                    written += len(step)
                    yield step
                else:
                    await asyncio.sleep(step)
            yield self._usage(completion, written)
        finally:
            self.closed += 1

    async def judge(self, completion: Completion, schema: Schema) -> Verdict:
        self.judged.append(completion)
        await asyncio.sleep(self.verdict_after)
        if isinstance(self.verdict, EngineError):
            raise self.verdict
        return Verdict(self.verdict, self._usage(completion, 0))

    def sees(self, model: str) -> bool:
        return self.seeing

    async def close(self) -> None:
        """Nothing is open."""

    def _usage(self, completion: Completion, written: int) -> Usage:
        return Usage(
            engine=self.name,
            model=completion.model,
            prompt_tokens=tokens.estimate(*(m.content for m in completion.messages)),
            completion_tokens=tokens.estimate("x" * written),
        )
