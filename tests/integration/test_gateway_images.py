"""Images of questions, over the native API and OpenAI's: checked and kept before anything else."""

import base64
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from PIL import Image

from palabre.channels.testing import ScriptedAnswers
from palabre.chassis.blobs import NatsObjects
from palabre.chassis.testing import NatsServer
from palabre.chassis.testing.sites import Page, Site, site
from palabre.contracts.v1.turns_pb2 import Utterance
from palabre.gateway import testing
from palabre.gateway.testing import RunningGateway, Surroundings

from .test_gateway_conversations import ask, begin

BLOBS = "/api/v1/spaces/demo/blobs"


def png(shade: int = 0, side: int = 40) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (side, side), (shade, 0, 0)).save(out, "PNG")
    return out.getvalue()


def inline(data: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def part(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


@pytest.fixture
async def web() -> AsyncIterator[Site]:
    async with site({"/a.png": Page(png(9), "text/plain"), "/b": Page("no image")}) as served:
        yield served


@pytest.fixture
async def gateway(
    nats: NatsServer, tmp_path: Path, around: Surroundings, web: Site
) -> AsyncIterator[RunningGateway]:
    limits: dict[str, Any] = {
        "max_images": 2,
        "max_image_bytes": 100_000,
        "fetch_private_hosts": web.host,
        "image_bytes_per_hour": 300_000,
        "visitor_image_bytes_per_hour": len(png()),
    }
    async with testing.running(nats, tmp_path, tts_address=around.address, **limits) as running:
        yield running


async def send(http: httpx.AsyncClient, data: bytes, name: str = "a.png") -> httpx.Response:
    return await http.post(BLOBS, files={"file": (name, data, "image/png")})


def heard(llm: ScriptedAnswers) -> Utterance:
    return llm.heard[-1].utterance_received.utterance


async def test_an_image_is_sent_and_then_asked_about(
    http: httpx.AsyncClient, llm: ScriptedAnswers, nats: NatsServer
) -> None:
    reply = await send(http, png())
    assert reply.status_code == 201
    blob = reply.json()
    assert (blob["media_type"], blob["width"], blob["height"]) == ("image/jpeg", 40, 40)
    conversation = await begin(http)
    await ask(http, conversation, "", attachments=[{"blob": blob["blob"], "name": "bail.png"}])
    [image] = heard(llm).attachments
    assert (image.blob, image.name) == (f"demo/{blob['blob']}", "bail.png")
    bus = await nats.bus("llm")
    kept = await NatsObjects(await bus.js.object_store("blobs")).get(image.blob)
    assert kept.startswith(b"\xff\xd8")
    assert len(kept) == image.size_bytes
    await bus.close()


async def test_the_same_image_is_kept_once(http: httpx.AsyncClient) -> None:
    first, second = await send(http, png()), await send(http, png(), "other.png")
    assert first.json() == second.json()


async def asked_about(http: httpx.AsyncClient) -> tuple[str, str, str]:
    """The address of a conversation, of the image in it, and the image's hash."""
    blob = (await send(http, png())).json()["blob"]
    conversation = await begin(http)
    await ask(http, conversation, "", attachments=[{"blob": blob, "name": "bail.png"}])
    url = f"/api/v1/conversations/{conversation}"
    return url, f"{url}/images/{blob}", blob


async def test_a_conversation_shows_its_images_to_its_owner_alone(
    http: httpx.AsyncClient, llm: ScriptedAnswers
) -> None:
    url, image, blob = await asked_about(http)
    [turn] = (await http.get(url)).json()["turns"]
    assert turn["attachments"] == [{"blob": blob, "name": "bail.png", "width": 40, "height": 40}]
    shown = await http.get(image)
    assert shown.content.startswith(b"\xff\xd8")
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.headers["cache-control"] == "private, no-store"
    assert shown.headers["x-content-type-options"] == "nosniff"
    page = await http.get("/")
    async with httpx.AsyncClient(base_url=http.base_url, cookies=page.cookies) as visitor:
        assert (await visitor.get(image)).status_code == 404
        assert (await visitor.get(url)).status_code == 404


async def test_an_image_that_was_only_sent_belongs_to_no_conversation(
    http: httpx.AsyncClient, llm: ScriptedAnswers
) -> None:
    url, _, _ = await asked_about(http)
    other = (await send(http, png(5))).json()["blob"]
    refused = await http.get(f"{url}/images/{other}")
    assert refused.status_code == 404
    assert "kept for a week" in refused.json()["detail"]


async def test_an_erased_conversation_takes_its_images_with_it(
    http: httpx.AsyncClient, llm: ScriptedAnswers, nats: NatsServer
) -> None:
    url, image, blob = await asked_about(http)
    assert (await http.delete(url)).status_code == 204
    assert (await http.get(image)).status_code == 404
    bus = await nats.bus("llm")
    with pytest.raises(KeyError):
        await NatsObjects(await bus.js.object_store("blobs")).get(f"demo/{blob}")
    await bus.close()


async def test_an_image_that_has_expired_is_said_to_be_gone(
    http: httpx.AsyncClient, llm: ScriptedAnswers, nats: NatsServer
) -> None:
    url, image, blob = await asked_about(http)
    bus = await nats.bus("gateway")
    await NatsObjects(await bus.js.object_store("blobs")).delete(f"demo/{blob}")
    assert (await http.get(image)).status_code == 404
    [turn] = (await http.get(url)).json()["turns"]
    assert turn["attachments"][0]["blob"] == blob
    await bus.close()


async def test_what_is_no_image_is_refused_whatever_its_name_says(
    http: httpx.AsyncClient, llm: ScriptedAnswers
) -> None:
    reply = await send(http, b"MZ a program", "photo.png")
    assert reply.status_code == 422
    assert reply.json()["detail"] == (
        "The image is no image that we know: send PNG, JPEG, WebP or GIF."
    )
    assert (await send(http, b"x" * 100_001)).json()["detail"].startswith("The image is larger")
    assert (await send(http, b"x" * 200_000)).status_code == 413


async def test_an_image_that_was_never_sent_and_too_many_are_refused(
    http: httpx.AsyncClient, llm: ScriptedAnswers
) -> None:
    conversation = await begin(http)
    url = f"/api/v1/conversations/{conversation}/utterances"
    unknown = await http.post(url, json={"text": "?", "attachments": [{"blob": "a" * 64}]})
    assert unknown.status_code == 422
    assert "send it to /api/v1/spaces/demo/blobs first" in unknown.json()["detail"]
    sneaky = await http.post(url, json={"text": "?", "attachments": [{"blob": "../other/x"}]})
    assert sneaky.status_code == 422
    blob = (await send(http, png())).json()["blob"]
    many = await http.post(url, json={"text": "?", "attachments": [{"blob": blob}] * 3})
    assert many.json()["detail"] == "A question may have 2 images: leave out the others."
    assert not llm.heard


async def test_a_key_used_again_with_another_image_is_refused(
    http: httpx.AsyncClient, llm: ScriptedAnswers
) -> None:
    conversation = await begin(http)
    blobs = [(await send(http, png(shade))).json()["blob"] for shade in (1, 2)]
    url, headers = f"/api/v1/conversations/{conversation}/utterances", {"Idempotency-Key": "k"}
    asked = [{"text": "?", "attachments": [{"blob": blob}]} for blob in blobs]
    replies = [await http.post(url, json=each, headers=headers) for each in (*asked[:1], *asked)]
    assert [reply.status_code for reply in replies] == [202, 202, 422]


async def test_openai_clients_send_images_inline_and_by_address(
    client: openai.AsyncOpenAI, llm: ScriptedAnswers, web: Site
) -> None:
    content: Any = [
        {"type": "text", "text": "Compare."}, part(inline(png(1))), part(f"{web.url}/a.png")
    ]  # fmt: skip
    await client.chat.completions.create(
        model="demo", messages=[{"role": "user", "content": content}]
    )
    assert heard(llm).text == "Compare."
    assert [image.width for image in heard(llm).attachments] == [40, 40]
    assert len({image.blob for image in heard(llm).attachments}) == 2
    assert web.paths == ["/a.png"]


async def test_images_before_the_question_stay_with_what_they_were_asked_with(
    client: openai.AsyncOpenAI, llm: ScriptedAnswers
) -> None:
    messages: Any = []
    for shade in range(4):
        messages.append({"role": "user", "content": [part(inline(png(shade)))]})
        messages.append({"role": "assistant", "content": f"Une photo, {shade}."})
    messages.append({"role": "user", "content": "Et ensuite ?"})
    await client.chat.completions.create(model="demo", messages=messages)
    assert not heard(llm).attachments
    counts = [len(exchange.attachments) for exchange in heard(llm).carried_history]
    assert counts == [0, 0, 1, 1]  # as many as a question may have, the newest


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("data:image/png;base64,!!!", "is no base64"),
        ("data:image/png,abc", "is no base64"),
        (inline(b"words"), "no image that we know"),
        ("http://169.254.169.254/latest/meta-data", "link-local"),
        ("http://10.0.0.1/a.png", "private"),
        ("file:///etc/passwd", "use http:// or https://"),
    ],
)
async def test_what_cannot_be_shown_is_refused_before_any_model_is_asked(
    client: openai.AsyncOpenAI, llm: ScriptedAnswers, url: str, said: str
) -> None:
    message: Any = {"role": "user", "content": [part(url)]}
    with pytest.raises(openai.BadRequestError, match=said):
        await client.chat.completions.create(model="demo", messages=[message])
    assert not llm.heard


