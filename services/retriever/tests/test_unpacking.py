"""An archive goes in, changes and goes, document by document."""

import asyncio
import datetime as dt
import io
import zipfile
from typing import Any

import pytest
from reportlab.pdfgen.canvas import Canvas

from palabre.chassis.blobs import MemoryObjects
from palabre.chassis.testing import collect
from palabre.contracts.v1.retriever_pb2 import DocumentHeader, IngestResponse
from palabre.retriever.catalogue import Catalogue, MemoryBucket
from palabre.retriever.documents.archives import ArchiveLimits
from palabre.retriever.errors import InvalidDocument, UnknownDocument
from palabre.retriever.index.edge import EdgeIndex
from palabre.retriever.knowledge import Knowledge
from palabre.retriever.unpacking import delete_archive, ingest_archive

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


@pytest.fixture
def knowledge(edge: EdgeIndex, bucket: MemoryBucket, originals: MemoryObjects) -> Knowledge:
    return Knowledge(edge, Catalogue(bucket), originals, lambda: NOW)


def zipped(members: dict[str, str]) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return out


async def ingest(
    knowledge: Knowledge, members: dict[str, str], **header: Any
) -> tuple[list[IngestResponse], list[str]]:
    """Entries that are done, and failures in words."""
    sent = DocumentHeader(space="demo", document="a.zip", **header)
    taken_in = ingest_archive(
        knowledge, sent, zipped(members), "fr", ArchiveLimits(), asyncio.Semaphore()
    )
    steps = await collect(taken_in)
    done = [step for step in steps if step.HasField("done")]
    failed = [step.failed for step in steps if step.HasField("failed")]
    return done, [f"{f.document}: {f.reason}: {f.remedy}" for f in failed]


async def names(knowledge: Knowledge) -> list[str]:
    return [entry.document for entry in await knowledge.documents("demo")]


async def test_a_bad_member_never_stops_the_rest(knowledge: Knowledge) -> None:
    members = {
        "a.md": "# A\n\nUn.",
        "b.md": " ",
        "c.exe": "MZ",
        "d.zip": "PK",
        "e.md": "# E\n\nDeux.",
    }
    done, failed = await ingest(knowledge, members)
    assert [step.done.document for step in done] == ["a.zip/a.md", "a.zip/e.md"]
    assert [line.rpartition(": ")[0] for line in failed] == [
        "a.zip/b.md: is empty",
        "a.zip/c.exe: cannot be read (.exe)",
        "a.zip/d.zip: is an archive inside another",
    ]
    assert await names(knowledge) == ["a.zip/a.md", "a.zip/e.md"]


async def test_what_an_archive_no_longer_holds_is_forgotten(knowledge: Knowledge) -> None:
    await ingest(knowledge, {"a.md": "# A\n\nUn.", "b.md": "# B\n\nDeux.", "c.md": "# C\n\nTrois."})
    done, failed = await ingest(knowledge, {"a.md": "# A\n\nUn.", "c.md": ""})
    assert [step.done.changed for step in done] == [0]
    assert len(failed) == 1
    assert await names(knowledge) == ["a.zip/a.md", "a.zip/c.md"]


async def test_whoever_waits_has_a_turn_between_the_documents_of_an_archive(
    knowledge: Knowledge,
) -> None:
    turns, order = asyncio.Semaphore(), list[str]()

    async def other() -> None:
        async with turns:
            order.append("another's")

    sent = DocumentHeader(space="demo", document="a.zip")
    packed = zipped({f"{number}.md": "# Bail\n\nTrois ans." for number in range(3)})
    steps = ingest_archive(knowledge, sent, packed, "fr", ArchiveLimits(), turns)
    async with asyncio.TaskGroup() as waiting:
        async for progress in steps:
            if progress.HasField("done"):
                order.append(progress.done.document)
                if len(order) == 1:
                    waiting.create_task(other())
                    await asyncio.sleep(0)
    assert order == ["a.zip/0.md", "another's", "a.zip/1.md", "a.zip/2.md"]


