"""Trying every engine that is set up: what works, what it costs, how fast it is."""

import struct
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from palabre.chassis.spaces import Space
from palabre.contracts.v1 import llm_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Passage, Sampling, Usage
from palabre.llm import presets, remedies
from palabre.llm.engines import (
    Completion,
    Engine,
    Image,
    Judge,
    Material,
    Message,
    Rung,
    Seer,
    Served,
)
from palabre.llm.errors import Blind, EngineError
from palabre.llm.ladder import Ladder
from palabre.llm.prices import Prices
from palabre.llm.remedies import Place
from palabre.llm.settings import Endpoint, Settings


def png(side: int, colour: tuple[int, int, int]) -> bytes:
    """A square of one colour (RFC 2083): the smallest picture that every model takes."""
    rows = (b"\0" + bytes(colour) * side) * side
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# Long enough to time, short enough to cost next to nothing; room for a model that thinks first.
_COUNT = Message("user", "Comptez de un à vingt, en toutes lettres.")
_CAPITAL = Message("user", "Quelle est la capitale de la France ? Répondez en JSON.")
_COLOUR = Message(
    "user",
    "De quelle couleur est cette image ? Répondez en un mot.",
    (Image("image/png", png(64, (200, 30, 30)), "low"),),
)
_SAMPLING = Sampling(max_tokens=300)
_SCHEMA = {
    "type": "object",
    "properties": {"capital": {"type": "string"}},
    "required": ["capital"],
    "additionalProperties": False,
}
_PASSAGE = Passage(id="p", document="d", title="Essai", text="Le délai est d'un mois.")
_MATERIAL = Material("Quel est le délai ?", (_PASSAGE,), "fr")
_NOT_NEEDED = (
    "Where the server's models answer, nothing has to be done: only their list is missing."
)

Trials = AsyncIterator[pb.EngineTrial]


