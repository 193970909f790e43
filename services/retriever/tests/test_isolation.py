"""The child process: whatever a document does to it, the next one is read."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from palabre.chassis.confinement import Confinement
from palabre.chassis.errors import Unavailable
from palabre.retriever.documents.isolation import InProcess, Isolated, Reading
from palabre.retriever.errors import InvalidDocument

MAIL = b"From: a@example.org\nDate: Fri, 20 Nov 2026 10:00:00 +0100\nSubject: Bail\n\nTrois ans.\n"


@pytest.fixture(params=["in process", "isolated"])
async def reading(request: pytest.FixtureRequest) -> AsyncIterator[Reading]:
    chosen: Reading = InProcess() if request.param == "in process" else Isolated()
    yield chosen
    await chosen.close()


async def test_a_document_is_read_with_all_that_it_holds(reading: Reading) -> None:
    document = await reading.read("a.eml", MAIL, front_matter="tier: rh\nkeywords: [bail]")
    assert (document.title, document.tier, document.keywords) == ("Bail", "rh", ("bail",))
    assert document.sections[0].blocks[-1].text.strip() == "Trois ans."


async def test_what_is_refused_is_refused_by_name(reading: Reading) -> None:
    with pytest.raises(InvalidDocument) as refused:
        await reading.read("a.pdf", b"%PDF-1.7 rien")
    assert refused.value.document == "a.pdf"
    assert (refused.value.reason, refused.value.remedy[:7]) == (
        "is damaged or cut short",
        "send it",
    )


async def test_plain_text_needs_no_child() -> None:
    isolated = Isolated()
    assert (await isolated.read("a.md", b"# Bail\n\nTexte.")).title == "Bail"
    assert len(isolated.pids) == 0


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Confinement(memory=64 << 20), "needs more than 64 MiB of memory to read: split it"),
        (Confinement(seconds=0), "takes more than 0 seconds to read: split it, or raise"),
        (Confinement(output=100), "holds more than 0 MiB of text: split it"),
    ],
)
async def test_a_document_that_overruns_a_limit_is_refused_by_name(
    limits: Confinement, said: str
) -> None:
    isolated = Isolated(limits)
    for name in ("a.eml", "encore.eml"):
        with pytest.raises(InvalidDocument) as refused:
            await isolated.read(name, MAIL + b"Encore une phrase.\n\n" * 100_000)
        assert str(refused.value).startswith(f"{name}: {said}")
    assert len(isolated.pids) == 1
    await isolated.close()


async def test_no_more_children_run_than_may() -> None:
    isolated = Isolated(at_once=2)
    read = await asyncio.gather(*(isolated.read(f"{n}.eml", MAIL) for n in range(6)))
    assert {document.title for document in read} == {"Bail"}
    assert len(isolated.pids) == 2
    await isolated.close()


async def test_one_that_is_no_longer_wanted_takes_its_child_along() -> None:
    isolated = Isolated()
    await isolated.read("a.eml", MAIL)
    task = asyncio.create_task(isolated.read("b.eml", MAIL))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(isolated.pids) == 0
    assert (await isolated.read("c.eml", MAIL)).title == "Bail"
    await isolated.close()


async def test_a_child_that_was_killed_is_replaced() -> None:
    isolated = Isolated()
    await isolated.read("a.eml", MAIL)
    [pid] = isolated.pids
    os.kill(pid, 9)
    with pytest.raises(Unavailable, match="try again"):
        await isolated.read("b.eml", MAIL)
    assert (await isolated.read("c.eml", MAIL)).title == "Bail"
    await isolated.close()


async def test_children_that_nobody_needs_go_and_come_back() -> None:
    isolated = Isolated(idle_s=0.0)
    await isolated.read("a.eml", MAIL)
    await asyncio.sleep(0.01)
    assert isolated.pids == []
    assert (await isolated.read("b.eml", MAIL)).title == "Bail"
    await isolated.close()


async def test_a_child_knows_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PALABRE_LLM_API_KEY", "secret")
    isolated = Isolated()
    await isolated.read("a.eml", MAIL)
    environment = Path(f"/proc/{isolated.pids[0]}/environ")
    assert b"PALABRE" not in await asyncio.to_thread(environment.read_bytes)
    await isolated.close()


ORPHANS = """
import asyncio, sys
from palabre.retriever.documents.isolation import Isolated

async def main():
    isolated = Isolated()
    await isolated.read("a.eml", b"From: a\\n\\nBonjour.")
    print(isolated.pids[0], flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_a_child_does_not_outlive_a_service_that_was_killed() -> None:
    command = [sys.executable, "-c", ORPHANS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        child = Path(f"/proc/{int(service.stdout.readline())}")
        assert is_alive(child)
        service.kill()
    deadline = time.monotonic() + 10
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(child)


def is_alive(process: Path) -> bool:
    """Nobody may have asked yet how a dead one ended."""
    try:
        state = (
            (process / "stat").read_text("ascii", errors="replace").rpartition(")")[2].split()[0]
        )
    except OSError:
        return False
    return state != "Z"