async def test_an_archive_that_cannot_be_opened_changes_nothing(knowledge: Knowledge) -> None:
    await ingest(knowledge, {"a.md": "# A\n\nUn."})
    sent = DocumentHeader(space="demo", document="a.zip")
    broken = ingest_archive(
        knowledge, sent, io.BytesIO(b"PK\x03\x04"), "fr", ArchiveLimits(), asyncio.Semaphore()
    )
    with pytest.raises(InvalidDocument, match=r"a.zip: is no .zip archive, or damaged"):
        await collect(broken)
    assert await names(knowledge) == ["a.zip/a.md"]


async def test_side_files_and_the_sender_speak_for_the_documents(knowledge: Knowledge) -> None:
    members = {"a.txt": "Un.", "a.txt.yaml": "title: Le A\ntier: rh", "b.txt": "Deux."}
    done, _ = await ingest(knowledge, members, front_matter="tier: restricted", language="en")
    assert [(s.done.title, s.done.tier, s.done.language) for s in done] == [
        ("Le A", "rh", "en"),
        ("b", "restricted", "en"),
    ]


async def test_a_side_file_that_makes_no_sense_fails_its_document_alone(
    knowledge: Knowledge,
) -> None:
    members = {"a.txt": "Un.", "a.txt.yaml": "title: a: b", "b.txt": "Deux."}
    done, failed = await ingest(knowledge, members)
    assert [step.done.document for step in done] == ["a.zip/b.txt"]
    assert failed == ["a.zip/a.txt: front matter is not YAML (line 1): put quotes around the value"]


async def test_deleting_an_archive_deletes_all_that_came_from_it(
    knowledge: Knowledge, originals: MemoryObjects
) -> None:
    await ingest(knowledge, {"a.md": "# A\n\nUn.", "b/c.md": "# C\n\nDeux."})
    sent = DocumentHeader(space="demo", document="autre.md")
    await collect(knowledge.ingest(sent, b"Autre.", "fr"))
    assert await delete_archive(knowledge, "demo", "a.zip") == 2
    assert await names(knowledge) == ["autre.md"]
    assert len(originals._kept) == 1
    with pytest.raises(UnknownDocument):
        await delete_archive(knowledge, "demo", "a.zip")


async def test_a_passage_of_a_pdf_knows_its_page_and_its_owner_what_was_not_read(
    knowledge: Knowledge,
) -> None:
    out = io.BytesIO()
    canvas = Canvas(out)
    for said in ("Le loyer est payable le cinq.", "", "Le préavis est d'un mois."):
        canvas.rect(10, 10, 50, 50)
        canvas.drawString(50, 700, said)
        canvas.showPage()
    canvas.save()
    sent = DocumentHeader(space="demo", document="bail.pdf")
    [*_, last] = await collect(knowledge.ingest(sent, out.getvalue(), "fr"))
    assert [remark[:18] for remark in last.done.remarks] == ["No text on page 2:"]
    passages = await knowledge.passages("demo", last.done)
    assert [(p.page, p.text) for p in passages] == [
        (1, "Le loyer est payable le cinq."),
        (3, "Le préavis est d'un mois."),
    ]


async def test_who_is_bound_takes_no_other_tiers_documents_out_of_an_archive(
    knowledge: Knowledge,
) -> None:
    hidden = "---\ntier: rh\n---\n\nLa paie."
    await ingest(knowledge, {"a.md": hidden, "b.md": "# B\n\nPour tous."})
    done, failed = await ingest(knowledge, {"c.md": "# C\n\nNeuf.", "d.md": hidden}, bound=True)
    assert [step.done.document for step in done] == ["a.zip/c.md"]
    assert "a.zip/d.md: has the tier 'rh', none of its sender's" in failed[0]
    assert await names(knowledge) == ["a.zip/a.md", "a.zip/c.md"]
    assert await delete_archive(knowledge, "demo", "a.zip", {"public"}) == 1
    with pytest.raises(UnknownDocument):
        await delete_archive(knowledge, "demo", "a.zip", {"public"})
    assert await names(knowledge) == ["a.zip/a.md"]
