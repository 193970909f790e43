"""Bytes to events, pieces to deltas, numbers to sources."""

import asyncio

import pytest
from hypothesis import given, strategies as st

from palabre.llm.citations import Citations, without_marks
from palabre.llm.coalescing import Coalescer, Pace
from palabre.llm.sse import EventDecoder

EVENTS = ["un", "deux « é »", "[DONE]"]


@given(st.data(), st.sampled_from(["\n", "\r\n"]))
def test_a_stream_of_events_may_be_cut_anywhere(data: st.DataObject, end: str) -> None:
    whole = "".join(f": ping{end}{end}event: x{end}data: {e}{end}{end}" for e in EVENTS).encode()
    decoder, found, rest = EventDecoder(), [], whole
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        found += decoder.feed(rest[:size])
        rest = rest[size:]
    assert [event.decode() for event in found + decoder.close()] == EVENTS


def test_a_last_event_without_its_empty_line_counts() -> None:
    decoder = EventDecoder()
    assert decoder.feed(b"data: a\n\ndata: [DONE]") == [b"a"]
    assert decoder.close() == [b"[DONE]"]


def test_an_event_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    decoder = EventDecoder()
    with pytest.raises(ValueError, match="without an end"):
        [decoder.feed(b"data: " + b"x" * 65_536) for _ in range(100)]


@pytest.mark.parametrize(
    ("text", "shown", "cited", "invented"),
    [
        ("Un mois [1].", "Un mois [1].", {1}, 0),
        ("Un mois [9].", "Un mois.", set(), 1),
        ("Un mois [1][9][2].", "Un mois [1][2].", {1, 2}, 1),
        ("Un mois [1, 2].", "Un mois [1][2].", {1, 2}, 0),
        ("Un mois [1,9; 3].", "Un mois [1][3].", {1, 3}, 1),
        ("Un mois [^2].", "Un mois [2].", {2}, 0),
        ("Un mois【3】.", "Un mois[3].", {3}, 0),
        ("En [2026], [sic] et [a1].", "En [2026], [sic] et [a1].", set(), 0),
        ("Liste [ouverte", "Liste [ouverte", set(), 0),
        ("Fin [1", "Fin [1", set(), 0),
        ("[0] et [4]", " et", set(), 2),
        ("Un  [7] deux [8]\n", "Un deux\n", set(), 2),
    ],
)
def test_numbers_that_exist_stay_and_others_go(
    text: str, shown: str, cited: set[int], invented: int
) -> None:
    for size in (1, 2, 3, 7, len(text)):
        citations = Citations(3)
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        assert "".join([*map(citations.feed, pieces), citations.close()]) == shown
        assert citations.cited == cited
        assert citations.invented == invented


@given(st.text(alphabet="a1 [],9\n", max_size=60), st.integers(1, 5))
def test_the_same_text_is_shown_however_it_arrives(text: str, size: int) -> None:
    at_once, piecewise = Citations(2), Citations(2)
    whole = at_once.feed(text) + at_once.close()
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert "".join([*map(piecewise.feed, pieces), piecewise.close()]) == whole


def test_past_answers_lose_their_numbers() -> None:
    assert without_marks("Un mois [1][2], ou deux [3, 4].") == "Un mois, ou deux."


async def test_the_first_piece_leaves_at_once_and_later_ones_together() -> None:
    texts, shown = Coalescer(Pace(shortest_s=0.02)), []
    texts.put("Un")

    async def write() -> None:
        for piece in (" mois", " au", " plus", "."):
            await asyncio.sleep(0.001)
            texts.put(piece)
        texts.close()

    writing = asyncio.create_task(write())
    async for text in texts:
        shown.append(text)
    await writing
    assert shown[0] == "Un"
    assert "".join(shown) == "Un mois au plus."
    assert len(shown) <= 3


async def test_what_was_written_before_an_error_is_dropped() -> None:
    texts = Coalescer(Pace())
    texts.put("Un")
    texts.close(ValueError("x"))
    with pytest.raises(ValueError, match="x"):
        await anext(aiter(texts))


async def test_an_empty_stream_ends() -> None:
    texts = Coalescer(Pace())
    texts.close()
    assert [text async for text in texts] == []


def test_a_process_that_is_behind_shows_more_seldom() -> None:
    pace = Pace()
    assert pace.interval_s == pytest.approx(0.04)
    for _ in range(30):
        pace.was_late(0.03)
    assert 0.1 < pace.interval_s < 0.25
    for _ in range(30):
        pace.was_late(1.0)
    assert pace.interval_s == pytest.approx(0.25)
    for _ in range(60):
        pace.was_late(0.0)
    assert pace.interval_s == pytest.approx(0.04, abs=0.001)


def test_many_turns_at_once_show_more_seldom() -> None:
    pace = Pace(turns=20)
    assert pace.interval_s == pytest.approx(0.04)
    pace.turns = 100
    assert pace.interval_s == pytest.approx(0.2)
    pace.turns = 1_000
    assert pace.interval_s == pytest.approx(0.25)


async def test_a_turn_counts_until_its_answer_has_ended() -> None:
    pace = Pace()
    texts = Coalescer(pace)
    texts.put("Un")
    shown = aiter(texts)
    await anext(shown)
    assert pace.turns == 1
    texts.close()
    assert [text async for text in shown] == []
    assert pace.turns == 0


async def test_a_writer_rests_only_in_a_crowd() -> None:
    now = 0.0
    for turns, rests in ((1, False), (100, True)):
        pace = Pace(turns=turns)
        texts = Coalescer(pace, lambda: now)
        texts.put("Un")
        await anext(aiter(texts))
        resting = asyncio.create_task(texts.rest())
        await asyncio.sleep(0.02)
        assert resting.done() is not rests
        resting.cancel()
