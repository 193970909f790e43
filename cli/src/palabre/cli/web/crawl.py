"""From a page to those it links to, on one site, as far as was asked and no further."""

import re
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import httpx2

from palabre.chassis.fetching import Fetched, Fetcher, FetchFailed, WrongKind
from palabre.cli.folders import Left
from palabre.cli.web import links
from palabre.cli.web.addresses import Wanted, document_id, host, key, normalised
from palabre.cli.web.pacing import Pace
from palabre.cli.web.robots import NoRobots, Robots
from palabre.cli.web.sitemaps import BadSitemap, addresses

HTML = ("text/html", "application/xhtml+xml")
# Kinds of other documents, with the suffix that the retriever knows them by.
FILES = {
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/epub+zip": ".epub",
    "text/csv": ".csv",
    "text/markdown": ".md",
    "text/plain": ".txt",
}
_SUFFIXES = frozenset(FILES.values())
# No page: pictures, sounds, programs, styles, archives, feeds.
_NO_PAGE = re.compile(
    r"\.(?:jpe?g|png|gif|svg|webp|avif|ico|bmp|tiff?|mp[34]|webm|ogg|wav|avi|mov|zip|gz|tar|rar|7z"
    r"|exe|dmg|apk|css|js|json|xml|rss|atom|ics|woff2?|ttf|eot|doc|xls|ppt|ods|odp)$"
)
_UNSAID = "application/octet-stream"
_FORBIDDEN = ("robots.txt asks programs to leave it alone", "ask its owner")
_MOST_WAITING = 20_000


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a crawl goes. `depth` counts links from the first page; `files` takes documents."""

    depth: int = 0
    pages: int = 100
    sitemap: bool = False
    files: bool = False
    wanted: Wanted = field(default_factory=Wanted)


@dataclass(frozen=True, slots=True)
class Page:
    """A document to be: a file as the server gave it, a page in UTF-8 with a mark."""

    document: str
    url: str
    data: bytes
    suffix: str


class Unread(Exception):
    """A site that is not read at all, why, and what to do."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}: {remedy}")
        self.reason, self.remedy = reason, remedy


