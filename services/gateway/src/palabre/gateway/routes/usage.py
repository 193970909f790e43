"""What was spent: sums of the ledger."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Query as Parameter, Request

from palabre.channels import answers
from palabre.gateway import state
from palabre.gateway.access import Asking, opaque
from palabre.gateway.callers import Caller
from palabre.gateway.ledger import Key, Query, Row
from palabre.gateway.problems import Problem
from palabre.gateway.tokens import EVERY_SPACE

router = APIRouter(prefix="/api/v1/usage", tags=["usage"])

DAYS = 30  # until today, where nothing else is asked for


@router.get("")
async def usage(
    request: Request,
    caller: Asking,
    space: str = "",
    since: Annotated[dt.date | None, Parameter(alias="from")] = None,
    until: Annotated[dt.date | None, Parameter(alias="to")] = None,
    by: str = "day",
) -> dict[str, Any]:
    """Turns, tokens and costs by day, space, channel, persona, person, engine, model, price_source.

    Or by several, separated by commas.

    Days are those of each space's time zone, both included. For administrators; who may write a
    space sees its own. A cost that nobody knows is counted in `calls_of_unknown_cost`, never as 0.
    """
    gateway = state.of(request)
    until = until or dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    since = since or until - dt.timedelta(days=DAYS)
    if since > until:
        raise Problem(422, f"from is {since}, after to, {until}: swap them.", param="from")
    query = Query(since, until, _keys(by), _spaces(caller, space))
    rows, total = await gateway.ledger.report(query)
    names = await _names(gateway, caller) if "person" in query.by else {}
    return {
        "from": since,
        "to": until,
        "by": query.by,
        "rows": [_shown(row, query.by, names) for row in rows],
        "total": _shown(total, (), names),
    }


def _keys(by: str) -> tuple[Key, ...]:
    known: tuple[Key, ...] = get_args(Key)
    wanted = tuple(dict.fromkeys(filter(None, by.split(","))))
    for name in wanted:
        if name not in known:
            raise Problem(422, f"There is no sum by {name!r}: use {', '.join(known)}.", param="by")
    return tuple(key for name in wanted for key in known if key == name)


def _spaces(caller: Caller, space: str) -> frozenset[str] | None:
    """Raises Problem 403."""
    token = caller.token
    if token is None or not (token.allows("admin") or token.allows("spaces:write")):
        raise Problem(403, "This needs the scope 'admin' or 'spaces:write': use such a token.")
    if space and not token.reaches(space):
        raise Problem(403, f"This token is not for the space {space!r}: use one that is.")
    if space:
        return frozenset({space})
    return None if token.reaches(EVERY_SPACE) else frozenset(token.spaces)


async def _names(gateway: state.State, caller: Caller) -> dict[str, str]:
    """Who asks with a token is known by the token's name."""
    known = await gateway.tokens.all()
    mine = caller.token
    seen = (t for t in known if mine and (mine.reaches(EVERY_SPACE) or t.spaces <= mine.spaces))
    return {opaque("token", token.id): token.name for token in seen}


def _shown(row: Row, by: Sequence[Key], names: dict[str, str]) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name != "micros"}
    if "person" in by:
        shown["person_name"] = names.get(row["person"])
    micros = sorted(row["micros"].items())
    shown["cost"] = {currency: answers.money(amount) for currency, amount in micros}
    return shown
