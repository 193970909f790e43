import os
from pathlib import Path

import pytest

from palabre.retriever.machine import cores, memory_bytes

WHOLE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
ALL = len(os.sched_getaffinity(0))


@pytest.mark.parametrize("said", ["", "max\n", f"{1 << 62}\n"])
def test_a_container_without_a_limit_has_the_machine(tmp_path: Path, said: str) -> None:
    assert (memory_bytes(tmp_path), cores(tmp_path)) == (WHOLE, ALL)
    (tmp_path / "memory.max").write_text(said)
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert (memory_bytes(tmp_path), cores(tmp_path)) == (WHOLE, ALL)


def test_a_container_has_no_more_than_its_limits(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("268435456\n")
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert memory_bytes(tmp_path) == 256 << 20
    assert cores(tmp_path) == 0.5
