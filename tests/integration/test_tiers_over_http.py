"""Tiers from outside: 500 (person, query) pairs through the API of all that `palabre run` starts.

Each document says words of its own; whatever an answer, a source, an event or an error holds of
another tier's is a leak.
"""

import asyncio
import itertools
import json
import os
import random
import re
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from palabre.chassis.testing import until
from palabre.cli.testing import Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

SEARCHES, ANSWERS, TURNS, ABREAST = 330, 120, 50, 8
GROUPS = ("restricted", "rh", "syndic")
TOPICS = ("loyer", "bail", "chauffage", "caution", "parking")
SPACE = """
schema = 1
name = "Démo"
languages = ["fr"]
default_persona = "camille"
[greeting]
fr = "Bonjour"
"""
PERSONA = """
name = "{name}"
tier = "{tier}"
identity = {{ fr = "Une agente." }}
"""
_WORD = re.compile(r"\w+")

# By name: the tier that may read it, and the words that it alone says.
DOCUMENTS = {
    f"fiche-{n}{a}{b}.md": (tier, f"z{a}{b}{n}k{tier[0]}")
    for n, (tier, (a, b)) in enumerate(
        itertools.product(("public", *GROUPS), itertools.product("bdfg", "aiou"))
    )
}


# The same text in three documents: two of everybody, one of the group rh.
COPIES = {"copie-une.md": "public", "copie-deux.md": "public", "copie-trois.md": "rh"}
DOCUMENTS |= {name: (tier, name.removesuffix(".md")) for name, tier in COPIES.items()}


def page(name: str) -> str:
    tier, word = DOCUMENTS[name]
    if name in COPIES:
        return f"---\ntitle: Règle\ntier: {tier}\n---\n\nUn vélo se range au local, jamais au hall."
    topic = TOPICS[len(name) % 2 + (ord(word[1]) % 3)]
    return (
        f"---\ntitle: Fiche {word}\ntier: {tier}\n---\n\nPour le {topic}, le dossier {word} est"
        f" suivi par l'accueil.\n\n## Suite\n\nLe {topic} se règle le cinq du mois, dossier {word}."
    )


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("tiers")
    space = folder / "spaces" / "demo"
    for below in ("personas", "knowledge"):
        (space / below).mkdir(parents=True)
    (space / "space.toml").write_text(SPACE, encoding="utf-8")
    for name, tier in (("camille", "public"), ("denise", "restricted")):
        text = PERSONA.format(name=name.title(), tier=tier)
        (space / "personas" / f"{name}.toml").write_text(text, encoding="utf-8")
    for name in DOCUMENTS:
        (space / "knowledge" / name).write_text(page(name), encoding="utf-8")
    with running(folder / "data", spaces=folder / "spaces") as system:
        yield system


class Person:
    """Someone with a token, who may read what these groups may."""

    def __init__(self, http: httpx.AsyncClient, groups: tuple[str, ...]) -> None:
        self.http, self.tiers = http, {"public", *groups}

    @property
    def readable(self) -> set[str]:
        return {name for name, (tier, _) in DOCUMENTS.items() if tier in self.tiers}

    def leaks(self, said: object, asked: str, tiers: set[str] | None = None) -> set[str]:
        """Words and names of documents that they may not read, but for those that they wrote."""
        hidden = {
            text
            for name, (tier, word) in DOCUMENTS.items()
            if tier not in (tiers or self.tiers)
            for text in (word, name.removesuffix(".md"))
        }
        heard = json.dumps(said, ensure_ascii=False).lower()
        return {text for text in hidden if text in heard and text not in asked}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def people(system: Running) -> AsyncIterator[list[Person]]:
    """One for each set of groups."""
    found = []
    async with httpx.AsyncClient(base_url=system.url, headers=bearer(system.token)) as operator:
        for size in range(len(GROUPS) + 1):
            for groups in itertools.combinations(GROUPS, size):
                body = {"name": "-".join(groups) or "none", "scopes": ["ask", "search"],
                        "spaces": ["demo"], "groups": list(groups)}  # fmt: skip
                made = await operator.post("/api/v1/tokens", json=body)
                assert made.status_code == 201, made.text
                secret = bearer(made.json()["token"])
                http = httpx.AsyncClient(base_url=system.url, headers=secret, timeout=30)
                found.append(Person(http, groups))
    await indexed(found[-1])
    yield found
    for person in found:
        await person.http.aclose()


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def indexed(reader: Person) -> None:
    """The knowledge of a space comes in while the server answers already."""

    async def all_listed() -> bool:
        found = (await reader.http.get("/api/v1/spaces/demo/documents")).json()["documents"]
        return {each["document"] for each in found} == reader.readable

    await until(all_listed)


def queries(seed: int, count: int) -> Iterator[str]:
    """Often words of documents that the asker may not read."""
    rng = random.Random(seed)  # noqa: S311
    for _ in range(count):
        name = rng.choice(sorted(DOCUMENTS))
        _, word = DOCUMENTS[name]
        yield rng.choice(
            [
                word,
                f"qui suit le dossier {word} ?",
                f"{rng.choice(TOPICS)} {word}",
                f"le {rng.choice(TOPICS)}",
                word[:4],
                name,
                page(name)[40:200],
            ]
        )


async def through(people: list[Person], seed: int, count: int, ask: Any) -> list[Any]:
    """Asks in turn as each of them, several at a time."""
    limit = asyncio.Semaphore(ABREAST)

    async def one(person: Person, query: str) -> Any:
        async with limit:
            return await ask(person, query)

    asked = zip(itertools.cycle(people), queries(seed, count), strict=False)
    return await asyncio.gather(*(one(*each) for each in asked))


