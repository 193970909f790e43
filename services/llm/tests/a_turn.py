"""A space and a turn that every test of this service starts from."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from palabre.chassis import rpc, spaces
from palabre.chassis.blobs import MemoryObjects
from palabre.chassis.budgets import Budgets
from palabre.chassis.descriptions import MemoryDescriptions
from palabre.chassis.directory import Spaces
from palabre.chassis.events import begin, follow
from palabre.chassis.leases import MemoryLeases
from palabre.chassis.spaces import Space
from palabre.chassis.testing import MemoryCounters
from palabre.contracts.v1 import events_pb2 as pb, llm_pb2_grpc
from palabre.contracts.v1.turns_pb2 import Passage, Understanding, Utterance
from palabre.llm.checking import Checking
from palabre.llm.engines import Engine
from palabre.llm.images import Vision
from palabre.llm.ladder import Ladder
from palabre.llm.prices import Prices
from palabre.llm.prompts import Prompting
from palabre.llm.servicer import LlmServicer
from palabre.llm.settings import Settings
from palabre.llm.spending import Spending

type Stub = llm_pb2_grpc.LlmServiceAsyncStub

DEPOSIT = Passage(
    id="p1",
    document="depot",
    title="Le dépôt de garantie",
    text="# Le dépôt de garantie\n\nLe bailleur rend le dépôt de garantie dans un délai d'un mois."
    " Ce délai passe à deux mois quand l'état des lieux montre des dégâts.",
    url="https://exemple.fr/depot",
)
NOTICE = Passage(
    id="p2",
    document="preavis",
    title="Le préavis",
    text="Le préavis est de trois mois. Il est réduit à un mois en zone tendue.",
)


def make_space(**changes: Any) -> Space:
    """A small space; `persona` among the changes goes into its persona."""
    identity = {"fr": "Vous êtes Camille.", "en": "You are Camille."}
    persona = {"name": "Camille", "identity": identity} | dict(changes.pop("persona", {}))
    return spaces.parse(
        {
            "schema": 1,
            "name": "Habitat des Tilleuls",
            "languages": ["fr", "en"],
            "default_persona": "camille",
            "greeting": {"fr": "Bonjour."},
            "no_knowledge": {"fr": "Appelez le 01 99 00 12 34.", "en": "Call 01 99 00 12 34."},
            "personas": {"camille": persona},
        }
        | changes
    )


def received(text: str, **utterance: Any) -> pb.Event:
    said = Utterance(text=text, **utterance)
    return begin("logement", "web", "c1", pb.UtteranceReceived(utterance=said))


def retrieved(
    text: str = "Quand le bailleur rend-il le dépôt de garantie ?",
    *,
    passages: tuple[Passage, ...] = (DEPOSIT, NOTICE),
    understanding: Understanding | None = None,
    replaceable: bool = True,
    doubtful: bool = False,
    **utterance: Any,
) -> pb.Event:
    event = received(text, replaceable=replaceable, **utterance)
    understood = understanding or Understanding(language="fr", question=text)
    body = pb.PassagesRetrieved(
        utterance=event.utterance_received.utterance,
        understanding=understood,
        passages=passages,
        doubtful=doubtful,
    )
    return follow(event, body)


def vision(ladder: Ladder, **settings: Any) -> Vision:
    """Without NATS; `blobs` among the settings holds the images."""
    fakes: dict[str, Any] = {"blobs": MemoryObjects(), "descriptions": MemoryDescriptions()}
    given = fakes | {"leases": MemoryLeases(), "prompting": Prompting()} | settings
    return Vision(ladder=ladder, **given)


def spending(
    facts: list[pb.Event] | None = None,
    prices: Prices | None = None,
    budgets: Budgets | None = None,
) -> Spending:
    """What it records goes into `facts`."""

    async def publish(event: pb.Event) -> None:
        if facts is not None:
            facts.append(event)

    return Spending(prices or Prices(), publish, budgets or Budgets(MemoryCounters()))


def known(space: Space) -> Callable[[str], Space]:
    return Spaces({"logement": space}).get


@asynccontextmanager
async def served(
    ladder: Ladder,
    engines: Mapping[str, Engine] = {},
    *,
    space: Space | None = None,
    pays: Spending | None = None,
    sees: Vision | None = None,
) -> AsyncIterator[Stub]:
    """LlmService over gRPC, as services serve it."""
    checking = Checking(engines, ladder, Settings(), Prices(), dict)
    spaces, eyes = known(space or make_space()), sees or vision(ladder)
    servicer = LlmServicer(spaces, ladder, checking, pays or spending(), eyes)
    server, port = await rpc.serve([servicer.add_to], [], "127.0.0.1:0", reflect=False)
    async with rpc.channel(f"127.0.0.1:{port}") as channel:
        yield llm_pb2_grpc.LlmServiceStub(channel)
    await server.stop(None)
