"""Pictures as documents: all their text is still to be read, by an OCR engine."""

import io
from collections.abc import Callable
from functools import wraps

from PIL import Image, ImageOps, UnidentifiedImageError

from palabre.retriever.documents.structure import Document, Source
from palabre.retriever.errors import InvalidDocument

MAX_FRAMES = 500
# Pixels: of a whole picture as it is stored, and of the longer side as a model is shown it.
MAX_PIXELS = 120_000_000
_LONGER_SIDE = 2_200
_QUALITY = 88
_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
_BROKEN = (UnidentifiedImageError, OSError, ValueError, SyntaxError)

# Pillow's own limit warns first; ours refuses, below.
Image.MAX_IMAGE_PIXELS = None


def read_image(source: Source) -> Document:
    """png, jpg, webp, tiff; a TIFF may have several pages. Raises InvalidDocument."""
    frames = _frames(source.name, source.data)
    return Document((), unread=tuple(range(1, frames + 1)))


def _translated[**P, R](read: Callable[P, R]) -> Callable[P, R]:
    """Pillow's errors in our words; the first argument is the document's name."""

    @wraps(read)
    def reading(*given: P.args, **named: P.kwargs) -> R:
        try:
            return read(*given, **named)
        except _BROKEN as error:
            if isinstance(error, InvalidDocument):
                raise
            name = str(given[0])
            raise InvalidDocument(
                name, "is damaged, or no picture that can be read", "save it again as .png or .jpg"
            ) from error

    return reading


@_translated
def render(name: str, data: bytes, page: int) -> bytes:
    """A page, from 1, upright and no larger than a model needs, as JPEG. Raises InvalidDocument."""
    with _opened(name, data) as picture:
        picture.seek(page - 1)
        _check_size(name, picture)
        picture.draft("RGB", (_LONGER_SIDE, _LONGER_SIDE))
        shown = ImageOps.exif_transpose(picture)
        shown.thumbnail((_LONGER_SIDE, _LONGER_SIDE))
        out = io.BytesIO()
        _on_white(shown).save(out, "JPEG", quality=_QUALITY)
        return out.getvalue()


@_translated
def _frames(name: str, data: bytes) -> int:
    with _opened(name, data) as picture:
        frames = int(getattr(picture, "n_frames", 1)) if picture.format == "TIFF" else 1
        picture.verify()
    if frames > MAX_FRAMES:
        raise InvalidDocument(
            name, f"has {frames} pages, above the limit of {MAX_FRAMES}", "split it"
        )
    return frames


def _opened(name: str, data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data), formats=_FORMATS)
    _check_size(name, picture)
    return picture


def _check_size(name: str, picture: Image.Image) -> None:
    """Before any pixel is unpacked."""
    if picture.width * picture.height > MAX_PIXELS:
        raise InvalidDocument(
            name,
            f"has {picture.width} × {picture.height} pixels, above the limit of"
            f" {MAX_PIXELS // 1_000_000} million",
            "make it smaller: 2,000 pixels a side are enough to be read",
        )


def _on_white(picture: Image.Image) -> Image.Image:
    """What is transparent is paper."""
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    seen = picture.convert("RGBA")
    paper = Image.new("RGBA", seen.size, "white")
    return Image.alpha_composite(paper, seen).convert("RGB")
