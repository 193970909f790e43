"""Puts the service together from its settings and what the chassis gives."""

from collections.abc import Mapping
from typing import Any

from palabre.chassis import rpc
from palabre.chassis.budgets import Budgets
from palabre.chassis.counters import NatsCounters
from palabre.chassis.service import Context, Parts
from palabre.contracts.v1.archive_pb2_grpc import ArchiveServiceStub
from palabre.contracts.v1.llm_pb2_grpc import LlmServiceStub
from palabre.contracts.v1.retriever_pb2_grpc import RetrieverServiceStub
from palabre.discord.access import Access
from palabre.discord.begun import Begun
from palabre.discord.bots import Bots, Session
from palabre.discord.buttons import Buttons
from palabre.discord.by_token import ByToken
from palabre.discord.choices import Choices
from palabre.discord.client import point_at
from palabre.discord.commands import registering
from palabre.discord.commands.all import COMMANDS
from palabre.discord.commands.defining import Desk
from palabre.discord.commands.dispatching import Dispatcher
from palabre.discord.composing import Composing
from palabre.discord.conversations import Conversations
from palabre.discord.erasing import Erasing
from palabre.discord.files import Files
from palabre.discord.hearing import Hearing
from palabre.discord.knowledge import GrpcKnowledge
from palabre.discord.marks import Marks
from palabre.discord.notes import Notes
from palabre.discord.posts import NatsPosts, Post
from palabre.discord.registry import Registry
from palabre.discord.routing import Bot, Surroundings
from palabre.discord.sending import Discord
from palabre.discord.settings import DiscordSettings
from palabre.discord.showing import Pace
from palabre.discord.solved import Solved
from palabre.discord.suggesting import Suggesting
from palabre.discord.takedowns import Takedowns
from palabre.discord.tending import Tending
from palabre.discord.turns import Turns


async def assemble(settings: DiscordSettings, context: Context) -> Parts:
    point_at(settings.discord_api)
    service = _Service(settings, context, Files.of(settings, await context.objects("blobs")))
    await service.registry.refresh()
    await service.choices.refresh()
    return Parts(
        tasks=[service.registry.keep_current, service.choices.keep_current, service.bots.run],
        close=[service.files.close, *(each.close for each in service.channels)],
    )


class _Service:
    """What all bots share, and what each is given when it has its lease."""

    def __init__(self, settings: DiscordSettings, context: Context, files: Files) -> None:
        self._settings, self._bus, self._spaces = settings, context.bus, context.spaces
        self.files = files
        self._posts = NatsPosts(context.bus)
        self._takedowns = Takedowns(context.bus, self._posts)
        self._budgets = Budgets(NatsCounters(context.bus))
        self.gateway = rpc.channel(settings.gateway_address, settings.showing)
        self._archive: Any = ArchiveServiceStub(self.gateway)
        self.llm = rpc.channel(settings.llm_address, settings.showing)
        self._llm_service: Any = LlmServiceStub(self.llm)
        self._leases = context.leases
        self.retriever = rpc.channel(settings.retriever_address, settings.showing)
        self._knowledge = GrpcKnowledge(RetrieverServiceStub(self.retriever))
        self.channels = (self.gateway, self.llm, self.retriever)
        self.choices = Choices(context.bus)
        self.registry = Registry(context.bus, self._present)
        self.bots = Bots(settings.bots, context.leases, self._listen)

    def _listen(self, session: Session) -> Hearing:
        tending = self._tending(session)
        conversations = Conversations(self._turns(session), self._posts, session.work)
        replies, situation = session.client.replies, session.client.situation
        erasing = Erasing(session.name, self._bus, self._archive, self._takedowns, replies)
        desk = self._desk(session, conversations, erasing)
        session.work.start("erasing", erasing.carry_out())
        session.work.start("registering", registering.introduce(session.client, COMMANDS))
        session.work.start("takedowns", self._takedowns.carry_out(session.name, session.discord))
        commands = Dispatcher(COMMANDS, desk, situation)
        session.work.start("begun", _carry_on(session, desk.begun, commands))
        return Hearing(
            session,
            self._around,
            self.choices.of,
            self._bus,
            conversations,
            Notes(session.name, session.discord, self._spaces),
            self.registry,
            [commands, self._buttons(session, conversations), tending],
            tending,
        )

    def _buttons(self, session: Session, conversations: Conversations) -> Buttons:
        return Buttons(
            session.name,
            self._bus,
            self._posts,
            conversations,
            self._archive,
            self._around,
            session.client.situation,
        )

    def _tending(self, session: Session) -> Tending:
        solved = Solved(
            session.name,
            session.discord,
            self._bus,
            self._posts,
            self._knowledge,
            self._around,
        )
        tending = Tending(
            session.discord, self._bus, solved, session.work, session.client.situation
        )
        session.work.start("solved", tending.keep_current())
        return tending

    def _turns(self, session: Session) -> Turns:
        def by_token(post: Post) -> Discord:
            replies = session.client.replies(post.message, post.token)
            return ByToken(session.discord, replies, post.message, private=post.is_private)

        return Turns(
            session.name,
            session.discord,
            self._bus,
            self._posts,
            Composing(lambda: self._around().ours, self._spaces, self.files),
            self._spaces,
            by_token=by_token,
            similar=Suggesting(
                session.name, session.discord, self._knowledge, Marks(self._bus), self._around
            ).similar,
            deadline_s=self._settings.discord_deadline_s,
            edit_s=self._settings.discord_edit_s,
        )

    def _desk(self, session: Session, conversations: Conversations, erasing: Erasing) -> Desk:
        return Desk(
            bot=session.name,
            spaces=self._spaces,
            around=self._around,
            choices=self.choices,
            conversations=conversations,
            erased=self._bus.erased,
            budgets=self._budgets,
            archive=self._archive,
            erasing=erasing,
            standings=self._standings,
            latency_s=lambda: session.client.latency,
            discord=session.discord,
            access=Access(session.client),
            files=self.files,
            llm=self._llm_service,
            leases=self._leases,
            begun=Begun(session.name, self._bus),
            pace=Pace(self._settings.discord_edit_s),
            reads=session.reads,
        )

    def _around(self) -> Surroundings:
        return Surroundings(self._spaces.all(), self.registry.bots)

    def _present(self) -> list[Bot]:
        """Those of ours that are logged in."""
        known = [(session.name, session.client) for session in self.bots.sessions.values()]
        return [
            Bot(name, client.user.id, frozenset(server.id for server in client.guilds))
            for name, client in known
            if client.user
        ]

    def _standings(self) -> Mapping[str, str]:
        """By bot: its standing, or `reduced` where it may not read what people write."""
        here = {
            name: "connected" if session.reads else "reduced"
            for name, session in self.bots.sessions.items()
            if session.client.away_s == 0
        }
        return self.bots.standing | here


async def _carry_on(session: Session, begun: Begun, commands: Dispatcher) -> None:
    """What was broken off by a restart, once the bot is there again."""
    await session.client.wait_until_ready()
    for asked in await begun.left():
        replies = session.client.replies(asked.id, asked.token)
        session.work.start("command", commands.answer(asked, replies, is_deferred=True))
