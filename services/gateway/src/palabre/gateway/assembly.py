"""Puts the gateway together from its settings and what the chassis gives."""

import base64
import sys
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from palabre.channels.admission import Admission
from palabre.channels.attachments import Attachments
from palabre.chassis import rpc
from palabre.chassis.addresses import Exemption
from palabre.chassis.budgets import Budgets
from palabre.chassis.counters import NatsCounters
from palabre.chassis.fetching import Fetcher, Limits as FetchLimits
from palabre.chassis.pictures import Pictures
from palabre.chassis.service import Context, Parts
from palabre.chassis.stage import Stage
from palabre.chassis.voices import Registry
from palabre.contracts.v1.llm_pb2_grpc import LlmServiceStub
from palabre.contracts.v1.retriever_pb2_grpc import RetrieverServiceStub
from palabre.contracts.v1.tts_pb2_grpc import TtsServiceStub
from palabre.gateway import app, database, hearing, server
from palabre.gateway.archive import Archive
from palabre.gateway.conversations import Conversations
from palabre.gateway.ledger import Ledger
from palabre.gateway.manifests import Manifests, Signer
from palabre.gateway.quotas import Limits, Load
from palabre.gateway.register import Register
from palabre.gateway.servicer import NAME, ArchiveServicer
from palabre.gateway.settings import GatewaySettings
from palabre.gateway.state import State
from palabre.gateway.tokens import Tokens
from palabre.gateway.visitors import Visitors, secret_in

_WATCHED = ("comprehend", "retrieve", "answer")
_ARCHIVE_IN_HAND = 256


async def assemble(settings: GatewaySettings, context: Context) -> Parts:
    given = settings.database_url.get_secret_value()
    engine = database.connect(database.address(given, settings.data_dir))
    await database.answers(engine, settings.start_wait_s)
    await database.migrate(engine)
    retriever, tts = (
        rpc.channel(settings.retriever_address, settings.showing),
        rpc.channel(settings.tts_address, settings.showing),
    )
    llm = rpc.channel(settings.llm_address, settings.showing)
    registry = Registry()
    await registry.refresh(context.bus)
    gateway = State(
        settings=settings,
        bus=context.bus,
        spaces=context.spaces,
        tokens=await _tokens(settings, engine),
        visitors=Visitors(_secret(settings)),
        conversations=Conversations(engine),
        ledger=Ledger(engine),
        budgets=Budgets(NatsCounters(context.bus)),
        admission=Admission(context.bus, settings.deadline_s),
        registry=registry,
        manifests=Manifests(context.bus, Signer(_audio_key(settings))),
        register=Register(
            context.bus,
            registry,
            await context.objects("voice-samples"),
            await context.objects("voice-consents"),
        ),
        limits=_limits(settings),
        load=Load(context.bus, _WATCHED, settings.overload_lag),
        blobs=await context.objects("blobs"),
        attachments=await _attachments(settings, context),
        retriever=RetrieverServiceStub(retriever),
        tts=TtsServiceStub(tts),
        llm=LlmServiceStub(llm),
    )
    archive = Archive(engine, settings.archive_pause_s, context.spaces.zone)
    socket = server.bind(settings.http_host, settings.http_port)
    return Parts(
        stages=[Stage("archive", archive.handle, concurrency=_ARCHIVE_IN_HAND)],
        grpc=[ArchiveServicer(gateway).add_to],
        grpc_names=[NAME],
        tasks=[
            archive.write,
            partial(registry.follow, context.bus),
            gateway.load.watch,
            hearing.load_codecs,
            server.serving(app.create(gateway), socket, gateway.closing),
        ],
        close=[gateway.attachments.close, retriever.close, tts.close, llm.close, engine.dispose],
    )


def _limits(settings: GatewaySettings) -> Limits:
    images = {"api": settings.image_bytes_per_hour, "web": settings.visitor_image_bytes_per_hour}
    return Limits(
        settings.requests_per_minute,
        settings.visitor_requests_per_minute,
        settings.streams,
        settings.visitor_streams,
        images,
    )


async def _attachments(settings: GatewaySettings, context: Context) -> Attachments:
    hosts = filter(None, (host.strip() for host in settings.fetch_private_hosts.split(",")))
    return Attachments(
        await context.objects("blobs"),
        Pictures(settings.max_image_bytes, settings.max_image_pixels),
        Fetcher(
            "Palabre",
            limits=FetchLimits(total_s=15, read_s=10),
            exemptions=[Exemption.parse(host) for host in hosts],
        ),
        settings.max_image_bytes,
        settings.max_images,
    )


async def _tokens(settings: GatewaySettings, engine: AsyncEngine) -> Tokens:
    tokens = Tokens(engine)
    made = await tokens.bootstrap(settings.bootstrap_token.get_secret_value())
    if made:
        # Once, for the person at the terminal: never through the log, which is kept.
        sys.stdout.write(f"\nAdministrator's API token, shown only this once:\n\n  {made}\n\n")
        sys.stdout.flush()
    return tokens


def _audio_key(settings: GatewaySettings) -> bytes:
    given = settings.audio_key.get_secret_value()
    return base64.b64decode(given) if given else secret_in(settings.data_dir, "audio-key")


def _secret(settings: GatewaySettings) -> bytes:
    given = settings.secret.get_secret_value()
    return given.encode() if given else secret_in(settings.data_dir)
