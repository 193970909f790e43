"""The best passages of a search are read once more, beside the question, by a cross-encoder."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from palabre.chassis import tracing
from palabre.chassis.errors import Unavailable
from palabre.chassis.telemetry import ENGINE_FAILURES
from palabre.retriever.engines.port import Reranker
from palabre.retriever.passages import Indexed


@dataclass(frozen=True, slots=True)
class Reranking:
    """One call for all, within `budget_s`. `floor` is on the reranker's scores, not on coverage."""

    reranker: Reranker
    candidates: int = 20
    budget_s: float = 0.3
    floor: float = 0.3

    async def judge(self, question: str, candidates: Sequence[Indexed]) -> list[Indexed] | None:
        """The first ones, best first, their scores as relevance; None when late or failing."""
        judged = list(candidates[: self.candidates])
        if not judged:
            return []
        try:
            with tracing.step("rerank", tracing.CLIENT, {"palabre.engine": self.reranker.name}):
                async with asyncio.timeout(self.budget_s):
                    scores = await self.reranker.scores(question, [_read(each) for each in judged])
        except (TimeoutError, Unavailable) as error:
            reason = "late" if isinstance(error, TimeoutError) else "unavailable"
            ENGINE_FAILURES.labels(f"reranker:{self.reranker.name}", reason).inc()
            return None
        for each, score in zip(judged, scores, strict=True):
            each.passage.relevance = each.passage.score = score
        return sorted(judged, key=lambda each: -each.passage.relevance)


def _read(candidate: Indexed) -> str:
    """A passage as a person reads it: below its title and headings."""
    passage = candidate.passage
    where = " › ".join(dict.fromkeys(filter(None, (passage.title, *passage.heading_path))))
    return f"{where}\n{passage.text}"
