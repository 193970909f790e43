"""The people of `bench.load` see what a browser sees, and what would be wrong with it."""

from urllib.parse import urlsplit

from bench.load.people import LEAVES, STOPS, Person, Turn
from bench.load.slope import theil_sen
from palabre.channels.testing import ScriptedAnswers
from palabre.gateway.testing import RunningGateway


async def asked(gateway: RunningGateway, manner: str = "reads") -> Turn:
    address = urlsplit(str(gateway.url))
    person = Person(address.hostname or "", address.port or 0, "demo", "camille")
    noted: list[Turn] = []
    turn = await person.ask("Quand ?", noted.append, manner)
    person.close()
    assert noted == [turn]
    return turn


async def test_a_person_reads_a_whole_answer(gateway: RunningGateway, llm: ScriptedAnswers) -> None:
    turn = await asked(gateway)
    assert turn.whole, turn.said
    assert turn.text == "Le loyer est dû le cinq [1]."
    assert turn.begun < turn.first <= turn.ended


async def test_a_person_may_leave_or_stop_the_answer(
    gateway: RunningGateway, llm: ScriptedAnswers
) -> None:
    assert (await asked(gateway, LEAVES)).whole
    assert (await asked(gateway, STOPS)).whole


def piece(name: str, data: str) -> bytes:
    return f"id: t/1/0\nevent: {name}\ndata: {data}\n\n".encode()


def test_words_that_are_lost_doubled_or_in_another_order_are_noticed() -> None:
    gap, other, twice = Turn(0.0), Turn(0.0), Turn(0.0)
    gap.hear(piece("delta", '{"offset": 3, "text": "x"}'))
    other.hear(piece("delta", '{"offset": 0, "text": "Non"}'))
    other.hear(piece("completed", '{"text": "Oui"}'))
    for _ in range(2):
        twice.hear(piece("completed", '{"text": ""}'))
    assert [turn.said.split(",")[0] for turn in (gap, other, twice)] == [
        "a piece for 3 came at 0",
        "after 0 characters",
        "completed",
    ]


def test_a_piece_may_come_in_two_reads() -> None:
    turn, whole = Turn(0.0), piece("delta", '{"offset": 0, "text": "Oui"}')
    turn.hear(whole[:20])
    turn.hear(whole[20:] + piece("completed", '{"text": "Oui"}'))
    assert turn.whole
    assert turn.position == "t/1/0"


def test_a_slope_is_what_most_pairs_of_samples_say() -> None:
    rising = [(float(t), 2.0 * t) for t in range(30)]
    rising[7] = (7.0, 900.0)
    assert theil_sen(rising).value == 2.0
    assert not theil_sen(rising).is_flat
    restless = [(float(t), float(t % 3)) for t in range(30)]
    assert theil_sen(restless).is_flat
