"""Rate limits: one bucket per route and major parameter, one for everything, one for mistakes.

https://docs.discord.com/developers/topics/rate-limits. Discord does not publish the buckets; five
messages or edits in five seconds per channel is what bots see. The others are generous here. A
bucket's name leaves out the channel, and is the same for routes that are counted apart
(discord-api-docs 1442, 1551, 8073): it does not tell by itself what is limited together.
"""

import hashlib
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.standins.discord.clock import Clock

GLOBAL_PER_SECOND = 50
INVALID, INVALID_WINDOW = 10_000, 600.0
MESSAGES = "/channels/{channel}/messages"
MESSAGE = "/channels/{channel}/messages/{message}"
_DEFAULTS = {
    ("POST", MESSAGES): (5, 5.0),
    ("PATCH", MESSAGE): (5, 5.0),
    ("DELETE", MESSAGE): (5, 1.0),
    ("GET", MESSAGES): (50, 1.0),
    ("POST", "/webhooks/{application}/{token}"): (5, 2.0),
}
_WRITING = {("POST", MESSAGES), ("PATCH", MESSAGE), ("DELETE", MESSAGE)}
_GENEROUS = (100, 1.0)


class Limited(Exception):
    """429. `scope`: user, global or shared; `banned` when too many mistakes were made."""

    def __init__(
        self, retry_after: float, scope: str, headers: Mapping[str, str], *, banned: bool = False
    ) -> None:
        self.retry_after, self.scope, self.headers = retry_after, scope, headers
        self.banned = banned
        super().__init__(f"wait {retry_after:.3f} s ({scope})")

    @property
    def all_headers(self) -> dict[str, str]:
        told = {"Retry-After": str(math.ceil(self.retry_after)), "X-RateLimit-Scope": self.scope}
        whole = {"X-RateLimit-Global": "true"} if self.scope == "global" else {}
        return {**self.headers, **told, **whole}


@dataclass(slots=True)
class _Bucket:
    name: str
    limit: int
    window: float
    left: int = 0
    ends: float = 0.0

    def take(self, now: float) -> bool:
        if now >= self.ends:
            self.left, self.ends = self.limit, now + self.window
        self.left -= 1
        return self.left >= 0

    def headers(self, now: float) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(self.left, 0)),
            "X-RateLimit-Reset": f"{self.ends:.3f}",
            "X-RateLimit-Reset-After": f"{max(self.ends - now, 0):.3f}",
            "X-RateLimit-Bucket": self.name,
        }


@dataclass(slots=True)
class Limits:
    """Of one stand-in; `off` keeps counting nothing at all, and sends no headers."""

    clock: Clock
    enabled: bool = True
    rules: dict[tuple[str, str], tuple[int, float]] = field(default_factory=lambda: {**_DEFAULTS})
    most_invalid: int = INVALID
    _buckets: dict[tuple[str, ...], _Bucket] = field(default_factory=dict)
    _recent: dict[str, deque[float]] = field(default_factory=dict)
    _invalid: deque[float] = field(default_factory=deque)

    def off(self) -> None:
        self.enabled = False

    def set(self, method: str, route: str, limit: int, seconds: float) -> None:
        """`route` as in `routes/`: `/channels/{channel}/messages`. Open buckets are forgotten."""
        self.rules[method, route] = (limit, seconds)
        self._buckets.clear()

    @property
    def invalid(self) -> int:
        """Answers 401, 403 and 429 in the last ten minutes, by all bots together."""
        while self._invalid and self._invalid[0] < self.clock.now() - INVALID_WINDOW:
            self._invalid.popleft()
        return len(self._invalid)

    def note(self, status: int, *, shared: bool = False) -> None:
        if status in (401, 403, 429) and not shared:
            self._invalid.append(self.clock.now())

    def check_ban(self) -> None:
        """Raises Limited when this address made too many mistakes: Cloudflare answers then."""
        if self.invalid >= self.most_invalid:
            raise Limited(INVALID_WINDOW, "global", {}, banned=True)

    def take(self, who: str, method: str, route: str, major: str) -> dict[str, str]:
        """The headers of one more call. Raises Limited.

        Calls about interactions are in no global limit.
        """
        if not self.enabled:
            return {}
        now = self.clock.now()
        bucket = self._bucket(who, method, route, major)
        if not bucket.take(now):
            raise Limited(bucket.ends - now, "user", bucket.headers(now))
        if not route.startswith(("/interactions/", "/webhooks/")):
            self._take_global(who, now)
        return bucket.headers(now)

    def used_up(
        self, who: str, method: str, route: str, major: str, retry_after: float, scope: str
    ) -> Limited:
        """As if this bucket were used up for so long (seconds); it is not."""
        bucket, now = self._bucket(who, method, route, major), self.clock.now()
        shown = _Bucket(bucket.name, bucket.limit, bucket.window, 0, now + retry_after)
        headers = {} if scope == "global" or not self.enabled else shown.headers(now)
        return Limited(retry_after, scope, headers)

    def _bucket(self, who: str, method: str, route: str, major: str) -> _Bucket:
        key = (who, method, route, major)
        if key not in self._buckets:
            named = MESSAGES if (method, route) in _WRITING else f"{method} {route}"
            name = hashlib.sha256(named.encode()).hexdigest()[:32]
            self._buckets[key] = _Bucket(name, *self.rules.get((method, route), _GENEROUS))
        return self._buckets[key]

    def _take_global(self, who: str, now: float) -> None:
        recent = self._recent.setdefault(who, deque())
        while recent and recent[0] <= now - 1:
            recent.popleft()
        if len(recent) >= GLOBAL_PER_SECOND:
            raise Limited(recent[0] + 1 - now, "global", {})
        recent.append(now)
