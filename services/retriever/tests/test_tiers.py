"""Nothing above an asker's tiers: 5,000 (person, query) pairs, and all else that can be asked.

Each document says words of its own, so that whatever comes out of it can be told.
"""

import asyncio
import datetime as dt
import io
import random
import re
import zipfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import pytest_asyncio

from palabre.chassis import rpc
from palabre.chassis.blobs import MemoryObjects
from palabre.chassis.directory import Spaces
from palabre.chassis.spaces import parse
from palabre.contracts.v1 import retriever_pb2 as pb
from palabre.contracts.v1.retriever_pb2_grpc import RetrieverServiceStub
from palabre.retriever.access import tiers_of
from palabre.retriever.building import Builder
from palabre.retriever.catalogue import Catalogue, MemoryBucket
from palabre.retriever.engines.words import SharedWords
from palabre.retriever.index.edge import EdgeIndex
from palabre.retriever.index.generations import Generations
from palabre.retriever.knowledge import Knowledge
from palabre.retriever.reranking import Reranking
from palabre.retriever.search import Question, Search
from palabre.retriever.servicer import NAME, Retriever
from palabre.retriever.snapshots import Snapshots

if TYPE_CHECKING:  # a name of the type stubs only
    from palabre.contracts.v1.retriever_pb2_grpc import RetrieverServiceAsyncStub

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAIRS, ABREAST = 5_000, 8
TIERS = ("public", "restricted", "rh", "syndic", "direction")
GROUPS = TIERS[1:]
DEMO = {
    "schema": 1,
    "name": "Démo",
    "languages": ["fr"],
    "default_persona": "camille",
    "greeting": {"fr": "Bonjour"},
    "personas": {"camille": {"name": "Camille", "identity": {"fr": "Une agente."}}},
}
_WORD = re.compile(r"\w+")
TOPICS = _WORD.findall("loyer bail charges chauffage caution préavis travaux voisinage parking")
SYLLABLES = _WORD.findall("ba ko ri tu ve zo ma ni lu pe xa ju go fi da cy")


@dataclass
class Written:
    """A document as it is now; `secrets` are words that it alone says or ever said."""

    name: str
    tier: str
    texts: list[str]
    secrets: set[str]


@dataclass
class World:
    """What was written, by someone who forgets nothing."""

    rng: random.Random
    documents: dict[str, Written] = field(default_factory=dict)
    # Words by the tiers that have ever said them.
    known: dict[str, str] = field(default_factory=dict)

    def secret(self, tier: str) -> str:
        """A word that nobody said before."""
        while (word := "".join(self.rng.choices(SYLLABLES, k=5))) in self.known:
            pass
        self.known[word] = tier
        return word

    def write(self, name: str, tier: str, shared: str = "") -> Written:
        """Passages about topics, with words of its own; `shared` is said elsewhere too."""
        secrets = {self.secret(tier) for _ in range(2)}
        one, other = self.rng.sample(TOPICS, 2)
        first, second = sorted(secrets)
        texts = [
            f"Pour le {one}, le dossier {first} est suivi par l'accueil, qui répond au locataire.",
            f"Le {other} relève de {second} ; en cas de litige sur le {one}, écrire au service.",
        ]
        texts += [shared] if shared else []
        self.documents[name] = Written(name, tier, texts, secrets)
        return self.documents[name]

    def hidden(self, tiers: frozenset[str]) -> set[str]:
        return {word for word, tier in self.known.items() if tier not in tiers}

    def readable(self, tiers: frozenset[str]) -> dict[str, Written]:
        return {name: d for name, d in self.documents.items() if d.tier in tiers}


# In letters that no other word has, so that nothing but the word itself is found.
ODD = {"restricted": "wqkwqk", "rh": "whqqwh", "syndic": "kkhwkkh", "direction": "hhwwqh"}
NOBODYS = "qhkqhk"


def page(document: Written) -> bytes:
    parts = "".join(f"## Partie {n}\n\n{text}\n\n" for n, text in enumerate(document.texts))
    return f"# {document.name.split('.')[0]}\n\n{parts}".encode()


