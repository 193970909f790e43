"""What every route may use."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from fastapi import Request

from palabre.channels.admission import Admission
from palabre.channels.attachments import Attachments
from palabre.chassis.blobs import Objects
from palabre.chassis.budgets import Budgets
from palabre.chassis.bus import Bus
from palabre.chassis.directory import Spaces
from palabre.chassis.voices import Registry
from palabre.gateway.conversations import Conversations
from palabre.gateway.ledger import Ledger
from palabre.gateway.manifests import Manifests
from palabre.gateway.quotas import Limits, Load
from palabre.gateway.register import Register
from palabre.gateway.settings import GatewaySettings
from palabre.gateway.tokens import Tokens
from palabre.gateway.visitors import Visitors

if TYPE_CHECKING:  # these names are in the stubs' types only
    from palabre.contracts.v1.llm_pb2_grpc import LlmServiceAsyncStub
    from palabre.contracts.v1.retriever_pb2_grpc import RetrieverServiceAsyncStub
    from palabre.contracts.v1.tts_pb2_grpc import TtsServiceAsyncStub


@dataclass(slots=True)
class State:
    """Built once in `assembly.py`; `closing` ends the streams that a client can resume."""

    settings: GatewaySettings
    bus: Bus
    spaces: Spaces
    tokens: Tokens
    visitors: Visitors
    conversations: Conversations
    ledger: Ledger
    budgets: Budgets
    admission: Admission
    registry: Registry
    manifests: Manifests
    register: Register
    limits: Limits
    load: Load
    blobs: Objects
    attachments: Attachments
    retriever: "RetrieverServiceAsyncStub"
    tts: "TtsServiceAsyncStub"
    llm: "LlmServiceAsyncStub"
    closing: asyncio.Event = field(default_factory=asyncio.Event)


def of(request: Request) -> State:
    return cast(State, request.app.state.gateway)
