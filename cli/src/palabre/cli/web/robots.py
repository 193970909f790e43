"""What a site asks of programs: robots.txt (RFC 9309)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from protego import Protego

from palabre.chassis.fetching import BadStatus, Fetched, FetchFailed

# Fetch(url, at most so many bytes)
Fetch = Callable[[str, int], Awaitable[Fetched]]

NAME = "Palabre"
# RFC 9309, 2.5: a crawler reads at least 500 KiB.
MAX_BYTES = 512 << 10


class NoRobots(Exception):
    """The site's wishes are not to be known now, and so nothing is fetched."""

    def __init__(self, error: FetchFailed) -> None:
        super().__init__(str(error))
        self.reason, self.remedy = error.reason, error.remedy


@dataclass(frozen=True, slots=True)
class Robots:
    """A site's wishes."""

    said: Protego

    @classmethod
    async def of(cls, fetch: Fetch, site: str) -> "Robots":
        """`site` is scheme and host. Raises NoRobots when the server fails (RFC 9309, 2.3.1.4)."""
        try:
            found = await fetch(f"{site}/robots.txt", MAX_BYTES)
        except BadStatus as error:
            if 400 <= error.status < 500 and error.status != 429:
                return cls(Protego.parse(""))
            raise NoRobots(error) from error
        except FetchFailed as error:
            raise NoRobots(error) from error
        return cls(Protego.parse(found.data.decode("utf-8-sig", errors="replace")))

    def allows(self, url: str) -> bool:
        return bool(self.said.can_fetch(url, NAME))

    @property
    def delay_s(self) -> float:
        return float(self.said.crawl_delay(NAME) or 0)

    @property
    def sitemaps(self) -> list[str]:
        return list(self.said.sitemaps)
