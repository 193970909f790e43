"""The measures, by hand; how sure they are; and what two results differ in."""

import math
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, strategies as st

from palabre.cli.eval import bootstrap, chart, comparing
from palabre.cli.eval.outcomes import (
    RIGHTLY,
    WRONGLY,
    Outcome,
    Ranks,
    misses,
    ndcg,
    recall,
    reciprocal_rank,
)
from palabre.cli.eval.reports import Report
from palabre.cli.server import Trouble


def outcome(number: int, place: int = 1, *, answerable: bool = True) -> Outcome:
    """Place 0: nothing was found."""
    ranks = Ranks((place,) if place else ())
    return Outcome(
        key=f"question {number}",
        question=f"Question <{number}> & [bold]",
        documents=("a.md",) if answerable else (),
        asked=ranks,
        all=ranks,
        nothing=not place,
        relevance=0.5 if place else 0.1,
        found=("a.md",),
        ms=float(number),
    )


def report(*outcomes: Outcome, floor: float = 0.34) -> Report:
    asked = {
        "file": "q.jsonl",
        "answerable": sum(o.answerable for o in outcomes),
        "unanswerable": sum(not o.answerable for o in outcomes),
    }
    searched = {"documents": 3, "passages": 9, "setting": {"floor": floor}}
    return Report("2026-11-20T12:00:00+00:00", asked, searched, outcomes)


def test_recall_is_the_share_of_what_was_wanted_of_at_most_k() -> None:
    assert recall(1)(Ranks((1,), 1)) == 1
    assert recall(1)(Ranks((2,), 1)) == 0
    assert recall(5)(Ranks((2, 7), 4)) == 1 / 4
    assert recall(1)(Ranks((1, 2), 2)) == 1


def test_the_reciprocal_rank_is_that_of_the_first() -> None:
    assert reciprocal_rank(Ranks((4, 8), 2)) == 1 / 4
    assert reciprocal_rank(Ranks((), 2)) == 0


def test_ndcg_discounts_by_place() -> None:
    assert ndcg(Ranks((1, 2), 2)) == 1
    assert ndcg(Ranks((3,), 1)) == pytest.approx(1 / math.log2(4))
    both = 1 + 1 / math.log2(3)
    assert ndcg(Ranks((2,), 2)) == pytest.approx((1 / math.log2(3)) / both)


@given(st.sets(st.integers(1, 10)), st.integers(0, 20))
def test_every_measure_is_a_share(places: set[int], missing: int) -> None:
    ranks = Ranks(tuple(sorted(places)), max(1, len(places) + missing))
    for score in (recall(1), recall(5), reciprocal_rank, ndcg):
        assert 0 <= score(ranks) <= 1 + 1e-12


def test_an_interval_holds_its_figure_and_is_the_same_each_time() -> None:
    values = np.array([1.0, 0.0, 1.0, 1.0] * 20)
    estimate = bootstrap.mean(values)
    assert estimate.value == 0.75
    # The normal approximation for 60 of 80.
    assert estimate.low == pytest.approx(0.75 - 1.96 * math.sqrt(0.75 * 0.25 / 80), abs=0.02)
    assert estimate.high == pytest.approx(0.75 + 1.96 * math.sqrt(0.75 * 0.25 / 80), abs=0.02)
    assert bootstrap.mean(values) == estimate


def test_what_all_questions_agree_on_is_not_certain() -> None:
    """Clopper and Pearson for 0 and 20 of 20."""
    assert bootstrap.mean(np.zeros(20)).high == pytest.approx(0.168, abs=0.001)
    assert bootstrap.mean(np.ones(20)).low == pytest.approx(0.832, abs=0.001)


def test_a_percentile_has_an_interval_too() -> None:
    estimate = bootstrap.percentile(np.arange(1_000.0), 0.95)
    assert estimate.value == pytest.approx(949.05)
    assert estimate.low < estimate.value < estimate.high


def test_a_paired_difference_is_told_from_chance() -> None:
    chance = np.random.default_rng(3)
    a = chance.integers(0, 2, 200).astype(float)
    better = np.maximum(a, (chance.random(200) < 0.2).astype(float))
    assert bootstrap.difference(a, better).p < 0.01
    assert bootstrap.difference(a, better).low > 0
    assert bootstrap.difference(a, a).p == 1


def test_chance_alone_is_called_a_difference_in_about_one_of_twenty() -> None:
    chance = np.random.default_rng(5)
    pairs = [(chance.random(60), chance.random(60)) for _ in range(100)]
    assert sum(bootstrap.difference(a, b).p < 0.05 for a, b in pairs) <= 10


def test_figures_are_of_the_questions_that_they_are_about() -> None:
    figures = report(outcome(1), outcome(2, 0), outcome(3, 0, answerable=False)).figures
    assert figures["recall@5"].value == 0.5
    assert figures["recall@5"].of == 2
    assert figures[RIGHTLY].of == 1
    assert figures[WRONGLY].value == 0.5
    assert figures["latency p50"].value == 2
    assert "recall@1 of passages" not in figures


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = report(outcome(1), outcome(2, 3))
    written.write(tmp_path / "a.json")
    again = Report.read(tmp_path / "a.json")
    assert again.outcomes == written.outcomes
    assert again.figures == written.figures
    assert again.floor == 0.34


@pytest.mark.parametrize(
    ("content", "reason"),
    [("{", "is no result"), ("[]", "is no result"), ('{"palabre_eval": 9}', "another version")],
)
def test_what_is_no_result_is_refused(tmp_path: Path, content: str, reason: str) -> None:
    file = tmp_path / "a.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(Trouble, match=reason):
        Report.read(file)


def test_the_worst_questions_come_first() -> None:
    found, late, wrong = outcome(1), outcome(2, 4), outcome(3, 0)
    invented = outcome(4, 1, answerable=False)
    assert misses([found, late, wrong, invented]) == [wrong, invented, late]


def test_a_comparison_says_what_so_few_questions_can_show() -> None:
    a = report(*(outcome(n, 0 if n < 6 else 1) for n in range(40)))
    few = report(*(outcome(n, 0 if n in {1, 2, 3, 4, 9} else 1) for n in range(40)))
    all_found = report(*(outcome(n, 1) for n in range(40)))
    by_name = {c.measure.name: c for c in comparing.compared(a, few)}
    assert by_name["recall@5"].verdict == "not shown"
    assert [o.key for o in by_name["recall@5"].gained] == ["question 0", "question 5"]
    assert [o.key for o in by_name["recall@5"].lost] == ["question 9"]
    by_name = {c.measure.name: c for c in comparing.compared(a, all_found)}
    assert by_name["recall@5"].verdict == "better"
    assert by_name[WRONGLY].verdict == "better"
    assert {c.verdict for c in comparing.compared(a, a)} == {"the same"}


def test_results_without_a_common_question_are_not_compared() -> None:
    with pytest.raises(Trouble, match="no question in common"):
        comparing.compared(report(outcome(1)), report(outcome(2)))


def test_the_chart_is_well_formed_with_and_without_unanswerable_questions() -> None:
    whole = report(outcome(1), outcome(2, 0), outcome(3, 0, answerable=False))
    for each in (whole, report(outcome(1)), report(outcome(3, 0, answerable=False))):
        root = ET.fromstring(chart.drawn(each))  # noqa: S314 - our own
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "0.50 at 1" in chart.drawn(whole)
    assert "floor 0.34: 1.00 rightly, 0.50 wrongly" in chart.drawn(whole)