class Crawl:
    """Of one site. One request at a time; no page comes twice."""

    def __init__(self, fetcher: Fetcher, reach: Reach, pace: Pace) -> None:
        self._fetcher, self._reach, self._pace = fetcher, reach, pace
        self._waiting: deque[tuple[str, int]] = deque()
        self._seen: set[str] = set()
        self._taken: set[str] = set()
        self._robots: dict[str, Robots] = {}
        self._host = ""
        self.visited = 0

    @property
    def waiting(self) -> int:
        """Addresses that are known and were not visited."""
        return len(self._waiting)

    async def pages(self, start: str) -> AsyncIterator[Page | Left]:
        """Pages, and what was left out or failed. Raises Unread."""
        first = normalised(start)
        if not first:
            raise Unread("is no web address", "write it as https://example.org/page")
        self._host = host(first)
        if self._reach.sitemap:
            await self._read_sitemaps(first)
        else:
            self._add(first, 0)
        while self._waiting and self.visited < self._reach.pages:
            url, depth = self._waiting.popleft()
            async for found in self._visit(url, depth):
                yield found

    def _add(self, url: str, depth: int) -> None:
        if key(url) not in self._seen and len(self._waiting) < _MOST_WAITING:
            self._seen.add(key(url))
            self._waiting.append((url, depth))

    async def _read_sitemaps(self, first: str) -> None:
        """Raises Unread."""
        robots = await self._rules(first)
        site = f"{httpx2.URL(first).scheme}://{self._host}"
        own = [first] if first.endswith((".xml", ".xml.gz", ".txt")) else robots.sitemaps
        try:
            async for page in addresses(self._fetch_any, own or [f"{site}/sitemap.xml"]):
                url = normalised(page)
                if url and host(url) == self._host and self._reach.wanted.takes(url):
                    self._add(url, 0)
                if self.waiting >= self._reach.pages:
                    break
        except BadSitemap as error:
            raise Unread(str(error), "follow its links instead, with --depth 2") from error
        if not self._waiting:
            raise Unread("its sitemap names no page that is wanted", "look at --include")

    async def _fetch_any(self, url: str, max_bytes: int) -> Fetched:
        return await self._pace.get(lambda: self._fetcher.get(url, max_bytes=max_bytes))

    async def _rules(self, url: str) -> Robots:
        """Raises Unread."""
        site = f"{httpx2.URL(url).scheme}://{host(url)}"
        if site not in self._robots:
            try:
                self._robots[site] = await Robots.of(self._fetch_any, site)
            except NoRobots as error:
                raise Unread(f"its robots.txt {error.reason}", error.remedy) from error
            self._pace.delay_s = max(self._pace.delay_s, self._robots[site].delay_s)
        return self._robots[site]

    async def _visit(self, url: str, depth: int) -> AsyncIterator[Page | Left]:
        named = self.visited == 0 and not self._reach.sitemap
        if not (await self._rules(url)).allows(url):
            yield _left(url, *_FORBIDDEN, failed=named)
            return
        self.visited += 1
        try:
            fetched = await self._pace.get(lambda: self._fetcher.get(url, self._kinds(named=named)))
        except FetchFailed as error:
            no_page = isinstance(error, WrongKind) and not named
            yield _left(url, error.reason, error.remedy, failed=not no_page)
            return
        if named:
            self._host = host(fetched.url)
        if host(fetched.url) != self._host:
            yield _left(url, f"leads to {host(fetched.url)}", "name that site itself")
        elif not (await self._rules(fetched.url)).allows(fetched.url):
            yield _left(url, *_FORBIDDEN, failed=named)
        else:
            for found in self._found(fetched, depth, named=named):
                yield found

    def _kinds(self, *, named: bool) -> tuple[str, ...]:
        return (*HTML, *FILES, _UNSAID) if named or self._reach.files else HTML

    def _found(self, fetched: Fetched, depth: int, *, named: bool) -> list[Page | Left]:
        url = normalised(fetched.url)
        if fetched.kind not in HTML:
            suffix = FILES.get(fetched.kind, PurePosixPath(httpx2.URL(url).path.lower()).suffix)
            return self._take(Page(document_id(url), url, fetched.data, suffix))
        html = links.text(fetched).replace("\0", "")
        said = links.read(html, fetched.url)
        self._follow(said.onward, depth)
        if not (said.may_be_kept or named):
            return [_left(url, "asks programs not to keep it", "ask its owner")]
        url = self._canonical(url, said.canonical)
        return self._take(Page(document_id(url), url, said.kept.encode("utf-8-sig"), ".html"))

    def _take(self, page: Page) -> list[Page | Left]:
        """Nothing when it is in already, under another address."""
        self._seen.add(key(page.url))
        if page.document in self._taken:
            return []
        self._taken.add(page.document)
        return [page]

    def _canonical(self, url: str, said: str) -> str:
        """A page's own word for its address. Many wrongly name their home page: not believed."""
        home = not httpx2.URL(said).path.strip("/") if said else True
        return said if said and host(said) == host(url) and not home else url

    def _follow(self, onward: tuple[str, ...], depth: int) -> None:
        for url in onward:
            suffix = PurePosixPath(httpx2.URL(url).path.lower()).suffix
            file = suffix in _SUFFIXES
            near = depth <= self._reach.depth if file else depth < self._reach.depth
            wanted = self._reach.files if file else not _NO_PAGE.fullmatch(suffix)
            if near and wanted and host(url) == self._host and self._reach.wanted.takes(url):
                self._add(url, depth + 1)


def _left(url: str, reason: str, remedy: str, *, failed: bool = False) -> Left:
    return Left(Path(document_id(normalised(url) or url)), reason, remedy, failed)
