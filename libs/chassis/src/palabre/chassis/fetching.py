"""The one client for addresses that somebody else chose: pages, attachments, images, webhooks.

A name is resolved once, every address of the answer is checked, and the connection goes to one of
those very addresses, so a name cannot point elsewhere in between. Each redirect is a new address
and is checked as the first. There are no cookies, credentials or proxies of the environment here.
"""

import asyncio
import contextlib
import ipaddress
import re
import socket
import ssl
import zlib
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Sequence,
)
from dataclasses import dataclass
from typing import Self

import httpcore2
import httpx2

from palabre.chassis.addresses import Address, Exemption, literal, objection

# Resolver(host): addresses as text. Raises OSError when there are none.
Resolver = Callable[[str], Awaitable[Sequence[str]]]

_ADDRESSES_TRIED = 3
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_-]{1,63}")


class FetchFailed(Exception):
    """The message names the address, the reason and the remedy."""

    def __init__(self, url: str, reason: str, remedy: str) -> None:
        shown = re.sub(r"//[^/?#]*@", "//", url)[:200]
        super().__init__(f"{shown}: {reason}: {remedy}")
        self.reason, self.remedy = reason, remedy


class Refused(FetchFailed):
    """Against the rules of this client; trying again cannot help."""


class WrongKind(Refused):
    """Of a media type that the caller does not take."""


class Unreachable(FetchFailed):
    """No answer, or not to its end."""


class BadStatus(FetchFailed):
    """The server answered with an error."""

    def __init__(self, url: str, status: int, retry_after: str = "") -> None:
        super().__init__(url, f"answered {status}", "check the address, or try again later")
        self.status, self.retry_after = status, retry_after


@dataclass(frozen=True, slots=True)
class Limits:
    """`max_bytes` counts what has been unpacked; `read_s` is how long a server may be silent."""

    max_bytes: int = 20 << 20
    total_s: float = 60.0
    connect_s: float = 10.0
    read_s: float = 20.0
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Fetched:
    """`url` is where the redirects ended; `content_type` as the server said it."""

    url: str
    content_type: str
    data: bytes

    @property
    def kind(self) -> str:
        """The media type, without its parameters."""
        return self.content_type.partition(";")[0].strip().lower()


async def resolve(host: str) -> list[str]:
    """As the system does."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


class Fetcher:
    """Several fetches may run side by side. Close it, or use it as a context."""

    def __init__(
        self,
        user_agent: str,
        *,
        limits: Limits = Limits(),
        exemptions: Iterable[Exemption] = (),
        resolver: Resolver = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._user_agent, self._limits = user_agent, limits
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls or httpcore2.default_ssl_context(),
            max_connections=20,
            keepalive_expiry=10,
            network_backend=_Guard(tuple(exemptions), resolver),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._pool.aclose()

    async def get(self, url: str, kinds: Collection[str] = (), max_bytes: int = 0) -> Fetched:
        """`kinds` are the media types to take, any when empty; `max_bytes` replaces the limit.

        Raises Refused (WrongKind), Unreachable and BadStatus.
        """
        try:
            async with asyncio.timeout(self._limits.total_s):
                return await self._follow(url, kinds, max_bytes or self._limits.max_bytes)
        except TimeoutError:
            reason = f"took longer than {self._limits.total_s:g} seconds"
            raise Unreachable(url, reason, "try again later") from None

    async def _follow(self, url: str, kinds: Collection[str], max_bytes: int) -> Fetched:
        target = _parsed(url)
        for _ in range(self._limits.redirects + 1):
            async with self._open(target, kinds) as response:
                following = _redirect(target, response)
                if following is None:
                    return await _read(target, response, kinds, max_bytes)
            target = following
        reason = f"redirects more than {self._limits.redirects} times"
        raise Refused(url, reason, "open it in a browser and give the address it ends at")

    @contextlib.asynccontextmanager
    async def _open(
        self, target: httpx2.URL, kinds: Collection[str]
    ) -> AsyncIterator[httpcore2.Response]:
        limits, url = self._limits, str(target)
        headers: dict[bytes | str, bytes | str] = {
            "User-Agent": self._user_agent,
            "Accept": ", ".join((*kinds, "*/*;q=0.1")),
            "Accept-Encoding": "gzip",
        }
        timeouts = {"connect": limits.connect_s, "read": limits.read_s, "write": limits.read_s}
        core = httpcore2.URL(
            scheme=target.scheme, host=_host(target), port=_port(target), target=target.raw_path
        )
        request = self._pool.stream("GET", core, headers=headers, extensions={"timeout": timeouts})
        try:
            async with request as response:
                yield response
        except _Objection as error:
            raise Refused(
                url, str(error), "name a public address, or allow this host by name"
            ) from None
        except httpcore2.TimeoutException:
            raise Unreachable(url, "did not answer in time", "try again later") from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise _unreachable(url, error) from error


class _Objection(Exception):
    """A connection that the rules do not allow."""


class _Guard(httpcore2.AsyncNetworkBackend):
    """Opens connections to checked addresses only. TLS still asks for the name's certificate."""

    def __init__(self, exemptions: tuple[Exemption, ...], resolver: Resolver) -> None:
        self._exemptions, self._resolve = exemptions, resolver
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        failure: httpcore2.NetworkError | httpcore2.TimeoutException | None = None
        for address in (await self._checked(host, port))[:_ADDRESSES_TRIED]:
            try:
                return await self._backend.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore2.ConnectError("the name has no address")

    async def _checked(self, host: str, port: int) -> list[Address]:
        """All of a name's addresses: one that is private among public ones is a trick."""
        try:
            spelled = literal(host)
            answer = [spelled] if spelled is not None else await self._resolve(host)
            found = [ipaddress.ip_address(address) for address in answer]
        except OSError as error:
            raise httpcore2.ConnectError("the name has no address") from error
        except ValueError as error:
            raise _Objection(str(error)) from error
        for address in found:
            if reason := objection(host, port, address, self._exemptions):
                raise _Objection(reason)
        return found

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _parsed(url: str) -> httpx2.URL:
    """Raises Refused for what is no plain web address."""
    try:
        target = httpx2.URL(url.strip())
    except httpx2.InvalidURL as error:
        raise Refused(url, "is no web address", "check its spelling") from error
    if target.scheme not in _PORTS:
        raise Refused(url, f"is {target.scheme or 'no'} address", "use http:// or https://")
    if target.userinfo:
        raise Refused(url, "holds a user name or password", "write the address without them")
    host = _host(target)
    # httpcore takes port 0 for none.
    if target.port == 0 or (":" not in host and not _HOST.fullmatch(host)):
        raise Refused(url, "has no valid host or port", "check its spelling")
    return target


