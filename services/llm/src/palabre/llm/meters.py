"""What engines do, counted: the only place that observes them."""

from palabre.chassis import telemetry
from palabre.contracts.v1.turns_pb2 import Usage
from palabre.llm.engines import Rung
from palabre.llm.errors import EngineError

MICROS = 1_000_000


def first_token(rung: Rung, seconds: float) -> None:
    telemetry.ENGINE_FIRST_TOKEN.labels(rung.engine.name, rung.model).observe(seconds)


def used(usage: Usage) -> None:
    for kind in ("prompt", "completion", "cached"):
        count = getattr(usage, f"{kind}_tokens")
        telemetry.ENGINE_TOKENS.labels(usage.engine, usage.model, kind).inc(count)
    if usage.cost_known and usage.cost_micros:
        cost = telemetry.ENGINE_COST.labels(usage.engine, usage.model, usage.currency)
        cost.inc(usage.cost_micros / MICROS)


def failed(rung: Rung, error: EngineError) -> None:
    telemetry.ENGINE_FAILURES.labels(rung.engine.name, error.reason).inc()
