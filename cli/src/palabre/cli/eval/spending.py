"""The model that drafts, asked within a number of calls, and what that costs."""

from dataclasses import dataclass

from palabre.cli.server import Trouble
from palabre.contracts.v1.turns_pb2 import Sampling, Usage
from palabre.llm import counting, engines
from palabre.llm.engines import Completion, Message, Schema, Verdict
from palabre.llm.ladder import Ladder
from palabre.llm.prices import Prices
from palabre.llm.settings import Settings

# Writing a dozen questions takes longer than an answer's first token.
WRITING_S = 180.0


class LimitReached(Exception):
    """No further call may be made."""


@dataclass(slots=True)
class Spent:
    """`micros` is None from the first call whose price nobody knows."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    micros: int | None = 0
    currency: str = ""

    def add(self, usage: Usage) -> None:
        self.prompt_tokens += usage.prompt_tokens
        self.completion_tokens += usage.completion_tokens
        known = usage.cost_known and self.micros is not None
        self.micros = (self.micros or 0) + usage.cost_micros if known else None
        self.currency = usage.currency or self.currency

    def __str__(self) -> str:
        counted = f"{self.calls} calls, {self.prompt_tokens} + {self.completion_tokens} tokens"
        if self.micros is None:
            return f"{counted}, price unknown"
        return f"{counted}, {self.micros / 1e6:.4f} {self.currency}".rstrip()


class Model:
    """The first model of the settings, with the others to fall back on."""

    def __init__(self, settings: Settings, limit: int) -> None:
        patient = settings.model_copy(update={"llm_first_token_timeout_s": WRITING_S})
        self._engines = engines.build(patient)
        self._ladder = Ladder(self._engines, settings.models)
        self._rungs = self._ladder.judges()
        if not self._rungs:
            raise Trouble(
                "no model: set PALABRE_LLM_MODEL and PALABRE_LLM_API_KEY, or PALABRE_LLM_BASE_URL"
                " for a server of your own"
            )
        self._limit = limit
        self._prices = Prices.of(settings)
        self.spent = Spent()

    @property
    def name(self) -> str:
        return self._rungs[0].model

    @property
    def is_spent(self) -> bool:
        return self.spent.calls >= self._limit

    async def ask(self, messages: tuple[Message, ...], schema: Schema, seed: int) -> Verdict:
        """Raises LimitReached and LlmError."""
        if self.is_spent:
            raise LimitReached
        self.spent.calls += 1
        asked = Completion(messages, sampling=Sampling(seed=seed))
        verdict = await self._ladder.judge(asked, schema, self._rungs)
        self._prices.fill(verdict.usage)
        self.spent.add(verdict.usage)
        return verdict

    def estimate(self, spent: Spent, messages: tuple[Message, ...], answer_tokens: int) -> None:
        """Adds what this call will cost, about, as far as the limit lets it."""
        if spent.calls < self._limit:
            usage = counting.estimate(
                self._rungs[0].engine.name, Completion(messages, self.name), 0
            )
            usage.completion_tokens = answer_tokens
            self._prices.fill(usage)
            spent.calls += 1
            spent.add(usage)

    async def close(self) -> None:
        for engine in self._engines.values():
            await engine.close()