def archive(documents: list[Written]) -> bytes:
    """Each file says its tier at its head."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for each in documents:
            head = f"---\ntier: {each.tier}\n---\n".encode()
            file.writestr(each.name.removeprefix("lot.zip/"), head + page(each))
    return data.getvalue()


async def send(stub: "RetrieverServiceAsyncStub", name: str, data: bytes, tier: str = "") -> None:
    def pieces() -> Iterator[pb.IngestRequest]:
        yield pb.IngestRequest(header=pb.DocumentHeader(space="demo", document=name, tier=tier))
        yield pb.IngestRequest(data=data)

    steps = [step async for step in stub.Ingest(pieces())]
    assert not any(step.HasField("failed") for step in steps), steps


async def fill(stub: "RetrieverServiceAsyncStub", world: World) -> None:
    """Of every tier: documents, copies of each other's passages, an archive, earlier versions."""
    shared = [
        f"Règle {topic} : prévenir la loge, remplir la fiche, attendre la visite du gardien et"
        f" garder une copie du {topic} signée par le bureau." for topic in TOPICS
    ]  # fmt: skip
    for number in range(60):
        tier = TIERS[number % len(TIERS)]
        copied = shared[number % len(shared)] if number % 2 else ""
        document = world.write(f"{world.secret(tier)}.md", tier, copied)
        document.secrets.add(document.name.removesuffix(".md"))
        await send(stub, document.name, page(document), tier)
    in_archive = [
        world.write(f"lot.zip/{world.secret(tier)}.md", tier, world.rng.choice(shared))
        for tier in TIERS
    ]
    await send(stub, "lot.zip", archive(in_archive))
    for tier, odd in ODD.items():
        name = f"{world.secret(tier)}-impair.md"
        world.write(name, tier, f"Le dossier {odd} se règle avec le service.")
        await send(stub, name, page(world.documents[name]), tier)
    for old, new in (("public", "rh"), ("rh", "public"), ("direction", "restricted")):
        name = f"{world.secret(new)}-change.md"
        await send(stub, name, page(world.write(name, old)), old)
        await send(stub, name, page(world.write(name, new)), new)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple["RetrieverServiceAsyncStub", World, Generations]]:
    now = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    index = await EdgeIndex.open(tmp_path_factory.mktemp("tiers"))
    catalogue = Catalogue(MemoryBucket())
    knowledge = Knowledge(index, catalogue, MemoryObjects(), lambda: now)
    spaces, builder = Spaces({"demo": parse(DEMO)}), Builder(knowledge, index, catalogue)
    snapshots = Snapshots(knowledge, index, catalogue, lambda: now)
    servicer = Retriever(Search(index), knowledge, spaces, 1 << 20, builder, snapshots)
    server, port = await rpc.serve([servicer.add_to], [NAME], "127.0.0.1:0", reflect=False)
    world = World(random.Random(11))  # noqa: S311
    async with rpc.channel(f"127.0.0.1:{port}") as channel:
        stub: RetrieverServiceAsyncStub = RetrieverServiceStub(channel)
        await fill(stub, world)
        yield stub, world, index
    await server.stop(None)
    await index.close()


def someone(rng: random.Random) -> tuple[str, ...]:
    return tuple(rng.sample(GROUPS, rng.randint(0, len(GROUPS))))


def a_query(world: World, rng: random.Random) -> str:
    """Often words of documents that the asker may not read."""
    document = rng.choice([*world.documents.values()])
    text = rng.choice(document.texts)
    words = text.split()
    start = rng.randrange(len(words))
    query: str = rng.choice(
        [
            text,
            " ".join(words[start : start + rng.randint(2, 9)]),
            rng.choice(sorted(world.known)),
            f"{rng.choice(TOPICS)} {rng.choice(sorted(world.known))}",
            document.name,
            f"qui suit le dossier {rng.choice(sorted(document.secrets))} ?",
            rng.choice(sorted(world.known))[:-2],
            rng.choice(TOPICS),
        ]
    )
    return query


def leaks(message: object, world: World, groups: tuple[str, ...], asked: str = "") -> set[str]:
    """Words that only other tiers say, but for those that the asker wrote."""
    said = set(_WORD.findall(str(message).lower()))
    return (said & world.hidden(tiers_of(groups))) - set(_WORD.findall(asked.lower()))


Served = tuple["RetrieverServiceAsyncStub", World, Generations]


async def test_no_search_tells_of_what_its_asker_may_not_read(served: Served) -> None:
    stub, world, _ = served
    rng = random.Random(12)  # noqa: S311
    limit = asyncio.Semaphore(ABREAST)

    async def ask(groups: tuple[str, ...], query: str, without_floor: bool, places: int) -> int:
        request = pb.SearchRequest(
            space="demo", queries=[query], groups=groups, limit=places, without_floor=without_floor
        )
        async with limit:
            found = await stub.Search(request)
        tiers = tiers_of(groups)
        readable = world.readable(tiers)
        assert {p.tier for p in found.passages} <= tiers
        assert {p.document for p in found.passages} <= readable.keys()
        assert {name for p in found.passages for name in p.also_in} <= readable.keys()
        assert leaks(found, world, groups) == set()
        texts = sum(len(document.texts) for document in readable.values())
        assert len(found.passages) + found.below_floor <= min(texts, 2 * places)
        return len(found.passages)

    asked = [
        (someone(rng), a_query(world, rng), rng.random() < 0.5, rng.choice((1, 6, 12, 50)))
        for _ in range(PAIRS)
    ]
    counts = await asyncio.gather(*(ask(*each) for each in asked))
    assert sum(count > 0 for count in counts) > PAIRS / 3


