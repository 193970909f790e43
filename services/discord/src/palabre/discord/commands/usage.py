"""/usage: what somebody has used, what is left, and when it opens again."""

from collections.abc import Iterable

from palabre.chassis.budgets import Bearer, Standing
from palabre.contracts.v1 import archive_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Author
from palabre.discord.commands.defining import Call, Command
from palabre.discord.figures import money, number
from palabre.discord.posts import person_of
from palabre.discord.routing import CHANNEL, Ask


async def _usage(call: Call) -> None:
    ask = await call.decide()
    if ask is None:
        return
    person = person_of(call.person.id)
    standings = await _standings(call, ask, person)
    lines = [call.say("usage-title"), *await _used(call, ask, CHANNEL, person)]
    own = [each for each in standings if each.limit.scope == "person"]
    lines += ["", call.say("usage-left-title"), *(_left(call, ask, own) or [_unlimited(call)])]
    if call.person.manages_server:
        shared = [each for each in standings if each.limit.scope != "person"]
        lines += ["", call.say("usage-space-title", space=call.space(ask).name)]
        lines += [*await _used(call, ask, "", "")]
        if shared:
            lines += ["", call.say("usage-shared-title"), *_left(call, ask, shared)]
    await call.show("\n".join(lines))


def _unlimited(call: Call) -> str:
    return call.say("usage-unlimited")


async def _standings(call: Call, ask: Ask, person: str) -> list[Standing]:
    author = Author(id=person, groups=ask.groups)
    bearer = Bearer.of(ask.space, call.space(ask), ask.persona, CHANNEL, author)
    return await call.desk.budgets.standings(bearer)


async def _used(call: Call, ask: Ask, channel: str, person: str) -> list[str]:
    request = pb.UsedRequest(space=ask.space, channel=channel, person=person)
    used = await call.desk.archive.Used(request)
    return [
        call.say("usage-day", figures=_figures(call, used.day)),
        call.say("usage-month", figures=_figures(call, used.month)),
    ]


def _figures(call: Call, used: pb.PersonUsage) -> str:
    language = call.language
    tokens = call.counted("tokens", used.prompt_tokens + used.completion_tokens)
    told = [call.counted("questions", used.turns), tokens]
    told += [money(micros, unit, language) for unit, micros in sorted(used.cost_micros.items())]
    if used.calls_of_unknown_cost:
        told.append(call.counted("unpriced", used.calls_of_unknown_cost))
    return " · ".join(told)


def _left(call: Call, ask: Ask, standings: Iterable[Standing]) -> list[str]:
    currency, language = call.space(ask).budgets.currency, call.language
    lines = []
    for each in standings:
        left, most = (
            money(amount, currency, language)
            if each.limit.unit == "cost"
            else number(amount, language)
            for amount in (each.left, each.limit.most)
        )
        # Discord shows it in each person's own time and language.
        opens = f"<t:{int(each.opens.timestamp())}:R>"
        key = f"usage-{each.limit.unit}-{each.limit.period}"
        lines.append(call.say(key, left=left, most=most, opens=opens))
    return lines


USAGE = Command("usage", "usage", _usage)
