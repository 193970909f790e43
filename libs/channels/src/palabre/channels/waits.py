"""How long people wait: for a turn that this process admitted, and for the sound of its answer."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from prometheus_client import Histogram

from palabre.channels import metrics
from palabre.channels.views import Told
from palabre.chassis import telemetry
from palabre.contracts.v1 import events_pb2 as pb

GAP_S = 0.1  # players begin with more than that in hand
# What is told so long after it was written was not waited for: somebody came back to look.
_STALE_S = 30.0
_REMEMBERED = 10_000
_TOLD = frozenset({"delta", "completed", "failed", "cancelled"})

Clock = Callable[[], float]

_kept = cache(Histogram.labels)  # looking a label up costs more than counting


def _observe(histogram: Histogram, channel: str, seconds: float, turn: str) -> None:
    telemetry.observe(_kept(histogram, channel), seconds, turn)


@dataclass(slots=True)
class _Wait:
    channel: str
    since: float
    speaks: bool
    is_shown: bool = False
    is_over: bool = False


class Waits:
    """Each turn is measured once, whoever watches it; `clock` is monotonic, `now` is the time.

    A turn that another process admitted, or this one before a restart, is not measured: nobody
    here knows since when it is waited for.
    """

    def __init__(self, clock: Clock = time.monotonic, now: Clock = time.time) -> None:
        self.clock, self._now = clock, now
        self._waits: OrderedDict[str, _Wait] = OrderedDict()

    def begin(self, first: pb.Event, since: float) -> None:
        """The turn was admitted; its admission was asked for at `since`, by the clock."""
        speaks = first.utterance_received.utterance.speech
        self._waits[first.turn] = _Wait(first.channel, since, speaks)
        if len(self._waits) > _REMEMBERED:
            self._waits.popitem(last=False)

    def told(self, told: Told) -> None:
        """What an adapter is about to show."""
        wait = self._waits.get(told.position.turn)
        if wait is None or wait.is_over or told.name not in _TOLD:
            return
        if told.name == "delta" and wait.is_shown:
            return
        if told.event is not None and self._is_stale(told.event):
            del self._waits[told.position.turn]
            return
        self._measure(wait, told)

    def heard(self, frame: pb.Event) -> None:
        """The turn's sound is about to be given to a listener."""
        wait = self._waits.get(frame.turn)
        if wait is None or not wait.speaks:
            return
        wait.speaks = False
        if not self._is_stale(frame):
            _observe(metrics.FIRST_AUDIO, wait.channel, self.clock() - wait.since, frame.turn)
        if wait.is_over:
            del self._waits[frame.turn]

    def _measure(self, wait: _Wait, told: Told) -> None:
        seconds, turn = self.clock() - wait.since, told.position.turn
        if told.name in ("delta", "completed") and not wait.is_shown:
            wait.is_shown = True
            _observe(metrics.FIRST_TOKEN, wait.channel, seconds, turn)
        if told.name in ("completed", "failed"):
            _observe(metrics.WHOLE, wait.channel, seconds, turn)
        wait.is_over = told.name != "delta"
        if wait.is_over and not (wait.speaks and told.name == "completed"):
            del self._waits[turn]

    def _is_stale(self, event: pb.Event) -> bool:
        written = event.occurred_at.seconds + event.occurred_at.nanos / 1e9
        return self._now() - written > _STALE_S


WAITS = Waits()  # of this process, as its metrics are


class Playout:
    """What one listener hears of a turn: sound is given as it comes, and played as it was given.

    Who takes it slowly waits for nobody: only time in which we had nothing to give makes a gap.
    """

    def __init__(self, channel: str, clock: Clock = time.monotonic, waits: Waits = WAITS) -> None:
        self._clock, self._waits = clock, waits
        self._gaps = metrics.VOICE_GAPS.labels(channel)
        self._seconds = metrics.VOICE_SECONDS.labels(channel)
        self._played_at = 0.0  # when what was given will have been played; 0: nothing was
        self._taken_at = 0.0

    @property
    def has_begun(self) -> bool:
        return self._played_at > 0

    def give(self, frame: pb.Event, seconds: float) -> None:
        """So much sound is about to be given; the newest of it is `frame`."""
        now = self._clock()
        if not self._played_at:
            self._waits.heard(frame)
        elif now - max(self._played_at, self._taken_at) > GAP_S:
            self._gaps.inc()
        self._played_at = max(now, self._played_at) + seconds
        self._seconds.inc(seconds)

    def taken(self) -> None:
        """The listener has it: from now on we wait for more."""
        self._taken_at = self._clock()
