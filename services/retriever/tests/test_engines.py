"""One suite over every engine; models are made here, endpoints are stand-ins on loopback."""

import math
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from palabre.chassis.errors import Unavailable
from palabre.retriever import engines
from palabre.retriever.engines import Embedder, EngineMissing, Reranker
from palabre.retriever.settings import RetrieverSettings
from tests.standins.vectors import Vectors

BAIL = "le bail dure trois ans"
TEXTS = [
    BAIL,
    "un chien est admis dans le logement",
    "le loyer se paie le cinq du mois par virement ou par chèque à la caisse",
]
WORDS = " ".join([*TEXTS, "quelle est la durée du bail query passage :"])


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[str], Path]:
    def make(kind: str) -> Path:
        pytest.importorskip("fastembed", reason="the extra palabre-retriever[fastembed] is missing")
        from . import tiny_models

        path = tmp_path / f"tiny-{kind}"
        if kind == "judge":
            return tiny_models.cross_encoder(path, WORDS)
        return tiny_models.embedder(path, WORDS, pooling="cls" if kind == "cls" else "mean")

    return make


@pytest.fixture
async def endpoint() -> AsyncIterator[tuple[Vectors, str]]:
    async with AsyncExitStack() as stack:
        standin = Vectors()
        yield standin, await stack.enter_async_context(standin.serving())


@pytest.fixture(params=["words", "fastembed", "openai"])
async def embedder(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    endpoint: tuple[Vectors, str],
    folder: Callable[[str], Path],
) -> AsyncIterator[Embedder]:
    found = engines.embedder(_embedding(request.param, tmp_path, endpoint[1], folder))
    assert found
    yield found
    await found.close()


@pytest.fixture(params=["words", "fastembed", "cohere", "tei"])
async def judge(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    endpoint: tuple[Vectors, str],
    folder: Callable[[str], Path],
) -> AsyncIterator[Reranker]:
    found = engines.reranker(_reranking(request.param, tmp_path, endpoint[1], folder))
    assert found
    yield found
    await found.close()


def _embedding(
    engine: str, data: Path, url: str, folder: Callable[[str], Path]
) -> RetrieverSettings:
    if engine == "fastembed":
        return RetrieverSettings(data_dir=data, embedding_path=folder("mean"))
    if engine == "openai":
        return RetrieverSettings(
            data_dir=data, embedding_base_url=url, embedding_model="m", embedding_dimensions=64
        )
    return RetrieverSettings(data_dir=data, embedding_engine="words")


def _reranking(
    engine: str, data: Path, url: str, folder: Callable[[str], Path]
) -> RetrieverSettings:
    if engine == "fastembed":
        return RetrieverSettings(data_dir=data, reranker_path=folder("judge"))
    if engine in ("cohere", "tei"):
        api: Any = engine
        return RetrieverSettings(
            data_dir=data, reranker_base_url=url, reranker_model="m", reranker_api=api
        )
    return RetrieverSettings(data_dir=data, reranker_engine="words")


def nearness(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


async def test_a_vector_a_text_in_its_order_and_of_length_1(embedder: Embedder) -> None:
    texts = [f"{TEXTS[n % 3]} {n}" for n in range(70)]
    vectors = await embedder.passages(texts)
    assert {len(vector) for vector in vectors} == {embedder.size}
    assert [math.hypot(*vector) for vector in vectors] == pytest.approx([1.0] * 70, abs=1e-5)
    for number in (0, 35, 69):
        [alone] = await embedder.passages([texts[number]])
        assert nearness(vectors[number], alone) == pytest.approx(1.0, abs=1e-5)


async def test_a_question_is_near_the_passage_that_shares_its_words(embedder: Embedder) -> None:
    [question] = await embedder.questions(["quelle est la durée du bail"])
    other = await embedder.questions([BAIL])
    passages = await embedder.passages(TEXTS)
    assert max(passages, key=lambda vector: nearness(other[0], vector)) == passages[0]
    assert nearness(question, other[0]) < 0.99


async def test_nothing_to_embed_is_nothing(embedder: Embedder) -> None:
    assert (await embedder.passages([]), await embedder.questions([])) == ([], [])


async def test_a_very_long_text_is_cut_not_refused(embedder: Embedder) -> None:
    [vector] = await embedder.passages(["bail " * 20_000])
    assert len(vector) == embedder.size


async def test_an_empty_text_has_a_vector(embedder: Embedder) -> None:
    [vector] = await embedder.passages([""])
    assert math.hypot(*vector) == pytest.approx(1.0, abs=1e-5)


async def test_tokens_are_counted_also_beyond_what_is_read(embedder: Embedder) -> None:
    counts = [embedder.tokens("bail " * times) for times in (1, 10, 10_000)]
    assert counts == sorted(set(counts))
    assert counts[2] >= 10_000


async def test_the_text_that_answers_is_judged_best_and_scores_are_shares(judge: Reranker) -> None:
    scores = await judge.scores("le bail dure", TEXTS)
    assert len(scores) == 3
    assert scores[0] > max(scores[1:])
    assert all(0 <= score <= 1 for score in scores)


async def test_scores_follow_the_texts_not_their_worth(judge: Reranker) -> None:
    scores = await judge.scores("le bail dure", TEXTS)
    again = await judge.scores("le bail dure", TEXTS[::-1])
    assert again == pytest.approx(scores[::-1], abs=1e-6)


async def test_no_text_is_no_score(judge: Reranker) -> None:
    assert await judge.scores("le bail", []) == []


def test_without_a_setting_there_is_no_engine(tmp_path: Path) -> None:
    settings = RetrieverSettings(data_dir=tmp_path)
    assert (engines.embedder(settings), engines.reranker(settings)) == (None, None)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"embedding_engine": "vespa"}, "no engine 'vespa': choose one of"),
        ({"embedding_engine": "openai"}, "PALABRE_EMBEDDING_MODEL is not set"),
        ({"embedding_api_key": "k", "embedding_model": "m"}, "PALABRE_EMBEDDING_DIMENSIONS"),
        ({"reranker_base_url": "http://127.0.0.1:9"}, "PALABRE_RERANKER_MODEL is not set"),
        ({"reranker_engine": "endpoint", "reranker_api": "tei"}, "PALABRE_RERANKER_BASE_URL"),
    ],
)
def test_settings_that_are_not_whole_are_refused_with_what_to_do(
    tmp_path: Path, asked: dict[str, str], said: str
) -> None:
    settings = RetrieverSettings.model_validate({"data_dir": tmp_path} | asked)
    with pytest.raises(EngineMissing, match=said):
        _ = (engines.embedder(settings), engines.reranker(settings))


async def test_a_server_that_fails_is_unavailable(endpoint: tuple[Vectors, str]) -> None:
    standin, url = endpoint
    standin.faults = ["500"]
    judge = engines.reranker(RetrieverSettings(reranker_base_url=url, reranker_model="m"))
    assert judge
    with pytest.raises(Unavailable, match="status 500"):
        await judge.scores("a", ["a"])
    await judge.close()
