"""Where panels turn yellow and red. What is promised is read from deploy/prometheus."""

import re
from typing import Any

from deploy.grafana.panels import Limits
from deploy.prometheus.resource import groups


def _number(record: str, slo: str, pattern: str) -> float:
    """Out of the expression of such a rule."""
    rules: list[dict[str, Any]] = [rule for group in groups() for rule in group["rules"]]
    (rule,) = (
        r for r in rules if r.get("record") == record and r.get("labels", {}).get("slo") == slo
    )
    found = re.search(pattern, rule["expr"])
    if not found:
        raise ValueError(f"{record} of {slo} has no {pattern}: {rule['expr']}")
    return float(found[1])


def _share(slo: str) -> Limits:
    """Yellow halfway to what is promised."""
    promised = _number("slo:palabre_objective:ratio", slo, r"vector\((.+)\)")
    return Limits(warn=round((1 + promised) / 2, 6), bad=promised)


def _wait(slo: str) -> Limits:
    """In seconds; yellow from two thirds of what is promised."""
    promised = _number("slo:palabre_good_events:count", slo, r'le="(.+?)"')
    return Limits(warn=round(promised * 2 / 3, 2), bad=promised)


ANSWERED = _share("answered")
FIRST_TOKEN = _wait("first_token")
FIRST_AUDIO = _wait("first_audio")
BURN = Limits(warn=1, bad=14.4)  # times the pace that uses a month's budget in a month
GAPS = Limits(warn=0.5, bad=1)  # in a minute of sound
LOOP = Limits(warn=0.05, bad=0.25)  # seconds
FULL = Limits(warn=0.6, bad=0.8)  # of what a stream may hold
GONE = Limits(warn=1, bad=0.5)  # 1 is there, 0 is not
ANY = Limits(warn=1e-9)  # yellow as soon as it happens