def _host(target: httpx2.URL) -> str:
    """In the form that a resolver and a certificate know; `example.org.` is `example.org`."""
    return target.raw_host.decode("ascii").lower().rstrip(".")


def _port(target: httpx2.URL) -> int:
    return target.port if target.port is not None else _PORTS[target.scheme]


def _redirect(target: httpx2.URL, response: httpcore2.Response) -> httpx2.URL | None:
    """Where an answer sends us. Raises Refused."""
    if response.status not in {301, 302, 303, 307, 308}:
        return None
    location = _header(response, b"location")
    try:
        following = _parsed(str(target.join(location)))
    except httpx2.InvalidURL as error:
        raise Refused(str(target), "redirects to no address", "check the address") from error
    if target.scheme == "https" and following.scheme == "http":
        raise Refused(str(target), "redirects from https to http", "ask for a safe address")
    return following


async def _read(
    target: httpx2.URL, response: httpcore2.Response, kinds: Collection[str], max_bytes: int
) -> Fetched:
    """Raises BadStatus, Refused and Unreachable."""
    url = str(target)
    if response.status != 200:
        raise BadStatus(url, response.status, _header(response, b"retry-after"))
    fetched = Fetched(url, _header(response, b"content-type"), b"")
    if kinds and fetched.kind not in kinds:
        reason = f"is {fetched.kind or 'of no stated type'}"
        raise WrongKind(url, reason, f"give an address of {', '.join(kinds)}")
    try:
        data = await _unpacked(response, max_bytes)
    except Oversized:
        size = f"{max_bytes >> 20} MiB" if max_bytes >> 20 else f"{max_bytes >> 10} KiB"
        reason = f"is larger than {size}"
        raise Refused(url, reason, "split it, or raise the limit") from None
    except zlib.error as error:
        raise Unreachable(url, "was not packed as it says", "try again later") from error
    return Fetched(url, fetched.content_type, data)


async def _unpacked(response: httpcore2.Response, max_bytes: int) -> bytes:
    """Raises Oversized and zlib.error."""
    encoding = _header(response, b"content-encoding").lower()
    if encoding not in {"", "identity", "gzip", "x-gzip"}:
        raise zlib.error(f"{encoding} was not asked for")
    length = _header(response, b"content-length")
    if length.isascii() and length.isdigit() and int(length) > max_bytes:
        raise Oversized
    packed = Unpacking(max_bytes) if "gzip" in encoding else None
    data = bytearray()
    async for chunk in response.aiter_stream():
        data += packed.feed(chunk) if packed else chunk
        if len(data) > max_bytes:
            raise Oversized
    if packed:
        packed.end()
    return bytes(data)


class Oversized(Exception):
    """More bytes than may be."""


class Unpacking:
    """gzip, piece by piece, in memory that is bounded whatever comes."""

    def __init__(self, max_bytes: int) -> None:
        self._left = max_bytes
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def feed(self, data: bytes) -> bytes:
        """Raises Oversized and zlib.error."""
        unpacked = self._stream.decompress(data, self._left + 1)
        self._left -= len(unpacked)
        if self._left < 0:
            raise Oversized
        return unpacked

    def end(self) -> None:
        """Raises zlib.error when the end is missing."""
        if not self._stream.eof:
            raise zlib.error("ends too early")


def _header(response: httpcore2.Response, name: bytes) -> str:
    """The first of that name."""
    found = (value for key, value in response.headers if key.lower() == name)
    return next(found, b"").decode("latin-1").strip()


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _unreachable(url: str, error: Exception) -> Unreachable:
    if any(isinstance(cause, ssl.SSLError) for cause in _causes(error)):
        return Unreachable(url, f"TLS failed ({error})"[:300], "let the site renew its certificate")
    if isinstance(error, httpcore2.ProtocolError):
        return Unreachable(url, "does not speak HTTP as it should", "try again later")
    return Unreachable(
        url, "cannot be reached" + (f" ({error})" if str(error) else ""), "check the address"
    )
