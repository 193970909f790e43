"""One evaluation: its outcomes, its figures, and the JSON file that keeps both."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from palabre.cli.eval import bootstrap
from palabre.cli.eval.bootstrap import Estimate
from palabre.cli.eval.outcomes import MEASURES, Measure, Outcome, Ranks
from palabre.cli.server import Trouble

FORMAT = 1
LATENCIES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True)
class Report:
    """`searched` says what was asked, with which setting; `made_at` is ISO 8601."""

    made_at: str
    questions: dict[str, Any]
    searched: dict[str, Any]
    outcomes: tuple[Outcome, ...]

    @cached_property
    def figures(self) -> dict[str, Estimate]:
        """By name; measures that no question is about are left out. Latencies in milliseconds."""
        found = {m.name: bootstrap.mean(v) for m in MEASURES if len(v := values(m, self.outcomes))}
        times = np.array([outcome.ms for outcome in self.outcomes])
        latencies = {
            f"latency {name}": bootstrap.percentile(times, share)
            for name, share in LATENCIES.items()
        }
        return found | latencies

    @property
    def floor(self) -> float | None:
        """None where the space knows it and we do not."""
        floor: float | None = self.searched.get("setting", {}).get("floor")
        return floor

    def write(self, file: Path) -> None:
        content = {
            "palabre_eval": FORMAT,
            "made_at": self.made_at,
            "questions": self.questions,
            "searched": self.searched,
            "figures": {name: dataclasses.asdict(e) for name, e in self.figures.items()},
            "outcomes": [dataclasses.asdict(outcome) for outcome in self.outcomes],
        }
        file.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> Self:
        """Raises Trouble for what is no such file."""
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            if content["palabre_eval"] != FORMAT:
                raise Trouble(f"{file}: was written by another version: evaluate again")
            outcomes = tuple(_outcome(values) for values in content["outcomes"])
            return cls(content["made_at"], content["questions"], content["searched"], outcomes)
        except FileNotFoundError:
            raise Trouble(f"{file}: there is no such file") from None
        except (ValueError, KeyError, TypeError, AttributeError, OSError):
            reason = "is no result of `palabre eval`: make one with --json FILE"
            raise Trouble(f"{file}: {reason}") from None


def values(measure: Measure, outcomes: Iterable[Outcome]) -> bootstrap.Values:
    """What the measure says of each outcome that it is about, in order."""
    return np.array([measure.worth(o) for o in outcomes if measure.applies(o)], dtype=float)


def asked_from(file: Path, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Which questions these were."""
    return {
        "file": str(file),
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "answerable": sum(o.answerable for o in outcomes),
        "unanswerable": sum(not o.answerable for o in outcomes),
    }


def _outcome(values: dict[str, Any]) -> Outcome:
    ranks = {
        name: None if values[name] is None else _ranks(values[name])
        for name in ("asked", "all", "passages_asked", "passages_all")
    }
    lists = {name: tuple(values[name]) for name in ("documents", "found")}
    return Outcome(**(values | ranks | lists))


def _ranks(values: dict[str, Any]) -> Ranks:
    return Ranks(tuple(values["places"]), values["wanted"])
