"""Spans to a collector: what it takes, and that one that takes nothing costs nobody anything."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from palabre.chassis.testing import free_port
from tests.standins.collector import Collector

# Ten thousand are five times what the queue holds.
PROGRAM = """
from palabre.chassis import telemetry, tracing
from palabre.chassis.settings import ServiceSettings

stop = telemetry.start("test", ServiceSettings(log_format="json"))
for _ in range({roots}):
    with tracing.span("root"), tracing.step("step"):
        pass
print("made", flush=True)
stop()
print("stopped", flush=True)
"""


async def made(roots: int, endpoint: str, **environment: str) -> tuple[str, list[str]]:
    """What a process prints that makes so many traces of two spans, and the lines of its log."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM.format(roots=roots),
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, **environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, log = await process.communicate()
    assert process.returncode == 0
    return out.decode(), log.decode().splitlines()


@pytest.fixture
def collector() -> Collector:
    return Collector()


@pytest.fixture
async def endpoint(collector: Collector) -> AsyncIterator[str]:
    async with collector.serving() as url:
        yield url


async def test_the_last_spans_of_a_process_are_sent_when_it_stops(
    collector: Collector, endpoint: str
) -> None:
    out, log = await made(100, endpoint)
    assert (out, log) == ("made\nstopped\n", [])
    assert Counter(span.name for span in collector.spans) == {"root": 100, "step": 100}
    assert {span.service for span in collector.spans} == {"palabre-test"}
    assert collector.orphans() == []


@pytest.mark.parametrize("fault", [400, 503, 429, "stall"])
async def test_a_collector_that_refuses_or_never_answers_costs_a_line_of_the_log(
    collector: Collector, endpoint: str, fault: int | str
) -> None:
    collector.fault = fault
    out, log = await made(5_000, endpoint)
    assert out == "made\nstopped\n"
    told = [line for line in log if "does not take spans" in line]
    assert len(told) == 1 if fault == 400 else len(told) <= 1  # the others may be tried to the end
    assert len([line for line in log if "Queue full" in line]) <= 1
    assert len(log) <= 2, log
    assert collector.asked > 0


async def test_a_collector_that_is_away_costs_a_line_of_the_log() -> None:
    out, log = await made(5_000, f"http://127.0.0.1:{free_port()}")
    assert out == "made\nstopped\n"
    assert len(log) <= 2, log


async def test_whole_traces_are_sampled_by_the_standard_variables(
    collector: Collector, endpoint: str
) -> None:
    ratio = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"}
    await made(800, endpoint, **ratio)
    assert 100 < len(collector.by_trace) < 300  # 200 with a deviation of 12
    assert {len(spans) for spans in collector.by_trace.values()} == {2}
