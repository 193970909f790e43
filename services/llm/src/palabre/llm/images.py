"""Images of a question: shown to models that see, and described once for everything else.

A description is paid for once per image of a space, whoever sends it and however often: a lease
lets one replica ask while the others wait for what it writes. What it says is data, never an
instruction: an image may hold any text.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Self

import structlog

from palabre.chassis.blobs import Objects
from palabre.chassis.descriptions import Descriptions
from palabre.chassis.errors import Busy, Unavailable
from palabre.chassis.leases import Leases
from palabre.contracts.v1.turns_pb2 import Attachment, Sampling, Usage
from palabre.llm import meters
from palabre.llm.engines import Completion, Image, Rung
from palabre.llm.errors import LlmError
from palabre.llm.ladder import Ladder
from palabre.llm.prompts import Prompting
from palabre.llm.untrusted import data

NO_MODEL = "none"  # as the name of the vision model: no image goes to any
LONGEST = 2_000  # characters of a description
SAMPLING = Sampling(temperature=0.0, max_tokens=700)
LOOK_AGAIN_S = 0.2  # whether the replica that asks has written it
READ_S = 5.0  # the client library waits for ever for a piece of an object that is gone

log = structlog.get_logger()


class Seen(NamedTuple):
    """What images show, in their order, empty where nobody can tell; and what that cost."""

    texts: list[str]
    usages: list[Usage]


@dataclass(frozen=True, slots=True)
class Vision:
    """`model` is the setting: empty for the first rung that sees, `none` to keep images here."""

    blobs: Objects
    descriptions: Descriptions
    leases: Leases
    ladder: Ladder
    prompting: Prompting
    model: str = ""
    detail: Literal["low", "high", "auto"] = "high"
    timeout_s: float = 20.0

    @property
    def blindfolded(self) -> Self:
        """It tells what is known, and looks at nothing: what it wrote, others would read."""
        return replace(self, model=NO_MODEL)

    async def describe(
        self, images: Sequence[Attachment], models: Sequence[str], language: str
    ) -> Seen:
        """Never raises for a model that cannot, or not in time. Raises Unavailable."""
        if not images:
            return Seen([], [])
        keys = list(dict.fromkeys(image.blob for image in images))
        rungs = self._describing(models)
        found = await asyncio.gather(*(self._described(key, rungs, language) for key in keys))
        texts = {key: text for key, (text, _) in zip(keys, found, strict=True)}
        return Seen([texts[image.blob] for image in images], [u for _, u in found if u])

    async def pictures(
        self, images: Sequence[Attachment], rungs: Sequence[Rung]
    ) -> tuple[Image, ...]:
        """The images themselves, when one of the rungs may see them; none when they are gone."""
        if self.model == NO_MODEL or not any(rung.sees for rung in rungs):
            return ()
        try:
            return tuple([await self._picture(image.blob) for image in images])
        except KeyError:
            log.warning("an image is gone")
            return ()

    def _describing(self, models: Sequence[str]) -> list[Rung]:
        if self.model == NO_MODEL:
            return []
        named = (self.model,) if self.model else models
        return [rung for rung in self.ladder.rungs(named) if rung.sees]

    async def _described(
        self, key: str, rungs: Sequence[Rung], language: str
    ) -> tuple[str, Usage | None]:
        if known := await self.descriptions.read(key):
            meters.described("known")
            return known, None
        if not rungs:
            meters.described("no_model")
            return "", None
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._once(key, rungs, language)
        except (LlmError, TimeoutError, KeyError) as error:
            meters.described("failed")
            log.warning("image not described", reason=type(error).__name__)
            return "", None

    async def _once(
        self, key: str, rungs: Sequence[Rung], language: str
    ) -> tuple[str, Usage | None]:
        """By whoever holds the image's lease; the others wait."""
        while True:
            try:
                async with self.leases.hold(f"image.{key.replace('/', '.')}"):
                    if known := await self.descriptions.read(key):
                        return known, None
                    text, usage = await self._asked(await self._picture(key), rungs, language)
                    await self.descriptions.write(key, text)
                    meters.described("described")
                    return text, usage
            except Busy:
                await asyncio.sleep(LOOK_AGAIN_S)

    async def _asked(
        self, picture: Image, rungs: Sequence[Rung], language: str
    ) -> tuple[str, Usage]:
        """Raises LlmError."""
        messages = self.prompting.description(picture, language)
        asked = Completion(messages, sampling=SAMPLING, about_images=True)
        text, usage = "", Usage()
        async for piece in self.ladder.stream(asked, rungs):
            if isinstance(piece, Usage):
                usage = piece
            else:
                text += piece
        return data(" ".join(text.split()), LONGEST), usage

    async def _picture(self, key: str) -> Image:
        """Raises KeyError when it is gone, Unavailable."""
        try:
            async with asyncio.timeout(READ_S):
                return Image("image/jpeg", await self.blobs.get(key), self.detail)
        except TimeoutError as error:
            raise Unavailable("blobs: an image does not come") from error
