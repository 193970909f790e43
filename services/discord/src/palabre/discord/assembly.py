"""Puts the service together from its settings and what the chassis gives."""

from palabre.chassis.service import Context, Parts
from palabre.discord.bots import Bots, Session
from palabre.discord.client import point_at
from palabre.discord.composing import Composing
from palabre.discord.conversations import Conversations
from palabre.discord.files import Files
from palabre.discord.hearing import Hearing
from palabre.discord.notes import Notes
from palabre.discord.posts import NatsPosts
from palabre.discord.registry import Registry
from palabre.discord.routing import Bot, Choice, Surroundings
from palabre.discord.settings import DiscordSettings
from palabre.discord.turns import Turns


async def assemble(settings: DiscordSettings, context: Context) -> Parts:
    point_at(settings.discord_api)
    bus, spaces, posts = context.bus, context.spaces, NatsPosts(context.bus)

    def present() -> list[Bot]:
        """Those of ours that are logged in."""
        known = [(session.name, session.client) for session in bots.sessions.values()]
        return [
            Bot(name, client.user.id, frozenset(server.id for server in client.guilds))
            for name, client in known
            if client.user
        ]

    def around() -> Surroundings:
        return Surroundings(spaces.all(), registry.bots)

    def listen(session: Session) -> Hearing:
        turns = Turns(
            session.name,
            session.discord,
            bus,
            posts,
            Composing(lambda: around().ours, spaces, files),
            spaces,
            deadline_s=settings.discord_deadline_s,
            edit_s=settings.discord_edit_s,
        )
        return Hearing(
            session,
            around,
            lambda place: Choice(),
            bus,
            Conversations(turns, posts, session.work),
            Notes(session.name, session.discord, spaces),
            registry,
        )

    files = Files.of(settings, await context.objects("blobs"))
    registry = Registry(bus, present)
    bots = Bots(settings.bots, context.leases, listen)
    await registry.refresh()
    context.health.checks.append(bots.healthy)
    return Parts(tasks=[registry.keep_current, bots.run], close=[files.close])
