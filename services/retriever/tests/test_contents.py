"""What was read is kept beside the original, and read again only by a better reader."""

from palabre.chassis.blobs import MemoryObjects
from palabre.contracts.v1.retriever_pb2 import DocumentEntry, DocumentHeader
from palabre.retriever.contents import READERS, Contents, Original, version_of
from palabre.retriever.documents import Document
from palabre.retriever.documents.isolation import InProcess

MAIL = b"From: a@example.org\nDate: Fri, 20 Nov 2026 10:00:00 +0100\nSubject: Bail\n\nTrois ans.\n"


class Counted(InProcess):
    def __init__(self) -> None:
        self.read_names: list[str] = []

    async def read(
        self,
        name: str,
        data: bytes,
        media_type: str = "",
        front_matter: str = "",
        language: str = "",
    ) -> Document:
        self.read_names.append(name)
        return await super().read(name, data, media_type, front_matter, language)


async def taken_in(
    contents: Contents, name: str, data: bytes, front_matter: str = ""
) -> tuple[DocumentEntry, Original]:
    header = DocumentHeader(space="demo", document=name, front_matter=front_matter)
    _, original = await contents.read(header, data, 1 << 20)
    entry = DocumentEntry(document=name, version=version_of(data, front_matter))
    await contents.put("demo", entry, original)
    return entry, original


async def test_a_rich_document_is_read_once() -> None:
    reading = Counted()
    contents = Contents(MemoryObjects(), reading)
    entry, original = await taken_in(contents, "a.eml", MAIL)
    assert (await contents.document("demo", entry)).title == "Bail"
    assert await contents.get("demo", entry) == original
    await taken_in(contents, "a.eml", MAIL)
    assert reading.read_names == ["a.eml"]


async def test_a_light_document_is_read_again_from_its_original() -> None:
    objects = MemoryObjects()
    contents = Contents(objects)
    entry, original = await taken_in(contents, "a.md", b"# Bail\n\nTexte.")
    assert (original.content, len(objects._kept)) == (b"", 1)
    assert (await contents.document("demo", entry)).title == "Bail"


async def test_what_an_owner_said_of_a_light_document_is_kept() -> None:
    contents = Contents(MemoryObjects())
    entry, _ = await taken_in(contents, "a.txt", b"Texte.", "keywords: [bail]")
    assert (await contents.document("demo", entry)).keywords == ("bail",)


async def test_content_of_an_older_reader_is_made_anew_with_what_the_owner_said() -> None:
    objects = MemoryObjects()
    contents = Contents(objects)
    entry, original = await taken_in(contents, "a.eml", MAIL, "keywords: [bail]")
    older = original.content.replace(f'"readers":{READERS}'.encode(), b'"readers":0')
    older = older.replace(b"Trois ans.", b"Mal lu.")
    await contents.put("demo", entry, Original(MAIL, older))
    document = await contents.document("demo", entry)
    assert "Trois ans." in str(document.sections)
    assert document.keywords == ("bail",)
    assert await contents.get("demo", entry) == original


async def test_content_that_is_broken_is_made_anew() -> None:
    contents = Contents(MemoryObjects())
    entry, _ = await taken_in(contents, "a.eml", MAIL)
    await contents.put("demo", entry, Original(MAIL, b'{"readers": 1, "document": 3}'))
    assert (await contents.document("demo", entry)).title == "Bail"


async def test_a_deleted_document_leaves_nothing_behind() -> None:
    objects = MemoryObjects()
    contents = Contents(objects)
    entry, _ = await taken_in(contents, "a.eml", MAIL)
    assert len(objects._kept) == 2
    await contents.delete("demo", "a.eml", entry.version)
    assert objects._kept == {}
