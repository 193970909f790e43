"""/exporter: what a person asked and was answered, as data and as a text to read."""

import asyncio
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict

from palabre.contracts.v1 import archive_pb2 as pb
from palabre.discord.commands.defining import Call, Command
from palabre.discord.messages import Body
from palabre.discord.posts import person_of
from palabre.discord.routing import CHANNEL
from palabre.discord.texts import say

MOST_BYTES = 9 << 20  # of both files: Discord takes 10 MiB a message
_READING_S = 120.0

Files = tuple[tuple[str, bytes], ...]  # names and contents
Archived = Mapping[str, pb.ArchivedConversation]


async def _export(call: Call) -> None:
    request = pb.ExportRequest(channel=CHANNEL, person=person_of(call.person.id))
    found: dict[str, pb.ArchivedConversation] = {}
    async for told in call.desk.archive.Export(request, timeout=_READING_S):
        part = told.conversation  # a long one comes in several
        found.setdefault(part.id, pb.ArchivedConversation()).MergeFrom(part)
    if not found:
        await call.show(call.say("export-nothing"))
        return
    files = await asyncio.to_thread(fitting, found, call.language)
    if _size(files) > MOST_BYTES:
        await call.show(call.say("export-large"))
        return
    text = call.say("export-ready", conversations=call.counted("exchanged", len(found)))
    await call.replies.show(Body(content=text, files=files))


def fitting(found: Archived, language: str) -> Files:
    """In one archive where they are too large for a message."""
    files = _files(found, language)
    if _size(files) <= MOST_BYTES:
        return files
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return ((f"{say('commands.export-file', language)}.zip", packed.getvalue()),)


def _size(files: Files) -> int:
    return sum(len(content) for _, content in files)


def _files(found: Archived, language: str) -> Files:
    name = say("commands.export-file", language)
    told = [MessageToDict(each, preserving_proto_field_name=True) for each in found.values()]
    data = json.dumps({"conversations": told}, ensure_ascii=False, indent=1)
    text = "\n".join(_lines(found, language))
    return (f"{name}.json", data.encode()), (f"{name}.md", text.encode())


def _lines(found: Archived, language: str) -> Iterator[str]:
    yield f"# {say('commands.export-title', language)}\n"
    for conversation in found.values():
        begun = conversation.begun_at.ToDatetime()
        yield f"## {begun:%Y-%m-%d %H:%M} UTC, {conversation.space}, {conversation.persona}\n"
        for turn in conversation.turns:
            yield from _turn(turn, language)


def _turn(turn: pb.ArchivedTurn, language: str) -> Iterator[str]:
    labelled: list[tuple[str, Any]] = [
        ("question", turn.question),
        ("images", "\n".join(f"- {image.name}" for image in turn.attachments)),
        ("answer", turn.answer or say(f"commands.export-{turn.status}", language)),
        ("sources", "\n".join(f"- [{s.number}] {s.passage.title}" for s in turn.sources)),
        ("rating", f"{turn.score:+d} {turn.comment}".strip() if turn.score else ""),
    ]
    for key, text in labelled:
        if text:
            yield f"**{say(f'commands.export-{key}', language)}**\n\n{text}\n"


EXPORT = Command("exporter", "export", _export)
