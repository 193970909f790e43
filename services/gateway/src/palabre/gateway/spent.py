"""Spent budgets, told before a question is admitted, with the time at which to come back."""

from palabre.channels.admission import Thread
from palabre.channels.phrases import phrase
from palabre.channels.spent import spent
from palabre.chassis.budgets import Spent
from palabre.contracts.v1.turns_pb2 import Utterance
from palabre.gateway import state
from palabre.gateway.problems import Problem, retry_headers


async def check(gateway: state.State, thread: Thread, utterance: Utterance) -> None:
    """Raises Problem 429. Everybody on the web page is told by the turn itself."""
    if thread.channel == "web":
        return
    space = gateway.spaces.get(thread.space)
    if reached := await spent(gateway.budgets, thread, space, utterance):
        raise _refusal(reached, utterance.language or space.languages[0])


def _refusal(spent: Spent, language: str) -> Problem:
    return Problem(
        429,
        phrase(spent.phrase, language),
        code="budget",
        headers=retry_headers(spent.opens),
        refusal="budget",
        limit=spent.limit.name,
        retry_at=spent.opens.isoformat(),
    )
