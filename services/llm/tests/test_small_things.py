"""Prices, settings, replies and the gRPC servicer."""

from collections.abc import AsyncIterator

import grpc
import pytest
from pydantic import SecretStr, ValidationError

from palabre.contracts.v1 import llm_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Exchange
from palabre.llm.engines.extractive import Extractive
from palabre.llm.engines.scripted import Scripted
from palabre.llm.ladder import Ladder
from palabre.llm.settings import Endpoint, Settings
from palabre.llm.tokens import estimate

from .a_turn import Stub, served


def test_tokens_are_estimated_by_four_characters() -> None:
    assert estimate("abcde", "fgh") == 2
    assert estimate("") == 0


def test_a_key_without_a_model_is_refused_with_the_remedy() -> None:
    with pytest.raises(ValidationError, match="PALABRE_LLM_MODEL is not set"):
        Settings(llm_api_key=SecretStr("k"))


def test_a_model_without_an_endpoint_is_refused_with_the_remedy() -> None:
    with pytest.raises(ValidationError, match="set PALABRE_LLM_API_KEY"):
        Settings(llm_model="gpt-5")


def test_models_are_separated_by_commas() -> None:
    endpoints = {"albert": Endpoint(base_url="http://a/v1")}
    settings = Settings(
        llm_model=" a, b@albert ,", llm_base_url="http://x/v1", llm_endpoints=endpoints
    )
    assert settings.models == ("a", "b@albert")
    assert set(settings.endpoints) == {"openai", "albert"}


def test_a_key_is_never_shown() -> None:
    settings = Settings(llm_api_key=SecretStr("very-secret"), llm_model="a")
    assert "very-secret" not in repr(settings) + settings.model_dump_json()


@pytest.fixture
async def stub(request: pytest.FixtureRequest) -> AsyncIterator[Stub]:
    engine = getattr(request, "param", Scripted([["Un", " mois."]]))
    async with served(Ladder({"extractive": engine}), {"extractive": engine}) as made:
        yield made


ASKED = pb.CompleteRequest(
    space="logement", system="S", prompt="P", history=[Exchange(question="Q", answer="A")]
)


async def test_a_completion_is_streamed_and_ends_with_its_usage(
    stub: Stub,
) -> None:
    pieces = [piece async for piece in stub.Complete(ASKED)]
    assert "".join(piece.text for piece in pieces) == "Un mois."
    assert pieces[-1].usage.engine == "scripted"


@pytest.mark.parametrize("stub", [Extractive()], indirect=True)
async def test_without_a_model_a_completion_is_unavailable(
    stub: Stub,
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        [_ async for _ in stub.Complete(ASKED)]
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "PALABRE_LLM_MODEL" in (caught.value.details() or "")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (pb.CompleteRequest(space="nowhere", prompt="P"), grpc.StatusCode.NOT_FOUND),
        (
            pb.CompleteRequest(space="logement", persona="nemo", prompt="P"),
            grpc.StatusCode.NOT_FOUND,
        ),
        (pb.CompleteRequest(space="logement"), grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_a_wrong_request_is_refused(
    stub: Stub, asked: pb.CompleteRequest, code: grpc.StatusCode
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        [_ async for _ in stub.Complete(asked)]
    assert caught.value.code() is code
