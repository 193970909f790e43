"""What a model in a folder, or one that is missing, does."""

from pathlib import Path

import pytest

pytest.importorskip("fastembed", reason="the extra palabre-retriever[fastembed] is missing")

from palabre.chassis.errors import Unavailable
from palabre.retriever import engines
from palabre.retriever.engines import Embedder, EngineMissing
from palabre.retriever.settings import RetrieverSettings

from . import tiny_models

WORDS = "le bail dure trois ans query : passage un chien"


def built(path: Path, **settings: object) -> Embedder:
    given = {"data_dir": path.parent, "embedding_path": path} | settings
    found = engines.embedder(RetrieverSettings.model_validate(given))
    assert found
    return found


async def test_a_folder_says_how_its_tokens_become_one_vector(tmp_path: Path) -> None:
    mean = built(tiny_models.embedder(tmp_path / "mean", WORDS))
    first = built(tiny_models.embedder(tmp_path / "first", WORDS, pooling="cls"))
    # Each text begins with the same token.
    one, other = await first.passages(["le bail", "un chien"])
    assert one == pytest.approx(other)
    one, other = await mean.passages(["le bail", "un chien"])
    assert one != pytest.approx(other)


async def test_a_setting_overrides_what_the_folder_says(tmp_path: Path) -> None:
    path = tiny_models.embedder(tmp_path / "mean", WORDS)
    one, other = await built(path, embedding_pooling="cls").passages(["le bail", "un chien"])
    assert one == pytest.approx(other)


async def test_a_model_that_is_known_for_prefixes_gets_them(tmp_path: Path) -> None:
    e5 = built(tiny_models.embedder(tmp_path / "multilingual-e5-tiny", WORDS))
    bare = {"embedding_question_prefix": "", "embedding_passage_prefix": ""}
    plain = built(tmp_path / "multilingual-e5-tiny", **bare)
    assert await e5.questions(["le bail"]) == await plain.questions(["query: le bail"])
    assert await e5.passages(["le bail"]) == await plain.passages(["passage: le bail"])
    assert e5.name != plain.name


async def test_another_model_in_the_same_folder_has_another_name(tmp_path: Path) -> None:
    before = built(tiny_models.embedder(tmp_path / "m", WORDS)).name
    assert built(tmp_path / "m").name == before
    (tmp_path / "m" / "1_Pooling" / "config.json").unlink()
    (tmp_path / "m" / "1_Pooling").rmdir()
    assert built(tiny_models.embedder(tmp_path / "m", WORDS, seed=2)).name != before


@pytest.mark.parametrize("broken", ["model.onnx", "tokenizer.json", "tokenizer_config.json"])
@pytest.mark.parametrize("how", ["missing", "nonsense"])
def test_a_folder_that_is_not_whole_is_refused_with_what_to_do(
    tmp_path: Path, broken: str, how: str
) -> None:
    path = tiny_models.embedder(tmp_path / "m", WORDS)
    (path / broken).unlink()
    if how == "nonsense":
        (path / broken).write_text("{")
    with pytest.raises(EngineMissing, match="it must hold"):
        built(path)


@pytest.mark.parametrize("kind", ["embedding", "reranker"])
def test_a_model_that_is_not_on_the_machine_is_refused_not_downloaded(
    tmp_path: Path, kind: str
) -> None:
    name = {"embedding": "intfloat/multilingual-e5-large", "reranker": "BAAI/bge-reranker-v2-m3"}
    settings = RetrieverSettings.model_validate({"data_dir": tmp_path, f"{kind}_model": name[kind]})
    with pytest.raises(EngineMissing, match="PALABRE_ALLOW_DOWNLOADS=true"):
        _ = (engines.embedder(settings), engines.reranker(settings))


def test_a_name_that_nobody_knows_is_refused_with_those_that_are(tmp_path: Path) -> None:
    settings = RetrieverSettings(data_dir=tmp_path, embedding_model="camembert-max")
    with pytest.raises(EngineMissing, match="intfloat/multilingual-e5-large"):
        engines.embedder(settings)


async def test_a_model_that_fails_is_unavailable(tmp_path: Path) -> None:
    path = tiny_models.embedder(tmp_path / "m", WORDS)
    tokenizer = path / "tokenizer.json"
    # A word whose number is beyond the model's table.
    tokenizer.write_text(tokenizer.read_text().replace('"chien": 13', '"chien": 99'))
    embedder = built(path)
    with pytest.raises(Unavailable, match="the model failed"):
        await embedder.passages(["un chien"])
