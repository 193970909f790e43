# /// script
# requires-python = ">=3.12,<3.13"
# dependencies = ["llama-index-core>=0.14,<0.15", "numpy"]
# ///
# mypy: ignore-errors
"""LlamaIndex with the store that it has by default: in memory, saved as JSON."""

import trial
from llama_index.core import Settings, StorageContext, VectorStoreIndex, load_index_from_storage
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.schema import TextNode
from llama_index.core.vector_stores import MetadataFilter, MetadataFilters

WORDS = trial.Words()
PUBLIC = MetadataFilters(filters=[MetadataFilter(key="tier", value="public")])


class Hashed(BaseEmbedding):
    def _get_text_embedding(self, text):
        return WORDS.vector(text)

    def _get_query_embedding(self, query):
        return WORDS.vector(query)

    async def _aget_query_embedding(self, query):
        return WORDS.vector(query)


class Rival:
    grows = True

    def make(self, folder):
        self.folder = folder
        Settings.embed_model = Hashed()
        self.index = VectorStoreIndex(nodes=[])

    def open(self, folder):
        Settings.embed_model = Hashed()
        stored = StorageContext.from_defaults(persist_dir=str(folder))
        self.index = load_index_from_storage(stored)

    def add(self, texts):
        self.index.insert_nodes(
            [TextNode(text=text, metadata={"tier": "public"}) for text in texts]
        )

    def find(self, question):
        """A retriever knows only what was there when it was made."""
        retriever = self.index.as_retriever(similarity_top_k=trial.PLACES, filters=PUBLIC)
        return retriever.retrieve(question)

    def save(self):
        self.index.storage_context.persist(persist_dir=str(self.folder))


trial.run(Rival())
