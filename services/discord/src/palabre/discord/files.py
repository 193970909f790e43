"""Files of a question: images are kept for the model, texts are read; all else is refused at once.

Sizes and kinds are judged before anything is fetched, and everything before a model is paid.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal, Self
from urllib.parse import urlsplit

from palabre.channels.attachments import Attachments, InvalidAttachment
from palabre.chassis.addresses import Exemption, literal
from palabre.chassis.blobs import Labelled
from palabre.chassis.errors import Unavailable
from palabre.chassis.fetching import Fetcher, FetchFailed, Limits, Unreachable
from palabre.chassis.pictures import Pictures
from palabre.contracts.v1.turns_pb2 import Attachment
from palabre.discord.messages import File
from palabre.discord.settings import DiscordSettings
from palabre.discord.texts import Speech

Kind = Literal["image", "text", "sound", "other"]
_IMAGES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif"})
# Not worth fetching; whether all else is text its bytes tell.
_BINARY = re.compile(
    r"(image|font|model)/|application/(pdf|zip|gzip|x-(zip|7z|rar|tar|msdownload)|msword|vnd\.|epub)"
)
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_CONTROLS = frozenset(range(32)) - {9, 10, 12, 13, 27}
_NAME_MOST = 80
AT_ONCE = 4  # files in memory, whoever sent them
QUESTION = 7_500  # characters: a model is shown 8,000 of a question


class Unreadable(InvalidAttachment):
    """A file that is refused, in the person's own language."""

    def __init__(self, key: str, speech: Speech, file: File, **values: object) -> None:
        name = _shown(file.name)
        super().__init__(speech.say(f"files.{key}", name=name, **values), "file")


@dataclass(frozen=True, slots=True)
class Read:
    """`texts` are the files' words with their names; `notes` what was left out of them."""

    images: tuple[Attachment, ...] = ()
    texts: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """`most` files of `size` bytes; `characters` of all their texts; `hosts` are Discord's."""

    most: int
    size: int
    characters: int
    hosts: frozenset[str]


