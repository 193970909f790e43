"""A turn is told once and in order, whatever the bus does."""

import random
from itertools import pairwise
from typing import Any

from hypothesis import given, strategies as st

from palabre.channels.testing import completed, delta
from palabre.channels.views import ConversationView, Position, Told, TurnView
from palabre.chassis import events, replays
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2

FIRST = events.begin(
    "demo",
    "web",
    "c-1",
    pb.UtteranceReceived(utterance=turns_pb2.Utterance(text="Quand ?", language="fr")),
    turn="t-1",
)


def event(body: Any, attempt: int = 1, index: int = 0) -> pb.Event:
    return events.follow(FIRST, body, index=index, attempt=attempt)


def feed(view: TurnView, *happened: pb.Event) -> list[Told]:
    return [told for each in happened for told in view.feed(each)]


def replayed(steps: list[Told], text: str = "", attempt: int = 0) -> str:
    """What is shown by who does what the view says."""
    for told in steps:
        if told.name == "restarted":
            assert told.data["attempt"] > attempt
            text, attempt = "", told.data["attempt"]
        elif told.name == "delta":
            assert told.data["offset"] == len(text)
            text += told.data["text"]
            assert told.position == Position("t-1", told.data["attempt"], len(text))
        elif told.name == "completed":
            text = told.data["text"]
    return text


def pieces(text: str, cuts: list[int], attempt: int) -> list[pb.Event]:
    edges = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [event(delta(text[a:b], a), attempt, index=a) for a, b in pairwise(edges)]


texts = st.text(min_size=1, max_size=40)
cuts = st.lists(st.integers(0, 1000), max_size=8)


@given(texts, texts, cuts, cuts, st.booleans(), st.randoms(use_true_random=False))
def test_doubles_and_disorder_change_nothing(
    one: str, two: str, cuts_one: list[int], cuts_two: list[int], ends: bool, chance: random.Random
) -> None:
    happened = [FIRST, *pieces(one, cuts_one, 1), event(pb.AnswerRestarted(), 2)]
    happened += pieces(two, cuts_two, 2)
    happened += chance.choices(happened, k=5)
    chance.shuffle(happened)
    if ends:
        happened.insert(chance.randrange(len(happened) + 1), event(completed(two), 2))
    view = TurnView("t-1")
    steps = feed(view, *happened)
    assert replayed(steps) == two
    assert [told.name for told in steps].count("accepted") == 1
    assert [told.name for told in steps].count("completed") == int(ends)


@given(texts, cuts, st.randoms(use_true_random=False), st.data())
def test_missing_pieces_are_filled_by_the_ending(
    text: str, at: list[int], chance: random.Random, data: st.DataObject
) -> None:
    happened = pieces(text, at, 1)
    kept = data.draw(st.lists(st.sampled_from(happened), unique_by=id))
    chance.shuffle(kept)
    view = TurnView("t-1")
    steps = feed(view, FIRST, *kept)
    assert text.startswith(replayed(steps))
    assert replayed(steps + feed(view, event(completed(text)))) == text


@given(texts, cuts, st.integers(0, 40), st.booleans())
def test_who_comes_back_ends_with_the_same_text(
    text: str, at: list[int], after: int, early: bool
) -> None:
    happened = [FIRST, *pieces(text, at, 1)]
    first = feed(TurnView("t-1"), *happened[: after + 1])
    shown = replayed(first)
    seen = first[-1].position
    # LIVE may have lost what was before.
    gap = happened if early else [e for e in happened if e.answer_delta.offset >= seen.offset]
    rest = feed(TurnView("t-1", seen), *gap)
    assert "accepted" not in [told.name for told in rest]
    assert replayed(rest, shown, 1) == text


def test_a_restart_while_away_is_told() -> None:
    view = TurnView("t-1", Position("t-1", 1, 5))
    steps = feed(view, FIRST, event(delta("Bonjour", 0), 1), event(delta("Non", 0), 2))
    assert [told.name for told in steps] == ["delta", "restarted", "delta"]
    assert steps[0].data["text"] == "ur"


def test_a_lower_attempt_is_ignored() -> None:
    view = TurnView("t-1")
    steps = feed(view, event(delta("Oui", 0), 7), event(delta("Non, jamais", 0), 3))
    assert replayed(steps) == "Oui"
    assert not feed(view, event(pb.AnswerRestarted(), 3))


def test_a_restart_before_the_first_word_is_not_told() -> None:
    steps = feed(TurnView("t-1"), FIRST, event(pb.AnswerRestarted(), 4), event(delta("Oui", 0), 4))
    assert [told.name for told in steps] == ["accepted", "delta"]


def test_the_first_ending_counts() -> None:
    view = TurnView("t-1")
    failed = pb.TurnFailed(reason=pb.FAILURE_REASON_EXPIRED)
    steps = feed(view, FIRST, event(failed), event(completed("Trop tard")), event(delta("x", 0)))
    assert [told.name for told in steps] == ["accepted", "failed"]
    assert steps[-1].data["message"].startswith("Désolé")
    assert not view.running


def test_a_segment_is_told_when_its_text_and_its_sound_are_there() -> None:
    view = TurnView("t-1")
    ready = event(pb.SegmentReady(text="Le cinq.", offset=4), index=2)
    spoken = event(pb.SpeechCompleted(duration_ms=900), index=2)
    assert not view.feed(spoken)
    [told] = view.feed(ready)
    assert told.data == {"turn": "t-1", "index": 2, "offset": 4, "length": 8, "duration_ms": 900}


def test_events_of_other_turns_and_of_newer_versions_are_ignored() -> None:
    view = TurnView("t-2")
    assert not feed(view, FIRST, event(delta("Oui", 0)), pb.Event(turn="t-2"))


def test_a_conversation_tells_no_turn_that_was_told_before() -> None:
    view = ConversationView(past=["t-1"])
    assert not view.feed(FIRST)
    assert not view.feed(event(completed("Oui")))
    second = events.begin("demo", "web", "c-1", FIRST.utterance_received, turn="t-2")
    assert [told.name for told in view.feed(second)] == ["accepted"]
    assert [turn.turn for turn in view.running] == ["t-2"]


def test_ids_of_events_are_read_back() -> None:
    assert Position.parse("t-1/3/14") == Position("t-1", 3, 14)
    for text in ("", "t-1", "t-1/x/2", "/1/2", "t-1/1", "t-1/-1/2"):
        assert Position.parse(text) is None


def test_a_notice_is_heard_but_is_no_part_of_the_answer() -> None:
    """Who was interrupted after it has heard nothing of the answer yet."""
    said = pb.SegmentReady(text="Cette voix est artificielle.", notice=True)
    [told] = feed(TurnView("t-1"), event(said), event(pb.SpeechCompleted(duration_ms=900)))
    assert (told.data["offset"], told.data["length"], told.data["duration_ms"]) == (0, 0, 900)


def test_nobody_is_told_of_a_replay() -> None:
    happened = [FIRST, event(delta("Le cinq.", 0)), event(completed("Le cinq."))]
    for each in happened:
        each_again = pb.Event()
        each_again.CopyFrom(each)
        each_again.channel = replays.CHANNEL
        assert TurnView("t-1").feed(each_again) == []
        assert ConversationView().feed(each_again) == []
