"""A short kill campaign: the long one is `python -m bench.kill`."""

from pathlib import Path

from bench.kill.__main__ import MODEL, campaign, facts_by_turn
from bench.kill.system import with_model


async def test_nothing_is_lost_or_doubled_when_processes_are_killed(tmp_path: Path) -> None:
    async with with_model(
        tmp_path, MODEL, spaces=Path("spaces"), PALABRE_LOG_LEVEL="warning"
    ) as system:
        found = await campaign(system, turns=60, askers=6, every_s=2.5, seed=7)
        facts = await facts_by_turn(system)
    assert sum(found.kills.values()) >= 2
    assert found.report(facts) == (0, 0)
