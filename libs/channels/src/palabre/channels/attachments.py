"""Images that people send: checked, drawn anew, and kept under the hash of what was sent.

The same image of a space is drawn and kept once. Whoever names one by its hash has had it.
"""

import asyncio
import base64
import binascii
import contextlib
import hashlib
import re
from collections.abc import Sequence

from palabre.chassis.blobs import Labelled
from palabre.chassis.fetching import Fetcher, FetchFailed
from palabre.chassis.pictures import MEDIA_TYPE, InvalidImage, Pictures
from palabre.contracts.v1.turns_pb2 import Attachment, Utterance

_HASH = re.compile(r"[0-9a-f]{64}")
_DATA = re.compile(r"data:[^,]{0,100};base64,")


class InvalidAttachment(Exception):
    """An image that is refused; the message is a sentence that says what to do.

    `param` names what was wrong with the request, `code` is invalid_image, invalid_image_url or
    None.
    """

    def __init__(self, detail: str, param: str, code: str | None = None) -> None:
        super().__init__(detail)
        self.param, self.code = param, code


class Attachments:
    """`most` is of one question."""

    def __init__(
        self, blobs: Labelled, pictures: Pictures, fetcher: Fetcher, max_bytes: int, most: int
    ) -> None:
        self._blobs, self._pictures, self._fetcher = blobs, pictures, fetcher
        self._max_bytes, self._most = max_bytes, most

    async def keep(self, space: str, data: bytes, param: str = "file") -> Attachment:
        """Raises InvalidAttachment and Unavailable."""
        key = f"{space}/{hashlib.sha256(data).hexdigest()}"
        if known := await self._known(key):
            return _attachment(key, known)
        try:
            drawn = await self._pictures.draw(data)
        except InvalidImage as error:
            raise InvalidAttachment(f"The image {error}.", param, "invalid_image") from error
        sizes = {"width": drawn.width, "height": drawn.height, "size": len(drawn.data)}
        headers = {name: str(value) for name, value in sizes.items()}
        await self._blobs.put(key, drawn.data, headers)
        return _attachment(key, headers)

    async def named(self, space: str, blobs: Sequence[str]) -> list[Attachment]:
        """Those of these hashes. Raises InvalidAttachment where one is not there, or too many."""
        self._check_number(len(blobs), "attachments")
        return [await self._named(space, blob) for blob in blobs]

    async def take(self, space: str, said: Utterance) -> None:
        """Keeps the images whose `blob` is an address, `data:` or on the web.

        Those of the question and as many before it, the newest; older ones are forgotten.
        Raises InvalidAttachment and Unavailable.
        """
        self._check_number(len(said.attachments), "messages")
        room, wanted = self._most, list(said.attachments)
        for exchange in reversed(said.carried_history):
            del exchange.attachments[room:]
            room -= len(exchange.attachments)
            wanted += exchange.attachments
        urls = list(dict.fromkeys(image.blob for image in wanted))
        kept = await asyncio.gather(*(self._shown(space, url) for url in urls))
        shown = dict(zip(urls, kept, strict=True))
        for image in wanted:
            image.CopyFrom(shown[image.blob])

    def _check_number(self, count: int, param: str) -> None:
        """Raises InvalidAttachment."""
        if count > self._most:
            raise InvalidAttachment(
                f"A question may have {self._most} images: leave out the others.", param
            )

    async def close(self) -> None:
        await self._pictures.close()
        await self._fetcher.close()

    async def _known(self, key: str) -> dict[str, str]:
        """Empty when it is not there."""
        try:
            return await self._blobs.headers(key)
        except KeyError:
            return {}

    async def _named(self, space: str, blob: str) -> Attachment:
        key = f"{space}/{blob}"
        known = await self._known(key) if _HASH.fullmatch(blob) else {}
        if not known:
            raise InvalidAttachment(
                f"There is no image {blob[:64]!r}: send it to /api/v1/spaces/{space}/blobs first.",
                "attachments",
            )
        return _attachment(key, known)

    async def _shown(self, space: str, url: str) -> Attachment:
        if url.startswith("data:"):
            return await self.keep(space, _decoded(url), "image_url")
        try:
            fetched = await self._fetcher.get(url, max_bytes=self._max_bytes)
        except FetchFailed as error:
            raise InvalidAttachment(
                f"The image at {error}.", "image_url", "invalid_image_url"
            ) from error
        return await self.keep(space, fetched.data, "image_url")


def _decoded(url: str) -> bytes:
    """Raises InvalidAttachment."""
    if head := _DATA.match(url):
        with contextlib.suppress(binascii.Error):
            return base64.b64decode(url[head.end() :], validate=True)
    raise InvalidAttachment(
        "The image is no base64: write image_url as data:image/png;base64,… or as an address.",
        "image_url",
        "invalid_image_url",
    )


def _attachment(key: str, known: dict[str, str]) -> Attachment:
    return Attachment(
        blob=key,
        media_type=MEDIA_TYPE,
        size_bytes=int(known["size"]),
        width=int(known["width"]),
        height=int(known["height"]),
    )
