# /// script
# requires-python = ">=3.12,<3.13"
# dependencies = [
#   "fastapi", "uvicorn[standard]", "langchain-openai", "langchain-chroma",
#   "langchain-text-splitters", "chromadb",
# ]
# ///
# mypy: ignore-errors
"""The usual small app: FastAPI, LangChain, Chroma. It streams as OpenAI does; one file, one route.

Its embeddings are hashed words, which cost next to nothing: a real model would take milliseconds.
"""

import hashlib
import json
import math
import os
import re
import sys
from pathlib import Path

from chromadb.config import Settings
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from langchain_chroma import Chroma
from langchain_core.embeddings import Embeddings
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI
from langchain_text_splitters import RecursiveCharacterTextSplitter
from pydantic import BaseModel

SIZE = 384
PROMPT = ChatPromptTemplate.from_messages(
    [
        ("system", "Répondez à partir de ces extraits :\n{context}"),
        ("human", "{question}"),
    ]
)


class Hashed(Embeddings):
    """Counts of words, hashed into SIZE places."""

    def embed_documents(self, texts):
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text):
        counts = [0.0] * SIZE
        for word in re.findall(r"\w+", text.lower()):
            digest = hashlib.blake2b(word.encode(), digest_size=4).digest()
            counts[int.from_bytes(digest) % SIZE] += 1.0
        length = math.sqrt(sum(c * c for c in counts)) or 1.0
        return [c / length for c in counts]


class Request(BaseModel):
    model: str
    messages: list[dict]


def create():
    app, chains = FastAPI(), {}
    cutter = RecursiveCharacterTextSplitter(chunk_size=800, chunk_overlap=100)
    files = sorted(Path(os.environ["RIVAL_KNOWLEDGE"]).rglob("*.md"))
    texts = [t for f in files for t in cutter.split_text(f.read_text(encoding="utf-8"))]
    store = Chroma(
        embedding_function=Hashed(), client_settings=Settings(anonymized_telemetry=False)
    )
    store.add_texts(texts)
    found = store.as_retriever(search_kwargs={"k": 6})

    def chain(model):
        if model not in chains:
            url = os.environ["RIVAL_MODEL_URL"]
            asked = ChatOpenAI(model=model, base_url=url, api_key="none", max_retries=0)
            chains[model] = PROMPT | asked | StrOutputParser()
        return chains[model]

    async def answer(request):
        question = request.messages[-1]["content"]
        context = "\n\n".join(d.page_content for d in await found.ainvoke(question))
        head = {"id": "chatcmpl-rival", "object": "chat.completion.chunk", "model": request.model}
        async for text in chain(request.model).astream({"context": context, "question": question}):
            choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
            yield f"data: {json.dumps(head | {'choices': [choice]})}\n\n"
        yield "data: [DONE]\n\n"

    @app.post("/v1/chat/completions")
    async def complete(request: Request):
        return StreamingResponse(answer(request), media_type="text/event-stream")

    @app.get("/ready")
    async def ready():
        return {"texts": len(texts)}

    return app


if __name__ == "__main__" and "--check" not in sys.argv:
    import uvicorn

    uvicorn.run(
        "chroma_app:create",
        factory=True,
        port=int(os.environ["RIVAL_PORT"]),
        workers=int(os.environ["RIVAL_WORKERS"]),
        log_level="warning",
        access_log=False,
        app_dir=str(Path(__file__).parent),
    )
