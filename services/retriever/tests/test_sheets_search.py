"""A question whose answer stands in one row of a sheet finds that row first."""

import datetime as dt
from pathlib import Path

from palabre.chassis.blobs import MemoryObjects
from palabre.chassis.testing import collect
from palabre.contracts.v1.retriever_pb2 import DocumentHeader
from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.catalogue import Catalogue, MemoryBucket
from palabre.retriever.index.edge import EdgeIndex
from palabre.retriever.knowledge import Knowledge
from palabre.retriever.search import Question, Search

from . import sheet_set

SEEN = sheet_set.sheets(Path(__file__).with_name("sheets") / "seen.txt")
QUESTIONS = {
    "téléphone de l'urbanisme": ("22", "Urbanisme", "01 02 03 30 02"),
    "quel délai pour un passeport": ("27", "Passeport", "8 semaines"),
    "qui répare la chaudière": ("06", "Qui répare la chaudière ?", "Réponse"),
    "gardien de l'agence de la Gare": ("03", "Agence de la Gare", "Gardien"),
    "prime pour acheter un vélo électrique": ("21", "Prime vélo", "Montant"),
    "horaires du vendredi à l'agence des Tilleuls": ("01", "Agence des Tilleuls", "Vendredi"),
    "signification du sigle DPE": ("36", "DPE", "Signification"),
}


async def test_a_question_finds_its_row_first_with_the_names_of_its_columns(
    edge: EdgeIndex, bucket: MemoryBucket, originals: MemoryObjects
) -> None:
    knowledge = Knowledge(edge, Catalogue(bucket), originals, lambda: dt.datetime.now(dt.UTC))
    for sheet in SEEN:
        if sheet.expected[0].mode != "skip":
            name, data = sheet.file()
            header = DocumentHeader(space="demo", document=name)
            await collect(knowledge.ingest(header, data, "fr"))
    for question, (number, heading, value) in QUESTIONS.items():
        found = await _first(edge, question)
        assert found.document.startswith(number), question
        assert found.heading_path[-1] == heading
        assert value in found.text


async def _first(index: EdgeIndex, question: str) -> Passage:
    asked = Question("demo", [question], ("public",), ("fr",), 5, 0.0)
    return (await Search(index).find(asked)).passages[0]


async def test_a_sheet_is_shown_in_the_language_of_its_space_unless_it_says_its_own(
    edge: EdgeIndex, bucket: MemoryBucket, originals: MemoryObjects
) -> None:
    knowledge = Knowledge(edge, Catalogue(bucket), originals, lambda: dt.datetime.now(dt.UTC))
    name, data = next(s for s in SEEN if s.name.startswith("19")).file()
    for document, said, shown in [
        (name, "", "2026-01-10"),
        (f"fr-{name}", "language: fr", "10/01/2026"),
    ]:
        header = DocumentHeader(space="demo", document=document, front_matter=said)
        entry = (await collect(knowledge.ingest(header, data, "en")))[-1].done
        assert shown in (await knowledge.passages("demo", entry))[0].text
