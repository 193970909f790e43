"""A short kill campaign: the long one is `python -m bench.kill`."""

from pathlib import Path

from bench.kill.__main__ import MODEL, campaign, facts_by_turn
from palabre.cli.testing import Running, running
from tests.standins.model import Model


async def test_nothing_is_lost_or_doubled_when_processes_are_killed(tmp_path: Path) -> None:
    import asyncio

    async with Model().serving() as url:
        settings = {
            "PALABRE_LLM_BASE_URL": url,
            "PALABRE_LLM_API_KEY": "none",
            "PALABRE_LLM_MODEL": MODEL,
            "PALABRE_LOG_LEVEL": "warning",
        }
        context = running(tmp_path, settings, spaces=Path("spaces"))
        system: Running = await asyncio.to_thread(context.__enter__)
        try:
            found = await campaign(system, turns=60, askers=6, every_s=2.5, seed=7)
            facts = await facts_by_turn(system)
        finally:
            await asyncio.to_thread(context.__exit__, None, None, None)
    assert sum(found.kills.values()) >= 2
    assert found.report(facts) == (0, 0)
