"""A turn is one trace, whatever carries it: the bus, gRPC, an ending from elsewhere."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, cast

import grpc
import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased

from palabre.chassis import events, rpc, stage, telemetry, tracing
from palabre.chassis.bus import Bus
from palabre.chassis.cancellations import Cancellations
from palabre.chassis.errors import Reject
from palabre.chassis.ids import uuid7
from palabre.chassis.settings import ServiceSettings
from palabre.chassis.stage import Handler, Stage
from palabre.chassis.testing import Recorded, recorded, until
from palabre.contracts.v1 import events_pb2 as pb, tts_pb2, tts_pb2_grpc
from palabre.contracts.v1.turns_pb2 import Utterance

WORDS = "Jeanne Poirier habite rue des Lilas"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def kept() -> Iterator[Recorded]:
    with recorded() as kept:
        yield kept


def question() -> pb.Event:
    body = pb.UtteranceReceived(utterance=Utterance(text=WORDS))
    return events.begin("demo", "web", uuid7(), body)


async def understood(event: pb.Event) -> AsyncIterator[pb.Event]:
    yield events.follow(event, pb.UtteranceUnderstood())


async def confused(event: pb.Event) -> AsyncIterator[pb.Event]:
    raise ValueError(WORDS)
    yield event


async def refusing(event: pb.Event) -> AsyncIterator[pb.Event]:
    raise Reject("no such persona")
    yield event


@contextlib.asynccontextmanager
async def comprehending(bus: Bus, handle: Handler) -> AsyncIterator[None]:
    stop = asyncio.Event()
    work = stage.run(Stage("comprehend", handle), bus, Cancellations(), stop)
    running = asyncio.create_task(work)
    try:
        yield
    finally:
        stop.set()
        await running


def values(span: ReadableSpan) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", span.attributes)


def trace_of(span: ReadableSpan) -> int:
    return span.context.trace_id if span.context else 0


async def test_a_turn_goes_on_through_the_bus_in_the_trace_of_its_request(
    kept: Recorded, gateway: Bus, llm: Bus
) -> None:
    asked = question()
    with tracing.span("POST"):
        tracing.about(asked)
        await gateway.publish(asked)
    async with comprehending(llm, understood):
        await until(lambda: bool(kept.named("process comprehend")))
    [request] = kept.named("POST")
    [sent] = kept.named("send utterance_received")
    [worked] = kept.named("process comprehend")
    [result] = kept.named("send utterance_understood")
    assert [s.parent and s.parent.span_id for s in (sent, worked, result)] == [
        s.context and s.context.span_id for s in (request, sent, worked)
    ]
    for span in (request, sent, worked, result):
        assert values(span)["palabre.turn"] == asked.turn
        assert values(span)["palabre.conversation"] == asked.conversation
        assert (values(span)["palabre.space"], values(span)["palabre.channel"]) == ("demo", "web")


async def test_a_delivery_tells_how_long_it_waited_and_what_became_of_it(
    kept: Recorded, gateway: Bus, llm: Bus
) -> None:
    await gateway.publish(question())
    await asyncio.sleep(0.3)
    async with comprehending(llm, understood):
        await until(lambda: bool(kept.named("process comprehend")))
    told = values(kept.named("process comprehend")[0])
    assert 0.3 <= told["palabre.waited_s"] < 5
    assert (told["palabre.stage"], told["palabre.deliveries"]) == ("comprehend", 1)
    assert (told["palabre.outcome"], told["messaging.system"]) == ("handled", "nats")


async def test_what_is_delivered_again_is_of_the_same_trace(
    kept: Recorded, gateway: Bus, llm: Bus
) -> None:
    with tracing.span("POST"):
        await gateway.publish(question())

    async def second_time(event: pb.Event) -> AsyncIterator[pb.Event]:
        if stage.deliveries.get() == 1:
            raise ValueError(WORDS)
        async for each in understood(event):
            yield each

    async with comprehending(llm, second_time):
        await until(lambda: len(kept.named("process comprehend")) == 2)
    first, second = kept.named("process comprehend")
    assert trace_of(first) == trace_of(second) == trace_of(kept.named("POST")[0])
    assert values(second)["palabre.deliveries"] == 2


async def test_no_words_of_an_exception_are_in_a_span_or_a_line_of_the_log(
    kept: Recorded, gateway: Bus, llm: Bus, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = question()
    with logging_to_stderr():
        async with comprehending(llm, confused):
            await gateway.publish(asked)
            await until(lambda: len(kept.named("process comprehend")) == 2)
    failed = kept.named("process comprehend")[0]
    assert values(failed)["error.type"] == "ValueError"
    assert not any(WORDS in span.to_json() for span in kept.spans)
    said = capsys.readouterr().err
    assert "builtins.ValueError" in said
    assert "confused" in said  # the frame
    assert WORDS not in said


async def test_a_line_of_the_log_names_the_turn_and_its_trace(
    kept: Recorded, gateway: Bus, llm: Bus, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = question()
    with logging_to_stderr():
        async with comprehending(llm, refusing):
            await gateway.publish(asked)
            await until(lambda: bool(kept.named("process comprehend")))
    [line] = [line for line in capsys.readouterr().err.splitlines() if "event rejected" in line]
    assert f'"turn": "{asked.turn}"' in line
    assert f'"trace": "{trace_of(kept.named("process comprehend")[0]):032x}"' in line


async def test_without_spans_lines_of_the_log_name_the_trace_that_is_passed_on(
    gateway: Bus, llm: Bus, capsys: pytest.CaptureFixture[str]
) -> None:
    with logging_to_stderr():
        async with comprehending(llm, refusing):
            with tracing.span("POST", {"traceparent": PARENT}):
                await gateway.publish(question())
            await asyncio.sleep(0.5)
    [line] = [line for line in capsys.readouterr().err.splitlines() if "event rejected" in line]
    assert f'"trace": "{PARENT[3:35]}"' in line


async def test_an_ending_from_another_request_is_of_the_trace_of_its_turn(
    kept: Recorded, gateway: Bus
) -> None:
    asked = question()
    with tracing.span("POST"):
        await gateway.publish(asked)
    with tracing.span("cancel"):
        [stored] = await gateway.latest(asked.space, asked.channel, asked.conversation)
        await gateway.publish(events.follow(stored.event, pb.TurnCancelled(reason="stop")))
    [cancelled] = kept.named("send turn_cancelled")
    assert trace_of(cancelled) == trace_of(kept.named("POST")[0])
    assert trace_of(cancelled) != trace_of(kept.named("cancel")[0])


async def test_what_is_begun_anew_is_linked_to_what_it_is_for(
    kept: Recorded, gateway: Bus, llm: Bus
) -> None:
    await gateway.publish(question(), cause={"traceparent": PARENT})
    async with comprehending(llm, understood):
        await until(lambda: bool(kept.named("process comprehend")))
    [linked] = kept.named("process comprehend")[0].links
    assert f"{linked.context.trace_id:032x}" == PARENT.split("-")[1]


async def test_a_trace_that_is_not_sampled_leaves_no_span_anywhere(gateway: Bus, llm: Bus) -> None:
    done = asyncio.Event()

    async def noting(event: pb.Event) -> AsyncIterator[pb.Event]:
        async for each in understood(event):
            yield each
        done.set()

    with recorded(ParentBased(ALWAYS_OFF)) as kept:
        with tracing.span("POST"):
            await gateway.publish(question())
        async with comprehending(llm, noting):
            await done.wait()
    assert kept.spans == []


class Voices(tts_pb2_grpc.TtsServiceServicer):
    async def ListVoices(
        self, request: tts_pb2.ListVoicesRequest, context: Any
    ) -> tts_pb2.ListVoicesResponse:
        await context.abort(grpc.StatusCode.UNAVAILABLE, WORDS)
        raise AssertionError

    async def Synthesize(
        self, request: tts_pb2.SynthesizeRequest, context: object
    ) -> AsyncIterator[tts_pb2.SynthesizeResponse]:
        yield tts_pb2.SynthesizeResponse()


@pytest.fixture
async def voices() -> AsyncIterator["tts_pb2_grpc.TtsServiceAsyncStub"]:
    def add(server: grpc.aio.Server) -> None:
        tts_pb2_grpc.add_TtsServiceServicer_to_server(Voices(), server)

    server, port = await rpc.serve([add], [], "127.0.0.1:0", reflect=False)
    async with rpc.channel(f"127.0.0.1:{port}") as channel:
        yield tts_pb2_grpc.TtsServiceStub(channel)
    await server.stop(None)


async def test_a_call_has_a_span_on_either_side_that_names_its_turn(
    kept: Recorded, voices: "tts_pb2_grpc.TtsServiceAsyncStub"
) -> None:
    asked = question()
    with tracing.span("POST"):
        tracing.about(asked)
        assert [each async for each in voices.Synthesize(tts_pb2.SynthesizeRequest())]
    name = "palabre.contracts.v1.TtsService/Synthesize"
    await until(lambda: len(kept.named(name)) == 2)
    served, called = sorted(kept.named(name), key=lambda span: span.kind.value)
    assert served.parent
    assert called.context
    assert served.parent.span_id == called.context.span_id
    for span in (served, called):
        assert values(span)["palabre.turn"] == asked.turn
        assert values(span)["rpc.grpc.status_code"] == 0


async def test_a_call_that_fails_tells_its_code_and_no_words(
    kept: Recorded, voices: "tts_pb2_grpc.TtsServiceAsyncStub"
) -> None:
    with tracing.span("POST"), pytest.raises(grpc.aio.AioRpcError):
        await voices.ListVoices(tts_pb2.ListVoicesRequest())
    name = "palabre.contracts.v1.TtsService/ListVoices"
    await until(lambda: len(kept.named(name)) == 2)
    assert [values(span)["rpc.grpc.status_code"] for span in kept.named(name)] == [14, 14]
    assert not any(WORDS in span.to_json() for span in kept.spans)


@contextlib.contextmanager
def logging_to_stderr() -> Iterator[None]:
    before = structlog.get_config()
    handlers, level = logging.root.handlers[:], logging.root.level
    telemetry.start("test", ServiceSettings(log_format="json"))
    structlog.configure(cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
