"""What engines do, counted: the only place that observes them."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from palabre.chassis import telemetry, tracing
from palabre.chassis.spaces import MICROS
from palabre.chassis.tracing import Span
from palabre.contracts.v1.turns_pb2 import Usage
from palabre.llm import metrics
from palabre.llm.citations import Citations
from palabre.llm.engines import Rung
from palabre.llm.errors import EngineError


def first_token(rung: Rung, call: Span, seconds: float) -> None:
    call.add_event("first token")
    call.set_attribute("gen_ai.response.time_to_first_chunk", seconds)
    telemetry.observe(metrics.ENGINE_FIRST_TOKEN.labels(rung.engine.name, rung.model), seconds)


@contextlib.contextmanager
def called(rung: Rung, purpose: str) -> Iterator[Span]:
    """The span of a call, after OpenTelemetry's conventions for generative AI."""
    values = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": rung.engine.name,
        "gen_ai.request.model": rung.model,
        "palabre.purpose": purpose,
    }
    with tracing.step(f"chat {rung.model or rung.engine.name}", tracing.CLIENT, values) as span:
        yield span


def told(span: Span, usage: Usage) -> None:
    span.set_attributes({
        "gen_ai.usage.input_tokens": usage.prompt_tokens,
        "gen_ai.usage.output_tokens": usage.completion_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
    })  # fmt: skip


def used(usage: Usage) -> None:
    for kind in ("prompt", "completion", "cached"):
        count = getattr(usage, f"{kind}_tokens")
        telemetry.ENGINE_TOKENS.labels(usage.engine, usage.model, kind).inc(count)
    if usage.cost_known and usage.cost_micros:
        cost = metrics.ENGINE_COST.labels(usage.engine, usage.model, usage.currency)
        cost.inc(usage.cost_micros / MICROS)


def failed(rung: Rung, error: EngineError, seconds: float) -> None:
    """`seconds` went into a call that gave no whole answer."""
    telemetry.ENGINE_FAILURES.labels(rung.engine.name, error.reason).inc()
    metrics.ENGINE_LOST.labels(rung.engine.name).inc(seconds)
    values = {"engine": rung.engine.name, "model": rung.model, "reason": error.reason}
    tracing.current().add_event("engine failed", values)


def described(outcome: str) -> None:
    """An image that something asked for in words: described, known, no_model or failed."""
    metrics.IMAGES_DESCRIBED.labels(outcome).inc()


def model_ignored(space: str) -> None:
    """A person's choice that the space does not offer, or whose endpoint is not set up."""
    metrics.MODELS_IGNORED.labels(space).inc()


@contextlib.contextmanager
def waiting(engine: str) -> Iterator[None]:
    """For one of the engine's slots."""
    begun = time.monotonic()
    try:
        yield
    finally:
        telemetry.observe(metrics.ENGINE_SLOT_WAIT.labels(engine), time.monotonic() - begun)


def watch(engines: Iterable[str], left_alone: Callable[[str], int]) -> None:
    """Tells from now on how much of each engine is left alone, when somebody looks."""
    for name in engines:
        metrics.ENGINE_OPEN.labels(name).set_function(partial(left_alone, name))


def citations(found: Citations, refused: int) -> None:
    for verdict, count in (
        ("cited", len(found.cited)),
        ("invented", found.invented),
        ("unsupported", found.unsupported),
        ("refused", refused),
    ):
        metrics.CITATIONS.labels(verdict).inc(count)


def verified(outcome: str) -> None:
    """What became of asking a model about an answer's citations: judged, late, failed, nonsense."""
    metrics.CITATIONS_VERIFIED.labels(outcome).inc()


def withheld(pieces: int, *, told: bool) -> None:
    """Images, tags and addresses that an answer did not show, and whether it told instructions."""
    metrics.WITHHELD.labels("markup").inc(pieces)
    metrics.WITHHELD.labels("instructions").inc(told)
