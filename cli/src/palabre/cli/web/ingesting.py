"""`palabre ingest https://…`: what a crawl finds goes the way of files."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import yaml

from palabre.chassis.addresses import Exemption
from palabre.chassis.fetching import Fetcher
from palabre.cli.folders import File, Left
from palabre.cli.screen import errors
from palabre.cli.sending import Sender, Sent
from palabre.cli.server import Trouble
from palabre.cli.tally import Tally
from palabre.cli.web.crawl import Crawl, Page, Reach, Unasked
from palabre.cli.web.pacing import Pace
from palabre.cli.web.robots import NAME


@dataclass(frozen=True, slots=True)
class Visit:
    """Where to begin, how far to go, and which private hosts an operator vouches for."""

    urls: Sequence[str]
    reach: Reach
    delay_s: float = 0.5
    private: Sequence[str] = ()


def take_in(visit: Visit, sender: Sender, tally: Tally, below: str, *, dry_run: bool) -> None:
    """Sends every page that is found. Raises Trouble and Stopped; what is in stays in."""
    if not visit.urls:
        return
    try:
        exemptions = [Exemption.parse(host) for host in visit.private]
    except ValueError as error:
        raise Trouble(f"--allow-private {error}") from error
    try:
        asyncio.run(_take_in(visit, exemptions, sender, tally, below, dry_run=dry_run))
    except Unasked as error:
        raise Trouble(str(error)) from error


async def _take_in(
    visit: Visit,
    exemptions: Sequence[Exemption],
    sender: Sender,
    tally: Tally,
    below: str,
    *,
    dry_run: bool,
) -> None:
    agent = f"{NAME}/{version('palabre-cli')} (reads pages that its operator names)"
    with tempfile.TemporaryDirectory(prefix="palabre-") as folder:
        async with Fetcher(agent, exemptions=exemptions) as fetcher:
            for url in visit.urls:
                crawl = Crawl(fetcher, visit.reach, Pace(visit.delay_s))
                with errors.status(url) as shown:
                    async for found in crawl.pages(url):
                        if isinstance(found, Left):
                            tally.leave(found)
                        elif dry_run:
                            tally.would_send()
                        else:
                            tally.sent(await _sent(sender, _file(found, Path(folder), below)))
                        shown.update(f"{crawl.visited} read, {crawl.waiting} known: {url}")
                if crawl.waiting:
                    errors.print(
                        f"{url}: stopped after {crawl.visited} pages; {crawl.waiting} more are"
                        " known: raise --pages to go on.",
                        soft_wrap=True,
                    )


async def _sent(sender: Sender, file: File) -> Sent:
    try:
        return await asyncio.to_thread(sender.send, file)
    except asyncio.CancelledError:
        # The thread is waited for when the loop ends.
        sender.stop.set()
        raise


def _file(page: Page, folder: Path, below: str) -> File:
    """On the disk for as long as it takes to send it."""
    path = folder / f"page{page.suffix}"
    path.write_bytes(page.data)
    side = folder / "page.yaml"
    side.write_text(yaml.safe_dump({"url": page.url}), encoding="utf-8")
    return File(f"{below}{page.document}", path, len(page.data), side, wanted=True)
