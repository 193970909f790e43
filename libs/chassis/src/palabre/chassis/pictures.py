"""Images of strangers: judged by their content, and made anew before anybody looks at them."""

from dataclasses import dataclass

from palabre.chassis.confined import Confined, Overran
from palabre.chassis.confinement import Confinement

MEDIA_TYPE = "image/jpeg"  # of what leaves
LONGER_SIDE = 2_048  # pixels: more than the models that we know look at
TAKEN = "PNG, JPEG, WebP or GIF"

_MAGIC = ((0, b"\x89PNG\r\n\x1a\n"), (0, b"\xff\xd8\xff"), (0, b"GIF87a"), (0, b"GIF89a"))
_KNOWN = (
    (4, b"ftyphei", "HEIC"), (4, b"ftyphev", "HEIC"), (4, b"ftypmif", "HEIC"),
    (4, b"ftypavif", "AVIF"), (0, b"%PDF", "PDF"), (0, b"II*\x00", "TIFF"),
    (0, b"MM\x00*", "TIFF"), (0, b"BM", "BMP"), (0, b"<svg", "SVG"), (0, b"<?xml", "SVG"),
)  # fmt: skip
_LIMITS = Confinement(memory=1 << 30, seconds=10, output=32 << 20)
_OVERRUNS = {
    "memory": ("takes too much memory to read", "send it smaller"),
    "time": ("takes too long to read", "send it smaller"),
    "cpu": ("takes too long to read", "send it smaller"),
    "output": ("is too large", "send it smaller"),
}


class InvalidImage(Exception):
    """The message is a clause without a subject: what is wrong, and the remedy."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}: {remedy}")


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG that was drawn anew. Sizes in pixels."""

    data: bytes
    width: int
    height: int


class Pictures:
    """Draws images anew in a process with limits, which is there only while it is needed."""

    def __init__(
        self,
        max_bytes: int = 10 << 20,
        max_pixels: int = 50_000_000,
        limits: Confinement = _LIMITS,
    ) -> None:
        self._max_bytes, self._max_pixels = max_bytes, max_pixels
        self._confined = Confined("palabre.chassis.picturing", limits)

    async def draw(self, data: bytes) -> Picture:
        """Raises InvalidImage, and Unavailable when the process was killed."""
        self._check(data)
        asked = {"max_pixels": self._max_pixels, "longer_side": LONGER_SIDE}
        try:
            said, drawn = await self._confined.ask(asked, data)
        except Overran as error:
            damaged = ("is damaged", "save it again as PNG or JPEG")
            raise InvalidImage(*_OVERRUNS.get(error.what, damaged)) from error
        if "refused" in said:
            raise InvalidImage(*said["refused"])
        return Picture(drawn, said["width"], said["height"])

    async def close(self) -> None:
        await self._confined.close()

    def _check(self, data: bytes) -> None:
        """What its first bytes tell, whatever its name or its sender says."""
        if not data:
            raise InvalidImage("is empty", "send it again")
        if len(data) > self._max_bytes:
            most = f"{self._max_bytes / (1 << 20):g} MiB"
            raise InvalidImage(f"is larger than {most}", "send it smaller")
        webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
        if not webp and not any(data[at:].startswith(magic) for at, magic in _MAGIC):
            kind = next((k for at, magic, k in _KNOWN if data[at:].startswith(magic)), "")
            raise InvalidImage(f"is {kind or 'no image that we know'}", f"send {TAKEN}")
