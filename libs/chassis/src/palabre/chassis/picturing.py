"""The process in which images are made anew: `python -I -m palabre.chassis.picturing`.

An image of a stranger is opened only here. What leaves is a JPEG that was drawn from its pixels:
upright, on white, no larger than a model looks at, without any metadata (place, device, thumbnail).
"""

import io
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from palabre.chassis.confinement import frame, serve

MAX_FRAMES = 500  # of an animation, of which the first is taken
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_QUALITY = 88
_BROKEN = (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError)
# Pillow's own limit warns first; ours refuses, below.
Image.MAX_IMAGE_PIXELS = None


class Unfit(Exception):
    """The reason, then the remedy."""


def main() -> None:
    Image.init()
    serve(reply)


def reply(header: dict[str, Any], data: bytes) -> bytes:
    """`{"width", "height"}` and the JPEG, or `{"refused": [reason, remedy]}`."""
    try:
        drawn = _drawn(data, header["max_pixels"], header["longer_side"])
    except Unfit as error:
        return frame({"refused": error.args})
    except _BROKEN:
        return frame({"refused": ["is damaged", "save it again as PNG or JPEG"]})
    out = io.BytesIO()
    drawn.save(out, "JPEG", quality=_QUALITY)
    return frame({"width": drawn.width, "height": drawn.height}, out.getvalue())


def _drawn(data: bytes, max_pixels: int, longer_side: int) -> Image.Image:
    """Raises Unfit, and what Pillow raises."""
    with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
        _check(picture, max_pixels)
        picture.draft("RGB", (longer_side, longer_side))
        upright = ImageOps.exif_transpose(picture)
    upright.thumbnail((longer_side, longer_side))
    return _on_white(upright)


def _check(picture: Image.Image, max_pixels: int) -> None:
    """By what the header says, before any pixel is unpacked."""
    if picture.width * picture.height > max_pixels:
        size = f"{picture.width} × {picture.height} pixels"
        most = max_pixels / 1_000_000
        raise Unfit(f"has {size}, above {most:g} million", "send it smaller")
    if (frames := getattr(picture, "n_frames", 1)) > MAX_FRAMES:
        raise Unfit(f"has {frames} frames, above {MAX_FRAMES}", "send the frame that matters")


def _on_white(picture: Image.Image) -> Image.Image:
    """Without what is transparent, and without what the file said besides its pixels."""
    if picture.mode.startswith("I"):  # 16 and 32 bits of grey, which conversion would cut off
        picture = picture.convert("I").point(lambda value: value * (1 / 257) + 0).convert("L")
    seen = picture.convert("RGBA")
    paper = Image.new("RGBA", seen.size, "white")
    return Image.alpha_composite(paper, seen).convert("RGB")


if __name__ == "__main__":
    main()
