# /// script
# requires-python = ">=3.12,<3.13"
# dependencies = ["langchain-chroma>=1,<2", "langchain-core>=1,<2", "chromadb>=1.5,<2", "numpy"]
# ///
# mypy: ignore-errors
"""LangChain + Chroma, kept in a folder, as its own first page sets it up."""

import trial
from langchain_chroma import Chroma
from langchain_core.embeddings import Embeddings


class Hashed(trial.Words, Embeddings):
    def embed_documents(self, texts):
        return [self.vector(text) for text in texts]

    def embed_query(self, text):
        return self.vector(text)


class Rival:
    grows = True

    def make(self, folder):
        self.store = Chroma("bench", Hashed(), persist_directory=str(folder))

    open = make

    def add(self, texts):
        self.store.add_texts(texts, [{"tier": "public"} for _ in texts])

    def find(self, question):
        return self.store.similarity_search(question, k=trial.PLACES, filter={"tier": "public"})

    def save(self):
        """It is kept as it grows."""


trial.run(Rival())
