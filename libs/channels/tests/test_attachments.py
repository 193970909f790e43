"""Images are refused with a sentence, drawn anew, and kept once."""

import base64
import io
from collections.abc import AsyncIterator

import pytest
from PIL import Image

from palabre.channels.attachments import Attachments, InvalidAttachment
from palabre.chassis.fetching import Fetcher
from palabre.chassis.pictures import Pictures
from palabre.chassis.testing import MemoryObjects
from palabre.contracts.v1.turns_pb2 import Attachment, Exchange, Utterance


def png(shade: int = 0) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 20), (shade, 0, 0)).save(out, "PNG")
    return out.getvalue()


def shown(*shades: int) -> list[Attachment]:
    urls = (base64.b64encode(png(shade)).decode() for shade in shades)
    return [Attachment(blob=f"data:image/png;base64,{url}") for url in urls]


@pytest.fixture
async def attachments() -> AsyncIterator[Attachments]:
    pictures, fetcher = Pictures(100_000, 1_000_000), Fetcher("Palabre")
    made = Attachments(MemoryObjects(), pictures, fetcher, 100_000, most=2)
    yield made
    await made.close()


async def test_an_image_is_kept_once_in_each_space(attachments: Attachments) -> None:
    one = await attachments.keep("demo", png())
    assert (one.width, one.height, one.media_type) == (40, 20, "image/jpeg")
    assert await attachments.keep("demo", png()) == one
    assert (await attachments.keep("other", png())).blob.startswith("other/")
    assert await attachments.named("demo", [one.blob.rpartition("/")[2]]) == [one]


async def test_what_is_refused_says_why(attachments: Attachments) -> None:
    with pytest.raises(InvalidAttachment, match="The image") as refusal:
        await attachments.keep("demo", b"GIF89a and no more")
    assert (refusal.value.param, refusal.value.code) == ("file", "invalid_image")
    with pytest.raises(InvalidAttachment, match="no base64") as refusal:
        await attachments.take("demo", Utterance(attachments=[Attachment(blob="data:,x")]))
    assert refusal.value.code == "invalid_image_url"
    with pytest.raises(InvalidAttachment, match="may have 2 images"):
        await attachments.take("demo", Utterance(attachments=shown(1, 2, 3)))
    with pytest.raises(InvalidAttachment, match="There is no image"):
        await attachments.named("demo", ["../other"])


async def test_older_images_make_room_for_newer_ones(attachments: Attachments) -> None:
    past = [Exchange(question="?", attachments=shown(shade)) for shade in (1, 2, 3)]
    said = Utterance(attachments=shown(4), carried_history=past)
    await attachments.take("demo", said)
    assert [len(exchange.attachments) for exchange in said.carried_history] == [0, 1, 1]
    assert all(i.blob.startswith("demo/") for e in said.carried_history for i in e.attachments)
