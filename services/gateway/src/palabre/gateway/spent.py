"""Spent budgets, told before a question is admitted, with the time at which to come back."""

from palabre.chassis.budgets import Bearer, Spent, person_of
from palabre.chassis.errors import Unavailable
from palabre.contracts.v1.turns_pb2 import Utterance
from palabre.gateway import state
from palabre.gateway.admission import Thread
from palabre.gateway.phrases import phrase
from palabre.gateway.problems import Problem, retry_headers


async def check(gateway: state.State, thread: Thread, utterance: Utterance) -> None:
    """Raises Problem 429. It only looks: who comes at the same time is told by the turn itself.

    So is everybody on the web page: a turn gives a person in danger the help line, whatever was
    spent.
    """
    space = gateway.spaces.get(thread.space)
    looks = thread.channel != "web" and space.budgets.when_spent == "refuse"
    if not looks or not space.budgets.limits:
        return
    persona = space.persona_name(utterance.persona, thread.channel)
    person = person_of(thread.channel, utterance.author.id)
    try:
        spent = await gateway.budgets.reached(Bearer(thread.space, space, persona, person))
    except Unavailable:
        return
    if spent:
        raise _refusal(spent, utterance.language or space.languages[0])


def _refusal(spent: Spent, language: str) -> Problem:
    return Problem(
        429,
        phrase(spent.phrase, language),
        code="budget",
        headers=retry_headers(spent.opens),
        limit=spent.limit.name,
        retry_at=spent.opens.isoformat(),
    )
