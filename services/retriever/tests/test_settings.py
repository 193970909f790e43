from pydantic import SecretStr

from palabre.retriever.settings import RetrieverSettings


def settings(**said: object) -> RetrieverSettings:
    return RetrieverSettings(**said)  # type: ignore[arg-type]


def test_an_embedder_can_be_made_again_from_its_recipe() -> None:
    made = settings(embedding_engine="openai", embedding_model="a", embedding_dimensions=8)
    later = settings(embedding_model="b", max_document_bytes=5_000)
    again = later.with_embedding(made.embedding_recipe)
    assert again.embedding_recipe == made.embedding_recipe
    assert again.max_document_bytes == 5_000


def test_a_recipe_holds_no_key_and_no_other_address_is_given_one() -> None:
    key = SecretStr("secret")
    mine = settings(embedding_base_url="http://a.test/v1", embedding_api_key=key)
    assert "secret" not in str(mine.embedding_recipe)
    there = {"embedding_base_url": "http://b.test/v1"}
    assert mine.with_embedding(there).embedding_api_key.get_secret_value() == ""
    here = {"embedding_base_url": "http://a.test/v1", "embedding_api_key": "planted"}
    assert mine.with_embedding(here).embedding_api_key == key
