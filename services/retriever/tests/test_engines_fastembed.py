"""What a model in a folder, or one that is missing, does."""

import datetime as dt
from pathlib import Path

import pytest

pytest.importorskip("fastembed", reason="the extra palabre-retriever[fastembed] is missing")

from palabre.chassis.blobs import MemoryObjects
from palabre.chassis.errors import Unavailable
from palabre.chassis.testing import collect
from palabre.contracts.v1.retriever_pb2 import DocumentHeader
from palabre.retriever import engines
from palabre.retriever.catalogue import Catalogue, MemoryBucket
from palabre.retriever.engines import Embedder, EngineMissing
from palabre.retriever.fitting import embedded
from palabre.retriever.index.edge import EdgeIndex
from palabre.retriever.knowledge import Knowledge
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


async def test_a_model_says_how_much_it_reads(tmp_path: Path) -> None:
    model = built(tiny_models.embedder(tmp_path / "m", WORDS))
    # Two tokens are the model's own.
    read = "bail " * (tiny_models.LONGEST - 2)
    assert model.tokens(read) == model.longest == tiny_models.LONGEST
    whole, more, less = await model.passages([read, read + "chien", read[5:] + "chien"])
    assert whole == pytest.approx(more)
    assert whole != pytest.approx(less)


async def test_a_prefix_counts(tmp_path: Path) -> None:
    e5 = built(tiny_models.embedder(tmp_path / "multilingual-e5-tiny", WORDS))
    assert e5.tokens("le bail") == len(["[CLS]", "passage", ":", "le", "bail", "[SEP]"])


@pytest.mark.parametrize(("asked", "read"), [(32, tiny_models.LONGEST), (None, 24), (0, 0)])
async def test_a_setting_lets_it_read_as_much_as_it_can_or_parts_nothing(
    tmp_path: Path, asked: int | None, read: int
) -> None:
    path = tiny_models.embedder(tmp_path / "m", WORDS)
    assert built(path, embedding_tokens=asked).longest == read


async def test_a_folder_may_say_that_it_is_meant_to_read_less(tmp_path: Path) -> None:
    path = tiny_models.embedder(tmp_path / "m", WORDS)
    (path / "sentence_bert_config.json").write_text('{"max_seq_length": 16}')
    assert built(path).longest == 16
    assert built(path, embedding_tokens=32).longest == tiny_models.LONGEST


async def test_all_of_a_document_is_read_by_a_model_that_reads_little(tmp_path: Path) -> None:
    model = built(tiny_models.embedder(tmp_path / "m", WORDS))
    index = await EdgeIndex.open(tmp_path / "index", model)
    knowledge = Knowledge(
        index, Catalogue(MemoryBucket()), MemoryObjects(), lambda: dt.datetime.now(dt.UTC)
    )
    rows = "".join(f"| {n} | trois ans |\n" for n in range(30))
    text = f"# Bail\n\n## Durée\n\n{'Le bail dure trois ans. ' * 40}\n\n| a | b |\n|-|-|\n{rows}"
    header = DocumentHeader(space="demo", document="bail.md")
    entry = (await collect(knowledge.ingest(header, text.encode(), "fr")))[-1].done
    passages = await knowledge.passages("demo", entry)
    longest = max(model.tokens(embedded(passage, model)) for passage in passages)
    assert longest <= tiny_models.LONGEST
    assert await index.count("demo") == len(passages) > 20
    await index.close()


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
