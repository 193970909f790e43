"""A stand-in for the gateway: the same HTTP API, canned answers, and faults on demand.

The page itself is the real one (`palabre.gateway.pages`). What happens to a question is chosen by a
word in it: see `FAULTS`. Everything is in memory, one process, one event loop.
"""

import asyncio
import json
import math
import struct
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from palabre.chassis.spaces import Space
from palabre.contracts.v1 import retriever_pb2
from palabre.gateway import pages

from .canned import ANSWER, DOCUMENTS, NO_KNOWLEDGE, SOURCES, SPACE

PIECE = 9  # code points of a delta
PAUSE_S = 0.006
SLOW_S = 0.12
RATE = 16_000  # samples of the voice per second

FAULTS = {
    "panne": "the turn fails after some words",
    "reprise": "the first attempt is void, a second one answers",
    "coupure": "the connection of the events breaks once",
    "indisponible": "the connection of the events breaks, then answers 503 once",
    "lentement": "the answer takes its time",
    "refus": "the question is refused with 429",
    "inconnu": "nothing is known",
    "muet": "the answer has no voice",
    "attente": "a notice comes before the answer",
}


@dataclass
class Turn:
    """One question. `events` only grows; `grown` wakes those who follow them."""

    id: str
    question: str
    persona: str
    speech: bool
    status: str = "running"
    answer: str = ""
    message: str = ""
    sources: list[dict[str, Any]] = field(default_factory=list)
    events: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    grown: asyncio.Condition = field(default_factory=asyncio.Condition)
    attempt: int = 1
    offset: int = 0
    faults: set[str] = field(default_factory=set)

    async def tell(self, name: str, **data: Any) -> None:
        self.events.append(
            (f"{self.id}/{self.attempt}/{self.offset}", name, {"turn": self.id, **data})
        )
        async with self.grown:
            self.grown.notify_all()

    def told(self) -> dict[str, Any]:
        names = ("id", "question", "status", "answer", "message", "sources", "persona")
        return {name: getattr(self, name) for name in names} | {"language": "fr", "mode": ""}


@dataclass
class Standin:
    """What the stand-in remembers, for a test to look at."""

    space: Space = SPACE
    conversations: dict[str, list[Turn]] = field(default_factory=dict)
    utterances: list[dict[str, Any]] = field(default_factory=list)
    feedback: list[dict[str, Any]] = field(default_factory=list)
    cancelled: list[dict[str, Any]] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)
    audio_after: list[str] = field(default_factory=list)  # status of the turn when its voice began
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def turn(self, name: str) -> Turn | None:
        turns = (turn for turns in self.conversations.values() for turn in turns)
        return next((turn for turn in turns if turn.id == name), None)

    def begin(self, conversation: str, body: Mapping[str, Any]) -> Turn:
        text = body["text"]
        turn = Turn(uuid.uuid4().hex, text, body.get("persona", ""), bool(body.get("speech")))
        turn.faults = {fault for fault in FAULTS if fault in text}
        self.conversations[conversation].append(turn)
        task = asyncio.get_running_loop().create_task(answer(turn))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return turn


async def answer(turn: Turn) -> None:
    """Writes the answer, with the faults that the question asks for."""
    await turn.tell("accepted", question=turn.question)
    if "attente" in turn.faults:
        await turn.tell("notice", message="La réponse prend plus de temps que d’habitude.")
        await asyncio.sleep(1)
    text = NO_KNOWLEDGE if "inconnu" in turn.faults else ANSWER
    if "reprise" in turn.faults:
        await write(turn, "Ce début sera remplacé, car le modèle s’est interrompu.")
        turn.attempt, turn.offset = 2, 0
        await turn.tell("restarted", attempt=2)
    if "panne" in turn.faults:
        await write(turn, text[:120])
        await fail(turn)
        return
    await write(turn, text)
    if turn.status == "running":
        await complete(turn, text)


async def write(turn: Turn, text: str) -> None:
    for start in range(0, len(text), PIECE):
        await asyncio.sleep(SLOW_S if "lentement" in turn.faults else PAUSE_S)
        if turn.status != "running":
            return
        piece = text[start : start + PIECE]
        turn.answer, turn.offset = text[: start + len(piece)], start + len(piece)
        await turn.tell("delta", attempt=turn.attempt, offset=start, text=piece)


async def fail(turn: Turn) -> None:
    turn.status = "failed"
    turn.message = "Désolé, la réponse s’est interrompue. Vous pouvez reposer votre question."
    await turn.tell(
        "failed", reason="interrupted", message=turn.message, retryable=True, shown=turn.answer
    )


async def complete(turn: Turn, text: str) -> None:
    known = text is ANSWER
    turn.status, turn.answer, turn.sources = "completed", text, SOURCES if known else []
    await turn.tell(
        "completed",
        text=text,
        mode="grounded" if known else "no_knowledge",
        sources=turn.sources,
        usage={},
        language="fr",
        persona=turn.persona,
        disclaimer="",
    )


def application(state: Standin) -> FastAPI:
    app = FastAPI(docs_url=None, openapi_url=None)

    @app.middleware("http")
    async def note(request: Request, call_next: Any) -> Any:
        state.addresses.append(str(request.url))
        return await call_next(request)

    async def document(_: Request, space: str, name: str) -> retriever_pb2.GetDocumentResponse:
        return DOCUMENTS[name]

    def welcome(request: Request, response: Response) -> None:
        if "palabre_visitor" not in request.cookies:
            response.set_cookie("palabre_visitor", "v", httponly=True, samesite="strict")

    app.include_router(pages.router(lambda: {"compost": state.space}, document, welcome))
    _conversations(app, state)
    _utterances(app, state)
    _turns(app, state)
    return app