async def test_a_word_of_other_tiers_is_like_one_that_nobody_wrote(served: Served) -> None:
    """To the last digit: relevance, order and counts."""
    stub, _, _ = served
    rng = random.Random(13)  # noqa: S311

    async def ask(query: str, groups: tuple[str, ...], without_floor: bool) -> object:
        request = pb.SearchRequest(
            space="demo", queries=[query], groups=groups, limit=6, without_floor=without_floor
        )
        found = await stub.Search(request)
        return found.below_floor, [(p.id, p.relevance, p.score) for p in found.passages]

    for _ in range(100):
        tier = rng.choice(GROUPS)
        groups = tuple(group for group in someone(rng) if group != tier)
        query = rng.choice(["{}", f"le {rng.choice(TOPICS)} {{}}", f"{{}} {rng.choice(TOPICS)} ?"])
        floorless = rng.random() < 0.5
        told, nobody = [
            await ask(query.format(word), groups, floorless) for word in (ODD[tier], NOBODYS)
        ]
        assert told == nobody
        assert await ask(ODD[tier], (tier,), False) != nobody


async def test_lists_duplicates_and_versions_are_those_of_the_reader(served: Served) -> None:
    stub, world, _ = served
    for mask in range(2 ** len(GROUPS)):
        groups = tuple(group for n, group in enumerate(GROUPS) if mask & 1 << n)
        tiers = tiers_of(groups)
        listed = await stub.ListDocuments(pb.ListDocumentsRequest(space="demo", groups=groups))
        assert {e.document for e in listed.documents} == world.readable(tiers).keys()
        assert leaks(listed, world, groups) == set()
        wanted = pb.ListDuplicatesRequest(space="demo", groups=groups, threshold=1.0)
        found = await stub.ListDuplicates(wanted)
        assert leaks(found, world, groups) == set()
        shown = [passage for group in found.groups for passage in group.passages]
        assert {passage.tier for passage in shown} <= tiers
        assert found.groups_total == len(found.groups) == _copied(world, tiers)


def _copied(world: World, tiers: frozenset[str]) -> int:
    """Groups that a reader sees: texts that several documents of theirs say."""
    texts = [text for d in world.readable(tiers).values() for text in d.texts]
    return sum(texts.count(text) > 1 for text in set(texts))


async def test_what_a_reader_may_not_read_is_what_does_not_exist(served: Served) -> None:
    stub, world, _ = served
    calls: list[tuple[Any, Any]] = [
        (stub.GetDocument, pb.GetDocumentRequest),
        (stub.ListVersions, pb.ListVersionsRequest),
    ]
    refusals = set()
    for groups in ((), ("restricted",), ("rh", "syndic")):
        for document in [*world.documents.values(), Written("nowhere.md", "none", [], set())]:
            for call, request in calls:
                asked = request(space="demo", document=document.name, groups=groups)
                if document.tier in tiers_of(groups):
                    assert leaks(await call(asked), world, groups) == set()
                    continue
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await call(asked)
                said = (caught.value.details() or "").replace(document.name, "NAME")
                assert caught.value.code() is grpc.StatusCode.NOT_FOUND
                refusals.add(said)
    assert refusals == {"NAME: no such document: list the space's documents to see their names"}


async def test_a_reranker_and_a_server_keep_to_the_tiers(qdrant: Generations) -> None:
    """The other adapter, which is slow here, with fewer pairs; all judged by a cross-encoder."""
    now = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    knowledge = Knowledge(qdrant, Catalogue(MemoryBucket()), MemoryObjects(), lambda: now)
    rng = random.Random(14)  # noqa: S311
    world = World(rng)
    for number in range(25):
        tier = TIERS[number % len(TIERS)]
        document = world.write(f"{world.secret(tier)}.md", tier, f"Règle commune {number % 3}.")
        header = pb.DocumentHeader(space="demo", document=document.name, tier=tier)
        async for _ in knowledge.ingest(header, page(document), "fr"):
            pass
    search = Search(qdrant, reranking=Reranking(SharedWords()))
    for _ in range(300):
        groups, query = someone(rng), a_query(world, rng)
        tiers = tiers_of(groups)
        found = await search.find(Question("demo", [query], tiers, ["fr"], 6, 0.0))
        assert {p.tier for p in found.passages} <= tiers
        assert leaks(found.passages, world, groups) == set()
