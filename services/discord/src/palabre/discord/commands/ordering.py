"""What somebody wants summed up: where, how far back, how much, and for whom."""

import time
from dataclasses import dataclass, replace
from typing import Self

from palabre.chassis.spaces import Space
from palabre.discord.commands.defining import Call
from palabre.discord.markup import escaped
from palabre.discord.messages import Place
from palabre.discord.periods import period
from palabre.discord.texts import say

# In a channel, where somebody says neither how far back nor how many.
USUAL_S = 24 * 3600.0


class Declined(Exception):
    """It is not done; the message is for the person, in their language."""


@dataclass(frozen=True, slots=True)
class Order:
    """`most` messages, 0 for as many as there may be, said `since` (Unix time), 0 for ever."""

    channel: int
    most: int = 0
    since: float = 0.0
    focus: str = ""
    is_public: bool = False
    is_exact: bool = False  # so many messages as were asked for, and no fewer

    def bound(self, place: Place, space: Space) -> Self:
        """As far as the space allows; a post or thread is read as a whole, a channel is not."""
        since = self.since
        if not (self.most or since) and place.kind == "text":
            since = time.time() - USUAL_S
        most = space.discord.summaries.most
        exact = 0 < self.most <= most
        return replace(self, most=min(self.most or most, most), since=since, is_exact=exact)


def ordered(call: Call) -> Order:
    """Raises Declined."""
    values = call.asked.values
    return Order(
        channel=int(values.get("salon") or call.asked.channel),
        most=max(0, int(values.get("messages") or 0)),
        since=_since(call, call.asked.text("depuis").strip()),
        focus=" ".join(call.asked.text("sujet").split()),
        is_public=bool(values.get("public")),
    )


def _since(call: Call, told: str) -> float:
    if not told:
        return 0.0
    found = period(told)
    if found is None:
        raise Declined(say("summaries.no-period", call.language, told=escaped(told)))
    return time.time() - found.total_seconds()