@dataclass(frozen=True, slots=True)
class Checking:
    """`spaces` gives those whose personas name models."""

    engines: Mapping[str, Engine]
    ladder: Ladder
    settings: Settings
    prices: Prices
    spaces: Callable[[], Mapping[str, Space]]
    clock: Callable[[], float] = field(default=time.monotonic)

    def entries(self) -> pb.ListEnginesResponse:
        """What is set up, and which models are named that lead nowhere."""
        used, endpoints = self._used(), self.settings.endpoints
        response = pb.ListEnginesResponse(lost=(_model(n, by) for n, by in self._lost().items()))
        for name in self.engines:
            models = [_model(rung.model, by) for rung, by in used if rung.engine.name == name]
            entry = _entry(name, endpoints.get(name), models)
            entry.left_alone = self.ladder.left_alone(name)
            response.engines.append(entry)
        return response

    async def trials(self, names: Sequence[str] = ()) -> Trials:
        """Of these engines, or of all: one after the other, each once it is done."""
        for name, by in self._lost().items():
            problem = f"{name} names no endpoint that is set up; it is used by {', '.join(by)}."
            remedy = "Add its endpoint to PALABRE_LLM_ENDPOINTS, or name another model."
            if not names:
                yield pb.EngineTrial(model=name, problem=problem, remedy=remedy, kind=_STREAM)
        for name, engine in self.engines.items():
            if not names or name in names:
                async for trial in self._of_engine(engine):
                    yield trial

    async def _of_engine(self, engine: Engine) -> Trials:
        endpoint = self.settings.endpoints.get(engine.name, Endpoint())
        address, known = endpoint.address, list[str]()
        place = Place(engine.name, address)
        if isinstance(engine, Served):
            trial = await self._tried(place, _MODELS, _listed(engine, known))
            trial.remedy += "" if trial.works else f" {_NOT_NEEDED}"
            yield trial
        models = [rung.model for rung, _ in self._used() if rung.engine is engine]
        for model in models or ([] if isinstance(engine, Served) else [""]):
            place = Place(engine.name, address, model, known)
            async for trial in self._of_model(engine, place):
                yield trial

    async def _of_model(self, engine: Engine, place: Place) -> Trials:
        """The other trials only where the first one worked."""
        trial = await self._tried(place, _STREAM, self._streamed(engine, place.model, _COUNT))
        yield trial
        if not trial.works:
            return
        if isinstance(engine, Judge):
            yield await self._tried(place, _OBJECT, _judged(engine, place.model))
        if isinstance(engine, Seer) and engine.sees(place.model):
            yield await self._tried(place, _IMAGE, self._seen(engine, place.model))

    async def _tried(
        self, place: Place, kind: "pb.EngineTrialKind.ValueType", work: Awaitable[pb.EngineTrial]
    ) -> pb.EngineTrial:
        begun = self.clock()
        try:
            trial = await work
            trial.works = True
            if trial.HasField("usage"):
                self.prices.fill(trial.usage)
        except EngineError as error:
            problem, remedy = remedies.of(error, place)
            trial = pb.EngineTrial(problem=problem, remedy=remedy)
        trial.engine, trial.model, trial.kind = place.engine, place.model, kind
        trial.duration_ms = (self.clock() - begun) * 1000
        return trial

    async def _seen(self, engine: Engine, model: str) -> pb.EngineTrial:
        """An engine whose server refuses the image answers without it, and knows from then on."""
        trial = await self._streamed(engine, model, _COLOUR)
        if isinstance(engine, Seer) and not engine.sees(model):
            raise Blind("the server refuses images")
        return trial

    async def _streamed(self, engine: Engine, model: str, message: Message) -> pb.EngineTrial:
        begun, first, trial = self.clock(), 0.0, pb.EngineTrial()
        asked = Completion((message,), model, _SAMPLING, _MATERIAL)
        async with aclosing(engine.stream(asked)) as pieces:
            async for piece in pieces:
                first = first or self.clock()
                if isinstance(piece, Usage):
                    trial.usage.CopyFrom(piece)
        trial.first_token_ms = (first - begun) * 1000
        writing_s = self.clock() - first
        if writing_s > _AT_ONCE_S:
            trial.tokens_per_s = trial.usage.completion_tokens / writing_s
        return trial

    def _used(self) -> list[tuple[Rung, list[str]]]:
        """Each model that leads somewhere, once, with whom it is used by."""
        found: dict[Rung, list[str]] = {}
        for name, by in self._named():
            if rung := self.ladder.rung(name):
                found.setdefault(rung, []).append(by)
        return list(found.items())

    def _lost(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, by in self._named():
            if not self.ladder.rung(name):
                found.setdefault(name, []).append(by)
        return found

    def _named(self) -> Iterator[tuple[str, str]]:
        """(model, who names it)"""
        settings = self.settings
        yield from ((name, "PALABRE_LLM_MODEL") for name in settings.models)
        if settings.llm_comprehend_model:
            yield settings.llm_comprehend_model, "PALABRE_LLM_COMPREHEND_MODEL"
        if settings.llm_grounding_model:
            yield settings.llm_grounding_model, "PALABRE_LLM_GROUNDING_MODEL"
        for space_name, space in self.spaces().items():
            if space.guard.model != "none":
                yield space.guard.model, f"the guard of {space_name}"
            yield from ((model, f"discord of {space_name}") for model in space.discord.models)
            for name, persona in space.personas.items():
                yield from ((model, f"{space_name}/{name}") for model in persona.models)


_MODELS, _STREAM = pb.ENGINE_TRIAL_KIND_MODELS, pb.ENGINE_TRIAL_KIND_STREAM
_OBJECT, _IMAGE = pb.ENGINE_TRIAL_KIND_OBJECT, pb.ENGINE_TRIAL_KIND_IMAGE
_AT_ONCE_S = 0.02  # what comes within it has no speed that is worth telling


async def _listed(engine: Served, known: list[str]) -> pb.EngineTrial:
    known.extend(await engine.models())
    return pb.EngineTrial(note="1 model" if len(known) == 1 else f"{len(known)} models")


async def _judged(engine: Judge, model: str) -> pb.EngineTrial:
    verdict = await engine.judge(Completion((_CAPITAL,), model, _SAMPLING), _SCHEMA)
    form = engine.form(model) if isinstance(engine, Served) else ""
    as_asked = isinstance(verdict.values.get("capital"), str)
    note = f"by {form}" if as_asked else f"by {form}, but not as the schema says"
    return pb.EngineTrial(usage=verdict.usage, note=note)


def _entry(
    name: str, endpoint: Endpoint | None, models: Sequence[pb.EngineModel]
) -> pb.EngineEntry:
    if endpoint is None:
        return pb.EngineEntry(name=name, models=models)
    preset = presets.of(endpoint.preset)
    return pb.EngineEntry(
        name=name,
        preset=endpoint.preset,
        base_url=endpoint.address,
        has_key=bool(endpoint.api_key.get_secret_value()),
        models=models,
        structured=preset.structured,
        images=preset.images,
        concurrency=endpoint.concurrency,
    )


def _model(name: str, used_by: Sequence[str]) -> pb.EngineModel:
    return pb.EngineModel(name=name, used_by=dict.fromkeys(used_by))
