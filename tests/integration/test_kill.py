"""A short kill campaign: the long one is `python -m bench.kill`."""

from pathlib import Path

import pytest

from bench.kill.__main__ import killing, one_machine


# Most of its time is processes starting again: a slow machine needs twice a fast one's.
@pytest.mark.timeout(400)
async def test_nothing_is_lost_or_doubled_when_processes_are_killed(tmp_path: Path) -> None:
    async with one_machine(tmp_path) as (system, forum):
        found, facts = await killing(system, forum, turns=36, askers=6, every_s=5.0, seed=7)
    assert sum(found.kills.values()) >= 2
    assert found.report(facts) == (0, 0)
    assert not facts.disorder