async def test_search_tells_only_what_the_token_may_read(people: list[Person]) -> None:
    async def ask(person: Person, query: str) -> int:
        found = await person.http.get("/api/v1/spaces/demo/search", params={"q": query})
        assert found.status_code == 200, found.text
        assert person.leaks(found.json(), query) == set()
        documents = {each["document"] for each in found.json()["passages"]}
        assert documents <= person.readable
        return len(documents)

    assert sum(await through(people, 1, SEARCHES, ask)) > SEARCHES


async def test_an_answer_quotes_and_cites_only_what_its_asker_may_read(
    people: list[Person],
) -> None:
    async def ask(person: Person, query: str) -> bool:
        answered = await person.http.post(
            "/answer/", params={"space": "demo"}, json={"query": query}
        )
        assert answered.status_code == 200, answered.text
        # The space's own persona is a public one.
        assert person.leaks(answered.json(), query, {"public"}) == set()
        return bool(answered.json()["sources"])

    assert any(await through(people, 2, ANSWERS, ask))


async def test_no_event_of_a_turn_tells_more_than_its_answer_may(people: list[Person]) -> None:
    async def ask(person: Person, query: str) -> bool:
        body = {"persona": "denise"}
        made = await person.http.post("/api/v1/spaces/demo/conversations", json=body)
        path = f"/api/v1/conversations/{made.json()['id']}"
        turn = await person.http.post(f"{path}/utterances", json={"text": query})
        told = await person.http.get(f"{path}/events", params={"turn": turn.json()["turn"]})
        events = [line for line in told.text.splitlines() if line.startswith("data: ")]
        assert person.leaks(events, query) == set()
        other = people[0] if person is not people[0] else people[1]
        assert (await other.http.get(path)).status_code == 404
        return '"sources":[{' in told.text.replace(" ", "")

    assert any(await through(people, 3, TURNS, ask))


async def test_lists_and_errors_are_those_of_a_smaller_knowledge(people: list[Person]) -> None:
    for person in people:
        listed = (await person.http.get("/api/v1/spaces/demo/documents")).json()["documents"]
        assert {each["document"] for each in listed} == person.readable
        same = (await person.http.get("/api/v1/spaces/demo/duplicates")).json()
        assert person.leaks(same, "") == set()
        [group] = same["groups"]
        assert {each["document"] for each in group["passages"]} == COPIES.keys() & person.readable
        assert (group["passages_total"], same["groups_total"]) == (2 + ("rh" in person.tiers), 1)
        refusals = set()
        for name in [*sorted(DOCUMENTS.keys() - person.readable)[:5], "nulle-part.md"]:
            got = await person.http.get(f"/api/v1/spaces/demo/documents/{name}")
            refusals.add((got.status_code, got.text.replace(name, "NAME")))
        assert len(refusals) == 1
        assert refusals.pop()[0] == 404


async def test_the_command_line_lists_copies(people: list[Person]) -> None:
    reader = people[0].http
    token = reader.headers["authorization"].removeprefix("Bearer ")
    listing = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "palabre.cli", "duplicates", "--space", "demo",
        env=os.environ | {"PALABRE_URL": str(reader.base_url), "PALABRE_TOKEN": token},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said = (await listing.communicate())[0].decode()
    assert listing.returncode == 0
    assert [word in said for word in COPIES] == [True, True, False]
    assert "2 passages, 100% alike at least" in said
    assert "1 of 1 groups" in said


@pytest_asyncio.fixture(loop_scope="module")
async def writer(system: Running, people: list[Person]) -> AsyncIterator[httpx.AsyncClient]:
    """Looks after the knowledge of the group syndic."""
    body = {"name": "syndic", "scopes": ["search", "documents:write"], "spaces": ["demo"],
            "groups": ["syndic"]}  # fmt: skip
    async with httpx.AsyncClient(base_url=system.url, headers=bearer(system.token)) as operator:
        made = (await operator.post("/api/v1/tokens", json=body)).json()
    async with httpx.AsyncClient(base_url=system.url, headers=bearer(made["token"])) as http:
        yield http


async def test_who_looks_after_a_groups_knowledge_changes_that_alone(
    system: Running, writer: httpx.AsyncClient
) -> None:
    documents = "/api/v1/spaces/demo/documents"
    hidden, free = next(n for n, (tier, _) in DOCUMENTS.items() if tier == "rh"), "nulle-part.md"
    refusals = set()
    for name in (hidden, free):
        for call in (
            writer.delete(f"{documents}/{name}"),
            writer.get(f"{documents}/{name}/versions"),
            writer.post(f"{documents}/{name}/rollback", json={"version": "0000"}),
        ):
            refused = await call
            refusals.add((refused.status_code, refused.text.replace(name, "NAME")))
    assert [status for status, _ in refusals] == [404]

    async def sent(http: httpx.AsyncClient, name: str, tier: str) -> int:
        file = {"file": (name, b"Un texte.", "text/markdown")}
        return (await http.post(documents, files=file, data={"tier": tier})).status_code

    assert await sent(writer, hidden, "syndic") == 422
    assert await sent(writer, "neuf.md", "rh") == 422
    assert await sent(writer, "neuf.md", "syndic") == 201
    assert (await writer.delete(f"{documents}/neuf.md")).status_code == 204
    async with httpx.AsyncClient(base_url=system.url, headers=bearer(system.token)) as operator:
        assert await sent(operator, "neuf.md", "rh") == 201
        assert (await operator.delete(f"{documents}/neuf.md")).status_code == 204