async def test_a_page_in_place_of_an_image_is_refused(
    client: openai.AsyncOpenAI, llm: ScriptedAnswers, web: Site
) -> None:
    message: Any = {"role": "user", "content": [part(f"{web.url}/b")]}
    with pytest.raises(openai.BadRequestError, match="no image that we know"):
        await client.chat.completions.create(model="demo", messages=[message])


async def test_only_people_send_images(client: openai.AsyncOpenAI) -> None:
    messages: Any = [
        {"role": "assistant", "content": [part(inline(png()))]},
        {"role": "user", "content": "?"},
    ]
    with pytest.raises(openai.BadRequestError, match="image_url"):
        await client.chat.completions.create(model="demo", messages=messages)


async def test_who_sends_too_many_images_has_to_wait(http: httpx.AsyncClient) -> None:
    page = await http.get("/")
    async with httpx.AsyncClient(base_url=http.base_url, cookies=page.cookies) as visitor:
        visitor.headers["Origin"] = str(http.base_url)
        assert (await send(visitor, png())).status_code == 201
        refused = await send(visitor, png(1))
    assert refused.status_code == 429
    assert "MiB of images an hour" in refused.json()["detail"]
    assert 3_500 < int(refused.headers["Retry-After"]) <= 3_600
    assert (await send(http, png(1))).status_code == 201  # everybody has an hour of their own


async def test_images_that_a_request_carries_count_each_once(
    client: openai.AsyncOpenAI, llm: ScriptedAnswers
) -> None:
    image, other = (inline(png(shade) + bytes(94_000)) for shade in (1, 2))
    question: Any = {"role": "user", "content": [part(image)]}
    refused: Any = {"role": "user", "content": [part(other)]}
    messages: Any = [question, {"role": "assistant", "content": "Une photo."}, question]
    await client.chat.completions.create(model="demo", messages=messages)
    await client.chat.completions.create(model="demo", messages=messages)
    with pytest.raises(openai.RateLimitError, match="MiB of images an hour"):
        await client.chat.completions.create(model="demo", messages=[*messages, refused])
    assert len(llm.heard) == 2
