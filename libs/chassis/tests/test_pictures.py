"""Images of strangers: what leaves is small, upright and says nothing but its pixels."""

import io
import struct
import zlib
from collections.abc import AsyncIterator

import pytest
from PIL import Image

from palabre.chassis.confinement import Confinement
from palabre.chassis.pictures import InvalidImage, Pictures

PLACE = b"48.8566 N 2.3522 E"


@pytest.fixture
async def pictures() -> AsyncIterator[Pictures]:
    made = Pictures(max_bytes=1 << 20, max_pixels=10_000_000)
    yield made
    await made.close()


def encoded(
    kind: str, mode: str = "RGB", size: tuple[int, int] = (60, 40), **options: object
) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 0).save(out, kind, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=["JPEG"])


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("PNG", m) for m in ("RGB", "RGBA", "P", "L", "LA", "1", "I;16")]
    + [("JPEG", m) for m in ("RGB", "L", "CMYK")]
    + [("WEBP", "RGB"), ("WEBP", "RGBA"), ("GIF", "P")],
)
async def test_every_kind_that_is_taken_becomes_a_jpeg(
    pictures: Pictures, kind: str, mode: str
) -> None:
    drawn = await pictures.draw(encoded(kind, mode))
    assert (drawn.width, drawn.height) == opened(drawn.data).size == (60, 40)


async def test_place_device_and_thumbnail_do_not_leave(pictures: Pictures) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Device of Jeanne"
    exif.get_ifd(0x8825)[0x001D] = PLACE.decode()
    data = encoded("JPEG", exif=exif, comment=b"Jeanne was here", xmp=b"<x:xmpmeta>Jeanne")
    assert b"Jeanne" in data
    assert PLACE in data
    drawn = await pictures.draw(data)
    assert b"Jeanne" not in drawn.data
    assert PLACE not in drawn.data
    assert b"Exif" not in drawn.data
    assert not opened(drawn.data).getexif()


async def test_what_was_held_sideways_is_upright(pictures: Pictures) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    drawn = await pictures.draw(encoded("JPEG", exif=exif))
    assert (drawn.width, drawn.height) == (40, 60)


async def test_a_large_one_is_made_smaller(pictures: Pictures) -> None:
    drawn = await pictures.draw(encoded("PNG", size=(4_000, 1_000)))
    assert (drawn.width, drawn.height) == (2_048, 512)


async def test_what_is_transparent_is_white(pictures: Pictures) -> None:
    drawn = await pictures.draw(encoded("PNG", "RGBA"))
    assert opened(drawn.data).getpixel((5, 5)) == (255, 255, 255)


async def test_sixteen_bits_of_grey_keep_their_shades(pictures: Pictures) -> None:
    out = io.BytesIO()
    Image.new("I;16", (60, 40), 0x8080).save(out, "PNG")
    shade = opened((await pictures.draw(out.getvalue())).data).getpixel((5, 5))
    assert isinstance(shade, tuple)
    assert all(abs(value - 0x80) <= 2 for value in shade)


async def test_of_an_animation_the_first_frame_is_taken(pictures: Pictures) -> None:
    frames = [Image.new("L", (60, 40), shade) for shade in (255, 0, 128)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    drawn = await pictures.draw(out.getvalue())
    assert opened(drawn.data).getpixel((5, 5)) == (255, 255, 255)


def bomb(side: int) -> bytes:
    """A PNG of a few bytes that says it has side² pixels, and unpacks to them."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack("!I", zlib.crc32(kind + data))
        return struct.pack("!I", len(data)) + kind + data + check

    head = struct.pack("!IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1 << 20))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def animation(frames: int) -> bytes:
    out = io.BytesIO()
    first, *rest = (Image.new("L", (2, 1), n % 251) for n in range(frames))
    first.save(out, "GIF", save_all=True, append_images=rest)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty: send it again"),
        (b"\x89PNG\r\n\x1a\n" + bytes(1 << 20), "is larger than 1 MiB: send it smaller"),
        (b"just words", "is no image that we know: send PNG, JPEG, WebP or GIF"),
        (b"\x00\x00\x00\x18ftypheic\x00", "is HEIC: send PNG, JPEG, WebP or GIF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is SVG: send PNG, JPEG, WebP or GIF"),
        (b"%PDF-1.7", "is PDF: send PNG, JPEG, WebP or GIF"),
        (bomb(50_000), "has 50000 × 50000 pixels, above 10 million: send it smaller"),
        (bomb(3_000), "is damaged: save it again as PNG or JPEG"),
        (encoded("PNG")[:-30], "is damaged: save it again as PNG or JPEG"),
        (b"\xff\xd8\xff\xe0 nothing of a picture", "is damaged: save it again as PNG or JPEG"),
        (animation(501), "has 501 frames, above 500: send the frame that matters"),
    ],
)  # fmt: skip
async def test_what_cannot_be_taken_is_refused_with_a_remedy(
    pictures: Pictures, data: bytes, said: str
) -> None:
    with pytest.raises(InvalidImage) as refused:
        await pictures.draw(data)
    assert str(refused.value) == said
    assert (await pictures.draw(encoded("PNG"))).width == 60


async def test_one_that_takes_too_much_memory_is_refused_and_the_next_is_drawn() -> None:
    tight = Pictures(limits=Confinement(memory=128 << 20))
    with pytest.raises(InvalidImage, match="takes too much memory to read: send it smaller"):
        await tight.draw(encoded("PNG", size=(6_000, 6_000)))
    assert (await tight.draw(encoded("PNG"))).width == 60
    await tight.close()
