"""Images: passed on to engines that see, described once for everything else."""

import base64
from typing import Any

from palabre.contracts.v1.turns_pb2 import Usage
from palabre.llm.engines import Completion, Image, Message, Rung
from palabre.llm.engines.extractive import Extractive
from palabre.llm.engines.openai import OpenAi
from palabre.llm.settings import Endpoint
from tests.standins.model import Model

PHOTO = Image("image/jpeg", b"\xff\xd8 not looked at here", "low")


def shown(model: Model) -> list[Any]:
    """The images of the last request."""
    content = model.last["messages"][-1]["content"]
    return [p for p in content if p["type"] == "image_url"] if isinstance(content, list) else []


async def answered(engine: OpenAi, model: str) -> Usage:
    asked = Completion((Message("user", "Qu'est-ce ?", (PHOTO,)),), model=model)
    *_, usage = [piece async for piece in engine.stream(asked)]
    assert isinstance(usage, Usage)
    return usage


async def test_an_engine_that_sees_gets_the_image_and_then_the_words() -> None:
    async with (model := Model()).serving() as url:
        engine = OpenAi("openai", Endpoint(base_url=url))
        await answered(engine, "mock-len3")
        [image] = shown(model)
        data = base64.b64encode(PHOTO.data).decode()
        assert image["image_url"] == {"url": f"data:image/jpeg;base64,{data}", "detail": "low"}
        assert model.last["messages"][-1]["content"][-1] == {"type": "text", "text": "Qu'est-ce ?"}
        await engine.close()


async def test_a_model_that_refuses_images_is_asked_again_with_the_words_alone() -> None:
    async with (model := Model()).serving() as url:
        engine = OpenAi("openai", Endpoint(base_url=url))
        assert Rung(engine, "mock-blind").sees
        await answered(engine, "mock-blind")
        assert model.last["messages"][-1]["content"] == "Qu'est-ce ?"
        assert model.asked["mock-blind"] == 2
        assert not Rung(engine, "mock-blind").sees
        assert Rung(engine, "mock-len3").sees
        await engine.close()


def test_the_engine_without_a_model_sees_nothing() -> None:
    assert not Rung(Extractive(), "").sees
