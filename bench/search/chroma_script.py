# /// script
# requires-python = ">=3.12,<3.13"
# dependencies = ["langchain-chroma", "langchain-text-splitters", "chromadb"]
# ///
# mypy: ignore-errors
"""LangChain + Chroma over a JSON list of texts; prints its figures as one line of JSON.

Vectors are made up (384 numbers a text), so a model's time is not counted: what is measured is the
store. 300 characters with 100 in common, as is usual with such a model, would make three times as
many pieces; here they are as long as ours.
"""

import hashlib
import json
import random
import sys
import time
from pathlib import Path

import numpy as np
from langchain_chroma import Chroma
from langchain_core.embeddings import Embeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter

SIZE = 384
QUESTIONS = 400
BATCH = 500
PAGE = 4_096


class MadeUp(Embeddings):
    """The same text has the same vector."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
        vector = np.random.default_rng(seed).standard_normal(SIZE, dtype=np.float32)
        return (vector / np.linalg.norm(vector)).tolist()


def memory_mb() -> float:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE / 1e6


def main(corpus: str, folder: str) -> None:
    texts = json.loads(Path(corpus).read_text(encoding="utf-8"))
    splitter = RecursiveCharacterTextSplitter(chunk_size=900, chunk_overlap=0)
    store = Chroma("bench", MadeUp(), persist_directory=folder)
    before, begun = memory_mb(), time.perf_counter()
    pieces = [piece for text in texts for piece in splitter.split_text(text)]
    for start in range(0, len(pieces), BATCH):
        batch = pieces[start : start + BATCH]
        store.add_texts(batch, [{"tier": "public"} for _ in batch])
    rate = len(pieces) / (time.perf_counter() - begun)
    chance = random.Random(1)
    times = []
    for _ in range(QUESTIONS + 20):
        question = " ".join(chance.choice(pieces).split()[:8])
        begun = time.perf_counter()
        store.similarity_search(question, k=6, filter={"tier": "public"})
        times.append((time.perf_counter() - begun) * 1_000)
    print(json.dumps({"times_ms": times[20:], "rate": rate, "mb": memory_mb() - before}))


main(*sys.argv[1:])
