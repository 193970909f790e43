"""/ping: whether everything works."""

from importlib import metadata

from palabre.discord.commands.defining import Call, Command
from palabre.discord.markup import escaped


async def _ping(call: Call) -> None:
    lines = [call.say("ping-latency", ms=round(call.desk.latency_s() * 1000))]
    lines.append(call.say("ping-version", version=metadata.version("palabre-discord")))
    lines += ["", call.say("ping-bots")]
    for name, standing in sorted(call.desk.standings().items()):
        told = call.say(f"ping-{standing}")
        lines.append(call.say("ping-bot", name=escaped(name), standing=told))
    await call.show("\n".join(lines))


PING = Command("ping", "ping", _ping)
