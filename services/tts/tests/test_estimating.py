from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from palabre.contracts.v1.turns_pb2 import Viseme, WordTime
from palabre.tts.engines import Sound, Speech
from palabre.tts.estimating import Estimator, Pcm, Stretch, Timeline, timeline

RATE = 24_000


def line(ends: list[int]) -> Timeline:
    """A viseme and a word for each end, in milliseconds."""
    places = [(begin, end) for begin, end in pairwise([0, *ends]) if end > begin]
    visemes = [Viseme(shape="aa", offset_ms=b, duration_ms=e - b) for b, e in places]
    words = [WordTime(offset=n * 2, length=1, offset_ms=b) for n, (b, _) in enumerate(places)]
    return Timeline(visemes, words, places[-1][1] if places else 0)


class Hum:
    """Silence of this length, in pieces of 100 ms."""

    def __init__(self, lasts_ms: int) -> None:
        self.rate, self._lasts_ms = RATE, lasts_ms

    async def pcm(self) -> Pcm:
        for _ in range(self._lasts_ms // 100):
            yield bytes(RATE // 10 * 2)


async def heard(estimator: Estimator, lasts_ms: int) -> list[Sound]:
    hum, speech = Hum(lasts_ms), Speech("Le délai est de trente jours.", "fr")
    return [sound async for sound in estimator.timed(hum.pcm(), hum, speech, "anne")]


def test_a_timeline_is_fitted_into_a_sound_of_known_length() -> None:
    visemes, words = Stretch(line([100, 300, 400]), 0.0).close(800)
    assert [(v.offset_ms, v.duration_ms) for v in visemes] == [(0, 200), (200, 400), (600, 200)]
    assert [w.offset_ms for w in words] == [0, 200, 600]


def test_what_is_due_comes_with_the_sound_and_the_rest_is_fitted_at_the_end() -> None:
    stretch = Stretch(line([100, 200, 300, 400]), 1.0)
    visemes, words = stretch.until(250)
    assert [v.offset_ms for v in visemes] == [0, 100]
    assert [w.offset_ms for w in words] == [0, 100, 200]
    visemes, words = stretch.close(800)
    assert [(v.offset_ms, v.duration_ms) for v in visemes] == [(200, 300), (500, 300)]
    assert [w.offset_ms for w in words] == [500]


@given(
    st.lists(st.integers(1, 3_000), unique=True, max_size=20).map(sorted),
    st.floats(0.2, 5.0),
    st.lists(st.integers(1, 4_000), min_size=1, max_size=8).map(sorted),
)
def test_everything_is_given_once_in_order_and_within_the_sound(
    ends: list[int], pace: float, made: list[int]
) -> None:
    of = line(ends)
    stretch = Stretch(of, pace)
    due = [stretch.until(ms) for ms in made] + [stretch.close(made[-1])]
    visemes = [viseme for some, _ in due for viseme in some]
    words = [word for _, some in due for word in some]
    assert [word.offset for word in words] == [word.offset for word in of.words]
    assert all(a.offset_ms <= b.offset_ms for a, b in pairwise(words))
    assert all(a.offset_ms + a.duration_ms <= b.offset_ms for a, b in pairwise(visemes))
    assert all(v.offset_ms + v.duration_ms <= made[-1] for v in visemes)


async def test_the_pace_of_a_voice_is_learned_from_what_it_said() -> None:
    estimator = Estimator()
    of = await timeline(Speech("Le délai est de trente jours.", "fr"))
    lasts_ms = round(of.lasts_ms * 2 / 100) * 100
    exact = [w.offset_ms * lasts_ms / of.lasts_ms for w in of.words]
    first, second = [
        [word.offset_ms for sound in await heard(estimator, lasts_ms) for word in sound.words]
        for _ in range(2)
    ]
    assert second == pytest.approx(exact, abs=30)
    assert max(abs(a - b) for a, b in zip(first, exact, strict=True)) > 100


async def test_a_language_that_nobody_can_time_is_spoken_without_times() -> None:
    assert await timeline(Speech("nuqneH", "tlh")) == Timeline([], [], 0)
