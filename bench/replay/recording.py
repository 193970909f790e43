"""Conversations and dead letters as the stages would have left them, put straight onto the bus."""

import asyncio
import random
from collections.abc import Iterator
from itertools import batched

from palabre.channels.testing import completed, source
from palabre.chassis import events, subjects
from palabre.chassis.bus import Bus
from palabre.chassis.ids import uuid7
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Author, Exchange, Passage, Understanding, Utterance

TEXT = "Le loyer est dû le cinq de chaque mois, et le dépôt est rendu sous deux mois. " * 8
AT_ONCE = 200
PATIENCE_S = 30.0  # of a server that is busy
STAGES = ("comprehend", "retrieve", "answer")


async def conversations(bus: Bus, count: int, seed: int = 1) -> int:
    """Puts them there, one to four turns each. How many turns there are."""
    chance, turns = random.Random(seed), 0
    made = (_conversation(chance, number) for number in range(count))
    for some in batched(made, AT_ONCE):
        turns += sum(len(each) for each in some)
        await asyncio.gather(*(_publish(bus, each) for each in some))
    return turns


async def letters(bus: Bus, count: int) -> None:
    """Dead letters of a few causes."""
    for numbers in batched(range(count), AT_ONCE):
        await asyncio.gather(*(_letter(bus, number) for number in numbers))


async def _publish(bus: Bus, turns: list[list[pb.Event]]) -> None:
    for facts in turns:
        for fact in facts:
            await bus.publish(fact)


def _conversation(chance: random.Random, number: int) -> list[list[pb.Event]]:
    name, history = uuid7(), list[Exchange]()
    space = f"space-{number % 5}"
    return [
        list(_turn(chance, space, name, history, f"Question {number}.{place} ?"))
        for place in range(chance.randint(1, 4))
    ]


def _turn(
    chance: random.Random, space: str, name: str, history: list[Exchange], text: str
) -> Iterator[pb.Event]:
    said = Utterance(text=text, author=Author(id=f"person-{chance.randrange(1000)}"))
    first = events.begin(space, "api", name, pb.UtteranceReceived(utterance=said))
    yield first
    understood = Understanding(language="fr", question=text)
    body = pb.UtteranceUnderstood(utterance=said, understanding=understood, history=history)
    yield events.follow(first, body)
    passages = [Passage(id=str(n), document="guide.md", title="Guide", text=TEXT) for n in range(6)]
    yield events.follow(
        first, pb.PassagesRetrieved(utterance=said, understanding=understood, passages=passages)
    )
    ending = _ending(chance, said, text)
    yield events.follow(first, ending)
    if isinstance(ending, pb.AnswerCompleted):
        history.append(Exchange(turn=first.turn, question=text, answer=ending.text))


def _ending(
    chance: random.Random, said: Utterance, text: str
) -> pb.AnswerCompleted | pb.TurnFailed | pb.TurnCancelled:
    """Of twenty turns one fails and one is stopped."""
    drawn = chance.randrange(20)
    if drawn == 0:
        return pb.TurnFailed(reason=pb.FAILURE_REASON_UNAVAILABLE, stage="answer", shown="Le")
    if drawn == 1:
        return pb.TurnCancelled(reason="stop")
    answer = completed(f"{text} Le cinq [1].", source())
    answer.utterance.CopyFrom(said)
    return answer


async def _letter(bus: Bus, number: int) -> None:
    said = Utterance(text=f"Question {number} ?")
    event = events.begin("space-0", "api", uuid7(), pb.UtteranceReceived(utterance=said))
    headers = {
        "Palabre-Subject": subjects.of(event),
        "Palabre-Stage": STAGES[number % len(STAGES)],
        "Palabre-Error": f"no persona '{number}'" if number % 2 else f"delivered {number} times",
    }
    subject, data = subjects.dead(subjects.of(event)), event.SerializeToString()
    await bus.js.publish(subject, data, timeout=PATIENCE_S, headers=headers)
