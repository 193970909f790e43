"""What models of embeddings want before a question and before a passage, by their cards."""

import re
from typing import NamedTuple

from palabre.retriever.settings import RetrieverSettings


class Prefixes(NamedTuple):
    question: str = ""
    passage: str = ""


NONE = Prefixes()

_TASK = "Given a question, retrieve passages that answer it"
# The first whose pattern is found in the model's name or its folder's.
_KNOWN = (
    (r"e5.*instruct", Prefixes(f"Instruct: {_TASK}\nQuery: ")),
    (r"\be5-|-e5-", Prefixes("query: ", "passage: ")),
    (r"solon-embeddings", Prefixes("query : ")),
    (r"arctic-embed.*v2", Prefixes("query: ")),
    (
        r"bge-(small|base|large)-en|arctic-embed|mxbai-embed",
        Prefixes("Represent this sentence for searching relevant passages: "),
    ),
    (r"nomic-embed-text", Prefixes("search_query: ", "search_document: ")),
    (r"embeddinggemma", Prefixes("task: search result | query: ", "title: none | text: ")),
    (r"qwen3-embedding", Prefixes(f"Instruct: {_TASK}\nQuery:")),
)


def of_settings(settings: RetrieverSettings) -> Prefixes:
    """What is set counts, also when it is empty; then what the model is known to want."""
    named = settings.embeds.lower()
    known = next((p for pattern, p in _KNOWN if re.search(pattern, named)), Prefixes())
    question, passage = settings.embedding_question_prefix, settings.embedding_passage_prefix
    return Prefixes(
        known.question if question is None else question,
        known.passage if passage is None else passage,
    )
