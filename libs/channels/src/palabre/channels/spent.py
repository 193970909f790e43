"""Spent budgets, told before a question is admitted."""

from palabre.channels.admission import Thread
from palabre.chassis.budgets import Bearer, Budgets, Spent
from palabre.chassis.errors import Unavailable
from palabre.chassis.spaces import Space
from palabre.contracts.v1.turns_pb2 import Utterance


async def spent(
    budgets: Budgets, thread: Thread, space: Space, utterance: Utterance
) -> Spent | None:
    """The limit for which this question would be refused; None too while nobody can tell.

    It only looks: who comes at the same time is told by the turn itself. A channel of people
    rather admits the turn, which gives a person in danger the help line, whatever was spent.
    """
    if space.budgets.when_spent != "refuse" or not space.budgets.all:
        return None
    persona = space.persona_name(utterance.persona, thread.channel)
    bearer = Bearer.of(thread.space, space, persona, thread.channel, utterance.author)
    try:
        return await budgets.reached(bearer)
    except Unavailable:
        return None