class Files:
    """Fetches from Discord's own hosts alone."""

    def __init__(self, attachments: Attachments, fetcher: Fetcher, rules: Rules) -> None:
        self._attachments, self._fetcher, self._rules = attachments, fetcher, rules
        self._slots = asyncio.Semaphore(AT_ONCE)

    @classmethod
    def of(cls, settings: DiscordSettings, blobs: Labelled) -> Self:
        """A host that is spelled as an address, of a stand-in say, may be private."""
        hosts = frozenset(host.strip() for host in settings.discord_cdn.split(","))
        private = [Exemption.parse(host) for host in hosts if literal(host.partition(":")[0])]
        fetcher = Fetcher(
            "Palabre", limits=Limits(total_s=20, read_s=10, redirects=0), exemptions=private
        )
        most, size = settings.discord_files, settings.discord_file_bytes
        attachments = Attachments(blobs, Pictures(size), fetcher, size, most)
        return cls(attachments, fetcher, Rules(most, size, settings.discord_text, hosts))

    @property
    def most(self) -> int:
        return self._rules.most

    async def close(self) -> None:
        await self._attachments.close()

    async def read(self, space: str, files: Sequence[File], speech: Speech, words: int) -> Read:
        """`words`: characters of the question itself. Raises Unreadable and Unavailable."""
        heard = [file for file in files if kind(file) != "sound"]
        notes = [speech.say("files.sound")] if len(heard) < len(files) else []
        if not words and notes and not heard:
            raise Unreadable("sound_alone", speech, files[0])
        self._check(heard, speech)
        images = [file for file in heard if kind(file) == "image"]
        texts = [file for file in heard if kind(file) == "text"]
        kept = await asyncio.gather(*(self._keep(space, file, speech) for file in images))
        read = await asyncio.gather(*(self._text(file, speech) for file in texts))
        share = max(0, min(self._rules.characters, QUESTION - words)) // max(1, len(texts))
        notes += [
            speech.say("files.cut", name=_shown(file.name))
            for file, text in zip(texts, read, strict=True)
            if len(text) > share
        ]
        return Read(tuple(kept), _folded(texts, read, share), tuple(notes))

    async def seen(self, space: str, files: Sequence[File], room: int) -> tuple[Attachment, ...]:
        """The images of an earlier message, `room` at most; those that are none are passed over."""
        kept: list[Attachment] = []
        for file in files:
            if len(kept) < room and kind(file) == "image" and file.size <= self._rules.size:
                try:
                    kept.append(await self._keep(space, file, Speech("en")))
                except InvalidAttachment:
                    continue
        return tuple(kept)

    def _check(self, files: Sequence[File], speech: Speech) -> None:
        """Raises Unreadable."""
        for file in files:
            if kind(file) == "other":
                raise Unreadable("kind", speech, file)
            if file.size > self._rules.size:
                raise Unreadable(
                    "size", speech, file, most=_size(self._rules.size, speech.language)
                )
        if len(files) > self._rules.most:
            raise Unreadable("count", speech, files[0], most=self._rules.most)

    async def _keep(self, space: str, file: File, speech: Speech) -> Attachment:
        async with self._slots:
            data = await self._fetched(file, speech)
            try:
                kept = await self._attachments.keep(space, data)
            except InvalidAttachment as error:
                raise Unreadable("image", speech, file) from error
        kept.name = _shown(file.name)
        return kept

    async def _text(self, file: File, speech: Speech) -> str:
        async with self._slots:
            text = decoded(await self._fetched(file, speech))
        if text is None:
            raise Unreadable("kind", speech, file)
        return text

    async def _fetched(self, file: File, speech: Speech) -> bytes:
        """Raises Unreadable; Unavailable where trying again may help."""
        if urlsplit(file.url).netloc not in self._rules.hosts:
            raise Unreadable("gone", speech, file)
        try:
            return (await self._fetcher.get(file.url, max_bytes=self._rules.size)).data
        except Unreachable as error:
            raise Unavailable("Discord's files cannot be fetched") from error
        except FetchFailed as error:
            raise Unreadable("gone", speech, file) from error


def kind(file: File) -> Kind:
    """By its name and what Discord believes; what is in it is judged once it is there."""
    ending = PurePath(file.name).suffix.lower()
    media = file.media_type.partition(";")[0].strip().lower()
    if ending in _IMAGES or f".{media.removeprefix('image/')}" in _IMAGES:
        return "image"
    if media.startswith(("audio/", "video/")):
        return "sound"
    return "other" if _BINARY.match(media) else "text"


def decoded(data: bytes) -> str | None:
    """By its byte order mark, else as UTF-8, else as Windows' Latin-1; None: it is no text."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _text(data, encoding)
    if _CONTROLS & set(data):
        return None
    utf8 = _text(data, "utf-8")
    return _text(data, "cp1252") if utf8 is None else utf8


def _text(data: bytes, encoding: str) -> str | None:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text.replace("\r\n", "\n").strip()


def _folded(files: Sequence[File], texts: Sequence[str], share: int) -> str:
    """Each with its name; of a long one its beginning and its end, where errors tend to be."""
    parts = (
        f"[{_shown(file.name)}]\n{_both_ends(text, share)}"
        for file, text in zip(files, texts, strict=True)
    )
    return "\n\n".join(parts)


def _both_ends(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}\n[…]\n{text[len(text) - most // 2 :]}"


def _shown(name: str) -> str:
    """A file's name in one line."""
    name = "".join(c for c in " ".join(name.split()) if c.isprintable() and c not in "[]`")
    return name if len(name) <= _NAME_MOST else f"{name[: _NAME_MOST - 1]}…"


def _size(size: int, language: str) -> str:
    unit = "Mo" if language.startswith("fr") else "MB"
    return f"{size / 1_000_000:.0f}\u00a0{unit}"
