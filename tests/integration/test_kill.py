"""A short kill campaign: the long one is `python -m bench.kill`."""

from pathlib import Path

import pytest

from bench.kill.__main__ import MODEL, campaign, facts_by_turn
from bench.kill.system import with_model


# Most of its time is processes starting again: a slow machine needs twice a fast one's.
@pytest.mark.timeout(300)
async def test_nothing_is_lost_or_doubled_when_processes_are_killed(tmp_path: Path) -> None:
    async with with_model(
        tmp_path, MODEL, spaces=Path("spaces"), PALABRE_LOG_LEVEL="warning"
    ) as system:
        found = await campaign(system, turns=36, askers=6, every_s=4.0, seed=7)
        facts = await facts_by_turn(system)
    assert sum(found.kills.values()) >= 2
    assert found.report(facts) == (0, 0)
