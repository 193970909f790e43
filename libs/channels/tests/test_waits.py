"""How long people wait for answers and their sound, on a clock that the tests set."""

import datetime as dt

import pytest
from google.protobuf.message import Message

from palabre.channels.testing import completed, delta
from palabre.channels.views import TurnView
from palabre.channels.waits import Playout, Waits
from palabre.chassis import events
from palabre.chassis.testing import Gains
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2

FIRST_TOKEN = "palabre_turn_first_token_seconds"
WHOLE = "palabre_turn_seconds"
FIRST_AUDIO = "palabre_turn_first_audio_seconds"


class Turn:
    """One turn, its clock, and who waits for it."""

    def __init__(self, channel: str, *, speech: bool = False) -> None:
        self.at = 100.0
        self.waits = Waits(lambda: self.at, lambda: 1_700_000_000 + self.at)
        utterance = turns_pb2.Utterance(text="?", speech=speech)
        body = pb.UtteranceReceived(utterance=utterance)
        self.first = events.begin("demo", channel, "c-1", body)
        self.view = TurnView(self.first.turn)
        self.gains = Gains()

    def event(self, body: Message) -> pb.Event:
        made = events.follow(self.first, body)
        made.occurred_at.FromDatetime(dt.datetime.fromtimestamp(1_700_000_000 + self.at, dt.UTC))
        return made

    def tell(self, *told: pb.Event) -> None:
        for event in told:
            for each in self.view.feed(event):
                self.waits.told(each)

    def say(self, at: float, *bodies: Message) -> None:
        self.at = at
        self.tell(*(self.event(body) for body in bodies))

    def measured(self, name: str) -> tuple[float, float]:
        """How often, and how many seconds in all."""
        of, channel = self.gains.of, self.first.channel
        return of(f"{name}_count", channel=channel), round(of(f"{name}_sum", channel=channel), 6)


def test_an_answer_is_measured_to_its_first_piece_and_to_its_end() -> None:
    turn = Turn("wait-a")
    turn.waits.begin(turn.first, since=100.0)
    turn.say(100.5, turn.first.utterance_received, delta("Le ", 0))
    turn.say(101.0, delta("cinq.", 3))
    turn.say(103.0, completed("Le cinq."))
    assert turn.measured(FIRST_TOKEN) == (1, 0.5)
    assert turn.measured(WHOLE) == (1, 3.0)


def test_an_answer_without_pieces_begins_with_its_end() -> None:
    turn = Turn("wait-b")
    turn.waits.begin(turn.first, since=100.0)
    turn.say(102.0, completed("Le cinq."))
    assert turn.measured(FIRST_TOKEN) == turn.measured(WHOLE) == (1, 2.0)


def test_a_failure_ends_a_wait_and_what_was_cancelled_measures_nothing() -> None:
    broken, stopped = Turn("wait-c"), Turn("wait-d")
    broken.waits.begin(broken.first, since=100.0)
    broken.say(109.0, pb.TurnFailed())
    stopped.waits.begin(stopped.first, since=100.0)
    stopped.say(109.0, pb.TurnCancelled(reason="stop"))
    assert broken.measured(WHOLE) == (1, 9.0)
    assert broken.measured(FIRST_TOKEN) == (0, 0)
    assert stopped.measured(WHOLE) == (0, 0)


def test_a_turn_that_another_process_admitted_is_not_measured() -> None:
    turn = Turn("wait-e")
    turn.say(101.0, delta("Le ", 0), completed("Le cinq."))
    assert turn.measured(FIRST_TOKEN) == turn.measured(WHOLE) == (0, 0)


def test_a_second_watcher_of_a_turn_measures_nothing_more() -> None:
    turn = Turn("wait-f")
    turn.waits.begin(turn.first, since=100.0)
    turn.say(101.0, delta("Le ", 0))
    turn.view = TurnView(turn.first.turn)
    turn.say(101.5, delta("Le ", 0), completed("Le cinq."))
    turn.view = TurnView(turn.first.turn)
    turn.say(102.0, completed("Le cinq."))
    assert turn.measured(FIRST_TOKEN) == (1, 1.0)
    assert turn.measured(WHOLE) == (1, 1.5)


def test_who_comes_back_to_look_later_waited_for_nothing() -> None:
    turn = Turn("wait-g")
    turn.waits.begin(turn.first, since=100.0)
    turn.at = 102.0
    done = turn.event(completed("Le cinq."))
    turn.at = 200.0
    turn.tell(done)
    assert turn.measured(FIRST_TOKEN) == turn.measured(WHOLE) == (0, 0)


def test_the_first_sound_is_measured_though_the_text_has_ended() -> None:
    turn = Turn("wait-h", speech=True)
    turn.waits.begin(turn.first, since=100.0)
    turn.say(101.0, completed("Le cinq."))
    turn.at = 101.5
    playout = Playout("wait-h", lambda: turn.at, turn.waits)
    playout.give(turn.event(pb.SpeechFrame()), 0.02)
    playout.give(turn.event(pb.SpeechFrame()), 0.02)
    again = Playout("wait-h", lambda: turn.at, turn.waits)
    again.give(turn.event(pb.SpeechFrame()), 0.02)
    assert turn.measured(FIRST_AUDIO) == (1, 1.5)
    assert turn.gains.of("palabre_voice_seconds_total", channel="wait-h") == pytest.approx(0.06)


def test_sound_that_runs_out_before_more_comes_is_a_gap() -> None:
    turn = Turn("wait-i", speech=True)
    playout = Playout("wait-i", lambda: turn.at, turn.waits)

    def gaps_after(at: float, seconds: float) -> float:
        turn.at = at
        playout.give(turn.event(pb.SpeechFrame()), seconds)
        playout.taken()
        return turn.gains.of("palabre_voice_gaps_total", channel="wait-i")

    assert gaps_after(100.0, 1.0) == 0
    assert gaps_after(100.1, 1.0) == 0  # until 102
    assert gaps_after(102.05, 1.0) == 0  # too short to be heard
    assert gaps_after(103.5, 1.0) == 1
    assert gaps_after(104.4, 1.0) == 1


def test_a_listener_who_takes_sound_slowly_has_no_gap() -> None:
    turn = Turn("wait-j", speech=True)
    playout = Playout("wait-j", lambda: turn.at, turn.waits)
    playout.give(turn.event(pb.SpeechFrame()), 1.0)
    turn.at = 160.0  # paused by the person: only now it is taken
    playout.taken()
    playout.give(turn.event(pb.SpeechFrame()), 1.0)
    assert turn.gains.of("palabre_voice_gaps_total", channel="wait-j") == 0


def test_turns_that_nobody_watches_are_forgotten() -> None:
    turn = Turn("wait-k")
    turn.waits.begin(turn.first, since=100.0)
    for _ in range(10_000):
        turn.waits.begin(events.begin("demo", "wait-k", "c-2", pb.UtteranceReceived()), since=100.0)
    turn.say(101.0, completed("Le cinq."))
    assert turn.measured(WHOLE) == (0, 0)
