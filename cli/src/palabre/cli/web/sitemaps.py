"""Sitemaps: XML, an index of others, plain text, each perhaps gzipped (https://www.sitemaps.org)."""

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

from selectolax.lexbor import LexborHTMLParser

from palabre.chassis.fetching import Fetched, FetchFailed, Oversized, Unpacking

MAX_SITEMAPS = 100
MAX_BYTES = 50 << 20
_GZIP = b"\x1f\x8b"

# Fetch(url, at most so many bytes)
Fetch = Callable[[str, int], Awaitable[Fetched]]


class BadSitemap(Exception):
    """It cannot be fetched or read; the message says why."""


async def addresses(fetch: Fetch, sitemaps: Iterable[str]) -> AsyncIterator[str]:
    """Of all pages, as they are listed. Raises BadSitemap at the first one that fails."""
    waiting, seen = list(sitemaps), set[str]()
    while waiting and len(seen) < MAX_SITEMAPS:
        sitemap = waiting.pop(0)
        if sitemap in seen:
            continue
        seen.add(sitemap)
        pages, others = parsed(await _text(fetch, sitemap))
        waiting += others
        for page in pages:
            yield page


def parsed(text: str) -> tuple[list[str], list[str]]:
    """(pages, sitemaps). An HTML parser reads it: no entity expands, no mistake is fatal."""
    if not text.lstrip().startswith("<"):
        return [line.strip() for line in text.splitlines() if line.strip()], []
    tree = LexborHTMLParser(text.replace("<![CDATA[", "").replace("]]>", ""))
    sitemaps = [node.text(strip=True) for node in tree.css("sitemap > loc")]
    return [node.text(strip=True) for node in tree.css("url > loc")], sitemaps


async def _text(fetch: Fetch, sitemap: str) -> str:
    try:
        data = (await fetch(sitemap, MAX_BYTES)).data
        if data.startswith(_GZIP):
            data = Unpacking(MAX_BYTES).feed(data)
    except FetchFailed as error:
        raise BadSitemap(f"its sitemap {sitemap} {error.reason}") from error
    except (zlib.error, Oversized) as error:
        raise BadSitemap(f"its sitemap {sitemap} is damaged or too large") from error
    return data.decode("utf-8-sig", errors="replace")
