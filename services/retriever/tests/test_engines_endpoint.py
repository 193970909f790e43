"""The engines that call a server, against one that misbehaves over real HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import openai
import pytest

from palabre.chassis.errors import Unavailable
from palabre.chassis.telemetry import ENGINE_FAILURES, ENGINE_TOKENS
from palabre.retriever.engines.endpoint import EndpointReranker
from palabre.retriever.engines.openai import (
    BATCH,
    BATCH_CHARACTERS,
    ENGINE,
    MAX_CHARACTERS,
    OpenAiEmbedder,
    Patience,
)
from palabre.retriever.engines.prefixes import NONE, Prefixes
from tests.standins.vectors import Vectors

SIZE = 64
PATIENT = Patience()
Make = Callable[..., OpenAiEmbedder]


@pytest.fixture
def standin() -> Vectors:
    return Vectors(SIZE)


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
async def make(standin: Vectors, waits: list[float]) -> AsyncIterator[Make]:
    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    made: list[openai.AsyncOpenAI] = []
    async with standin.serving() as url:

        def embedder(
            size: int = SIZE,
            model: str = "bge-m3",
            prefixes: Prefixes = NONE,
            patience: Patience = PATIENT,
            sleep: Callable[[float], Awaitable[None]] = sleep,
        ) -> OpenAiEmbedder:
            client = openai.AsyncOpenAI(api_key="secret", base_url=url, max_retries=0)
            made.append(client)
            return OpenAiEmbedder(client, model, size, prefixes, patience, sleep)

        yield embedder
        for client in made:
            await client.close()


def counted(reason: str) -> float:
    return float(ENGINE_FAILURES.labels(ENGINE, reason)._value.get())


async def test_batches_keep_within_what_servers_take(make: Make, standin: Vectors) -> None:
    await make().passages(["mot " * 1_000] * 20 + ["court"] * 100)
    sizes = [len(asked["input"]) for asked in standin.asked]
    assert sum(sizes) == 120
    assert max(sizes) == BATCH
    assert all(sum(map(len, asked["input"])) <= BATCH_CHARACTERS for asked in standin.asked)


async def test_the_request_is_what_the_protocol_says(make: Make, standin: Vectors) -> None:
    embedder = make(prefixes=Prefixes("query: ", "passage: "))
    await embedder.passages(["a" * 20_000])
    await embedder.questions(["b"])
    assert standin.keys == ["Bearer secret"] * 2
    assert [asked["input"][0][:9] for asked in standin.asked] == ["passage: ", "query: b"]
    assert len(standin.asked[0]["input"][0]) == MAX_CHARACTERS
    assert standin.asked[1] == {
        "input": ["query: b"],
        "model": "bge-m3",
        "encoding_format": "float",
    }


async def test_only_models_that_can_be_shortened_are_asked_to(make: Make, standin: Vectors) -> None:
    await make(model="text-embedding-3-large").questions(["a"])
    assert standin.asked[0]["dimensions"] == SIZE


@pytest.mark.parametrize("form", ["shuffle", "base64"])
async def test_vectors_are_read_in_whatever_form_they_come(
    make: Make, standin: Vectors, form: str
) -> None:
    embedder = make()
    texts = ["un bail", "un chien", "un loyer"]
    plain = await embedder.passages(texts)
    standin.faults = [form]
    for vector, again in zip(plain, await embedder.passages(texts), strict=True):
        assert again == pytest.approx(vector, abs=1e-6)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("short", "answered 2 vectors of 63 numbers, not 2 of 64: look at PALABRE_EMBEDDING_DIM"),
        ("few", "answered nonsense"),
        ("zero", "answered nonsense"),
        ("words", "answered nonsense"),
        ("500", "answered with status 500"),
        ("401", "refused with status 401: look at PALABRE_EMBEDDING_API_KEY"),
        ("404", "refused with status 404"),
    ],
)
async def test_what_cannot_be_right_is_unavailable_and_says_why(
    make: Make, standin: Vectors, fault: str, said: str
) -> None:
    standin.faults = [fault]
    with pytest.raises(Unavailable, match=said):
        await make().passages(["secret du locataire", "b"])


async def test_no_error_holds_what_a_person_wrote(make: Make, standin: Vectors) -> None:
    for fault in ("500", "401", "words", "few", "short"):
        standin.faults = [fault]
        with pytest.raises(Unavailable) as caught:
            await make().questions(["secret du locataire"])
        assert "locataire" not in str(caught.value)


async def test_a_connection_that_fails_before_the_first_byte_is_tried_once_more(
    make: Make, standin: Vectors
) -> None:
    standin.faults = ["drop"]
    assert len(await make().questions(["a"])) == 1
    assert len(standin.asked) == 2
    standin.faults = ["drop", "drop"]
    with pytest.raises(Unavailable, match="cannot be reached"):
        await make().questions(["a"])
    assert len(standin.asked) == 4


async def test_an_error_is_not_tried_again(make: Make, standin: Vectors) -> None:
    standin.faults = ["500"]
    with pytest.raises(Unavailable):
        await make().passages(["a"])
    assert len(standin.asked) == 1


async def test_passages_wait_as_long_as_a_busy_server_asks(
    make: Make, standin: Vectors, waits: list[float]
) -> None:
    standin.faults = ["429", "503"]
    assert len(await make().passages(["a"])) == 1
    assert waits == [2.0, 1.0]


async def test_nobody_waits_for_ever(make: Make, standin: Vectors, waits: list[float]) -> None:
    standin.faults = ["429"] * 100
    with pytest.raises(Unavailable) as caught:
        await make(patience=Patience(busy=5.0)).passages(["a"])
    assert (waits, caught.value.retry_after) == ([2.0, 2.0], 2.0)


async def test_a_question_does_not_wait_for_a_busy_server(
    make: Make, standin: Vectors, waits: list[float]
) -> None:
    before = counted("busy")
    standin.faults = ["429"]
    with pytest.raises(Unavailable) as caught:
        await make().questions(["a"])
    assert (caught.value.retry_after, waits, counted("busy") - before) == (2.0, [], 1)


async def test_a_silent_server_is_late(make: Make, standin: Vectors) -> None:
    standin.faults = ["silence"]
    with pytest.raises(Unavailable, match="did not answer in time"):
        await make(patience=Patience(question=0.1)).questions(["a"])


async def test_tokens_are_counted(make: Make) -> None:
    count = ENGINE_TOKENS.labels(ENGINE, "bge-m3", "prompt")._value
    before = count.get()
    await make().passages(["quatre fois dix lettres font quarante"] * 4)
    assert count.get() - before == 37


async def test_a_name_tells_apart_what_gives_other_vectors(make: Make) -> None:
    made = [make(), make(size=32), make(model="e5"), make(prefixes=Prefixes("query: "))]
    assert len({embedder.name for embedder in made}) == 4
    assert make().name == made[0].name


@pytest.mark.parametrize(
    ("fault", "said"),
    [("raw", "raw scores"), ("words", "nonsense"), ("503", "status 503"), ("silence", "Timeout")],
)
async def test_a_judgement_that_cannot_be_right_is_unavailable(
    standin: Vectors, fault: str, said: str
) -> None:
    standin.faults = [fault]
    async with (
        standin.serving() as url,
        httpx2.AsyncClient(base_url=f"{url}/", timeout=0.2) as client,
    ):
        with pytest.raises(Unavailable, match=said):
            await EndpointReranker(client, "m").scores("le bail", ["le bail", "un chien"])


async def test_a_judgement_asks_for_all_texts_in_one_call(standin: Vectors) -> None:
    standin.faults = ["drop"]
    async with standin.serving() as url, httpx2.AsyncClient(base_url=f"{url}/") as client:
        judge = EndpointReranker(client, "m")
        assert await judge.scores("le bail", ["un chien", "le bail"]) == [0.0, 1.0]
    assert standin.asked[1:] == [
        {"query": "le bail", "model": "m", "documents": ["un chien", "le bail"], "top_n": 2}
    ]


async def test_calls_side_by_side_do_not_mix(make: Make) -> None:
    embedder = make()
    texts = [f"mot{number} seul" for number in range(40)]
    alone = [(await embedder.passages([text]))[0] for text in texts]
    together = await asyncio.gather(*(embedder.passages([text]) for text in texts))
    assert [vectors[0] for vectors in together] == alone
