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
from palabre.cli.web.crawl import Crawl, Page, Reach, Unread
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
    asyncio.run(Taking(visit, sender, tally, below, dry_run=dry_run).all(exemptions))


@dataclass(frozen=True, slots=True)
class Taking:
    """Pages on their way, one after the other."""

    visit: Visit
    sender: Sender
    tally: Tally
    below: str
    dry_run: bool

    async def all(self, exemptions: Sequence[Exemption]) -> None:
        agent = f"{NAME}/{version('palabre-cli')} (reads pages that its operator names)"
        async with Fetcher(agent, exemptions=exemptions) as fetcher:
            for url in self.visit.urls:
                crawl = Crawl(fetcher, self.visit.reach, Pace(self.visit.delay_s))
                try:
                    await self._site(crawl, url)
                except Unread as error:
                    name = Path(url.partition("://")[2] or url)
                    self.tally.leave(Left(name, error.reason, error.remedy, failed=True))

    async def _site(self, crawl: Crawl, url: str) -> None:
        """Raises Unread."""
        with tempfile.TemporaryDirectory(prefix="palabre-") as folder, errors.status(url) as shown:
            async for found in crawl.pages(url):
                if isinstance(found, Left):
                    self.tally.leave(found)
                elif self.dry_run:
                    self.tally.would_send()
                else:
                    file = _file(found, Path(folder), self.below)
                    self.tally.sent(await _sent(self.sender, file))
                shown.update(f"{crawl.visited} read, {crawl.waiting} known: {url}")
        if crawl.waiting:
            more = f"stopped after {crawl.visited} pages; {crawl.waiting} more are known"
            errors.print(f"{url}: {more}: raise --pages to go on.", soft_wrap=True)


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
