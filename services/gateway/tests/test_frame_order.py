"""Speech is heard in order, once, whatever the bus does."""

import random

from hypothesis import given, strategies as st

from palabre.chassis import events
from palabre.contracts.v1 import events_pb2 as pb
from palabre.gateway import hearing
from palabre.gateway.hearing import FrameOrder

FIRST = events.begin("demo", "web", "c-1", pb.UtteranceReceived(), turn="t-1")


def frames(segments: list[int], attempt: int = 1) -> list[pb.Event]:
    """As many frames per segment; each holds its own name."""
    made = []
    for segment, count in enumerate(segments):
        for sequence in range(count):
            frame = pb.SpeechFrame(
                data=f"{attempt}.{segment}.{sequence}".encode(),
                sequence=sequence,
                last=sequence == count - 1,
                last_segment=segment == len(segments) - 1,
            )
            made.append(events.follow(FIRST, frame, index=segment, attempt=attempt))
    return made


def spoken(segment: int, count: int, *, last: bool = False) -> pb.Event:
    body = pb.SpeechCompleted(frames=count, last=last)
    return events.follow(FIRST, body, index=segment, attempt=1)


def heard(order: FrameOrder, happened: list[pb.Event]) -> list[str]:
    return [frame.data.decode() for event in happened for frame in order.feed(event)]


counts = st.lists(st.integers(1, 6), min_size=1, max_size=4)


@given(counts, st.randoms(use_true_random=False))
def test_frames_are_heard_in_order_and_once(segments: list[int], chance: random.Random) -> None:
    expected = [event.speech_frame.data.decode() for event in frames(segments)]
    happened = frames(segments) + frames(segments)
    chance.shuffle(happened)
    order = FrameOrder()
    assert heard(order, happened) == expected
    assert order.ended


@given(counts, st.randoms(use_true_random=False))
def test_what_was_lost_is_left_out(segments: list[int], chance: random.Random) -> None:
    order, kept = FrameOrder(), [e for e in frames(segments) if chance.random() < 0.7]
    happened = kept + [
        spoken(index, count, last=index == len(segments) - 1)
        for index, count in enumerate(segments)
    ]
    assert heard(order, happened) == [event.speech_frame.data.decode() for event in kept]
    assert order.ended


def test_a_higher_attempt_begins_again_and_a_lower_one_is_ignored() -> None:
    order = FrameOrder()
    assert heard(order, frames([3])[:2]) == ["1.0.0", "1.0.1"]
    assert heard(order, frames([1, 1], attempt=2)[:1]) == ["2.0.0"]
    assert heard(order, frames([3])[2:]) == []


def test_a_cancelled_turn_is_silent_at_once() -> None:
    order = FrameOrder()
    assert heard(order, [events.follow(FIRST, pb.TurnCancelled()), *frames([2])]) == []
    assert order.ended


def test_an_answer_with_nothing_to_say_ends() -> None:
    order = FrameOrder()
    assert heard(order, [spoken(0, 0, last=True)]) == []
    assert order.ended


def test_speech_is_complete_while_it_comes_and_when_all_frames_are_there() -> None:
    live, facts = frames([2, 1]), [spoken(0, 2), spoken(1, 1, last=True)]
    assert hearing.is_complete(facts[:1], [], "t-1")
    assert hearing.is_complete(facts, live, "t-1")
    assert not hearing.is_complete(facts, live[1:], "t-1")