def _space(space: Space) -> dict[str, Any]:
    personas = [
        {"id": name, "name": p.name, "avatar": p.avatar.model_dump(), "address": p.address}
        for name, p in space.personas.items()
    ]
    plain = space.model_dump(include={"name", "languages", "greeting", "disclaimer", "examples"})
    kept = {"id": "compost", "personas": personas, "default_persona": space.default_persona}
    return plain | kept


def _problem(status: int) -> Response:
    return JSONResponse(
        {"title": "Refused", "status": status, "detail": "Do otherwise."},
        status,
        media_type="application/problem+json",
    )


def _conversations(app: FastAPI, state: Standin) -> None:
    @app.get("/api/v1/spaces")
    async def list_spaces() -> Any:
        return {"spaces": [_space(state.space)]}

    @app.post("/api/v1/spaces/{space}/conversations", status_code=201)
    async def begin(space: str) -> Any:
        name = uuid.uuid4().hex
        state.conversations[name] = []
        return {"id": name, "space": space, "persona": "awa", "created_at": "2026-01-01T00:00:00Z"}

    @app.get("/api/v1/conversations/{name}")
    async def read(name: str) -> Any:
        if name not in state.conversations:
            return _problem(404)
        return {"id": name, "turns": [turn.told() for turn in state.conversations[name]]}

    @app.delete("/api/v1/conversations/{name}")
    async def erase(name: str) -> Response:
        state.conversations.pop(name, None)
        return Response(status_code=204)


def _utterances(app: FastAPI, state: Standin) -> None:
    @app.post("/api/v1/conversations/{name}/utterances", status_code=202)
    async def ask(name: str, request: Request) -> Any:
        if name not in state.conversations:
            return _problem(404)
        body = await request.json()
        state.utterances.append(body)
        if "refus" in body["text"]:
            return _problem(429)
        key = request.headers["idempotency-key"]
        if key not in state.keys:
            await _cancel(state, name)
            state.keys[key] = state.begin(name, body).id
        return {"turn": state.keys[key], "conversation": name}

    @app.post("/api/v1/conversations/{name}/cancel", status_code=202)
    async def cancel(name: str, request: Request) -> Any:
        state.cancelled.append(await request.json())
        turn = await _cancel(state, name)
        return {"turn": turn} if turn else _problem(409)


async def _cancel(state: Standin, name: str) -> str:
    for turn in state.conversations.get(name, []):
        if turn.status == "running":
            turn.status = "cancelled"
            await turn.tell("cancelled", reason="stop")
            return turn.id
    return ""


def _turns(app: FastAPI, state: Standin) -> None:
    @app.get("/api/v1/conversations/{name}/events")
    async def events(name: str, turn: str, request: Request, last_event_id: str = "") -> Any:
        found = state.turn(turn)
        if found is None:
            return _problem(404)
        last = request.headers.get("last-event-id", "") or last_event_id
        if last and "indisponible" in found.faults:
            found.faults.remove("indisponible")
            return _problem(503)
        return StreamingResponse(_stream(found, last), media_type="text/event-stream")

    @app.get("/api/v1/turns/{turn}/audio")
    async def audio(turn: str) -> Any:
        found = state.turn(turn)
        if found is None or "muet" in found.faults:
            return _problem(503)
        state.audio_after.append(found.status)
        return StreamingResponse(_tone(found), media_type="audio/wav")

    @app.post("/api/v1/turns/{turn}/feedback", status_code=204)
    async def rate(turn: str, request: Request) -> None:
        state.feedback.append(await request.json())


async def _stream(turn: Turn, last: str) -> AsyncIterator[str]:
    ids = [event[0] for event in turn.events]
    start = len(ids) - ids[::-1].index(last) if last in ids else 0
    yield f"retry: {1500 if 'indisponible' in turn.faults else 150}\n\n"
    while True:
        for name, kind, data in turn.events[start:]:
            start += 1
            yield f"id: {name}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"
            if kind in ("completed", "failed", "cancelled"):
                return
            if start > 12 and "coupure" in turn.faults:
                turn.faults.remove("coupure")
                return
            if start > 12 and "indisponible" in turn.faults and not last:
                return
        async with turn.grown:
            while len(turn.events) == start:
                await turn.grown.wait()


async def _tone(turn: Turn, seconds: float = 20) -> AsyncIterator[bytes]:
    """A quiet 220 Hz tone as WAV of unknown length, faster than it is heard."""
    unknown = 0xFFFFFFFF
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, RATE * 2, 2, 16)
    yield (
        struct.pack("<4sI4s", b"RIFF", unknown, b"WAVE")
        + form
        + struct.pack("<4sI", b"data", unknown)
    )
    step = RATE // 10
    for start in range(0, int(RATE * seconds), step):
        wave = (int(900 * math.sin(440 * math.pi * n / RATE)) for n in range(start, start + step))
        yield struct.pack(f"<{step}h", *wave)
        await asyncio.sleep(0.02)
        if turn.status == "cancelled":
            return
