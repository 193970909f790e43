import asyncio
import gzip
import re
import ssl
from collections.abc import AsyncIterator, Sequence

import pytest
import trustme

from palabre.chassis.addresses import Exemption
from palabre.chassis.fetching import (
    BadStatus,
    Fetcher,
    Limits,
    Refused,
    Resolver,
    Unreachable,
    WrongKind,
)
from palabre.chassis.testing.sites import Page, Site, site

HELLO = Page("Bonjour")


class Names:
    """A resolver that knows these names, and counts how often it was asked."""

    def __init__(self, **names: Sequence[str]) -> None:
        self.names, self.asked = names, 0

    async def __call__(self, host: str) -> Sequence[str]:
        self.asked += 1
        try:
            return self.names[host.replace(".", "_")]
        except KeyError:
            raise OSError(f"{host} is unknown") from None


@pytest.fixture
async def web() -> AsyncIterator[Site]:
    async with site({"/": HELLO}) as served:
        yield served


def fetcher(
    *exempt: str,
    names: Resolver | None = None,
    limits: Limits | None = None,
    tls: ssl.SSLContext | None = None,
) -> Fetcher:
    return Fetcher(
        "Palabre/test",
        limits=limits or Limits(total_s=5),
        exemptions=map(Exemption.parse, exempt),
        resolver=names or Names(),
        tls=tls,
    )


async def refusal(url: str, *exempt: str, names: Resolver | None = None) -> str:
    async with fetcher(*exempt, names=names) as client:
        with pytest.raises(Refused) as refused:
            await client.get(url)
    return str(refused.value)


async def test_an_exempted_host_is_fetched(web: Site) -> None:
    async with fetcher(web.host) as client:
        got = await client.get(web.url, kinds=["text/html"])
    assert (got.data, got.kind, got.url) == (b"Bonjour", "text/html", web.url)


async def test_it_says_who_asks_and_nothing_else(
    web: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    web.pages["/"] = Page("x", headers={"Set-Cookie": "session=1"})
    async with fetcher(web.host) as client:
        await client.get(web.url)
        await client.get(web.url)
    assert web.asked[1].headers == {
        "host": web.host,
        "user-agent": "Palabre/test",
        "accept": "*/*;q=0.1",
        "accept-encoding": "gzip",
    }


DISGUISES = re.findall(
    r"\S+",
    """
127.0.0.1 127.1 127.0.1 2130706433 017700000001 0x7f000001 0x7f.1 0x7f.0.0.1 0177.0.0.1 0177.1
127.0.0.1. 127.000.000.001 0 0.0.0.0 00000.0 0x0 [::] [::1] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1]
[::ffff:7f00:1] [::127.0.0.1] [::ffff:0:127.0.0.1] [64:ff9b::127.0.0.1] [2002:7f00:1::]
[fe80::1] [fe80::1%25eth0] [fd00:ec2::254] [fc00::1] [ff02::1] 169.254.169.254 2852039166
0xa9fea9fe 0251.0376.0251.0376 [::ffff:169.254.169.254] [::ffff:a9fe:a9fe] 100.100.100.200
192.0.0.192 168.63.129.16 10.0.0.1 012.0.0.1 0xa.1 172.16.0.1 192.168.1.1 3232235777 100.64.0.1
224.0.0.1 240.0.0.1 255.255.255.255 198.18.0.1 localhost localhost. LOCALHOST private.example
mixed.example metadata.google.internal rebound.example xn--80ak6aa92e.example
аррӏе.example １２７.０.０.１ ①②⑦.⓪.⓪.① 127。0。0。1 %31%32%37.0.0.1 127.0.0.1%2f.example
127.0.0.1%00.example user@127.0.0.1 user:secret@site.example 8.8.8.8@127.0.0.1
127.0.0.1\\@site.example site.example\\@127.0.0.1 site.example:22 site.example:6333 [::1]:80
127.0.0.1:80 site.example:0 site.example:99999 -.example..x a..b
""",
)
NAMES: dict[str, Sequence[str]] = {
    "localhost": ["127.0.0.1", "::1"],
    "private_example": ["10.1.2.3"],
    "mixed_example": ["93.184.215.14", "127.0.0.1"],
    "metadata_google_internal": ["169.254.169.254"],
    "rebound_example": ["::ffff:127.0.0.1"],
    "site_example": ["93.184.215.14"],
    "xn--80ak6aa92e_example": ["192.168.0.10"],
}


@pytest.mark.parametrize("host", DISGUISES)
async def test_a_hostile_address_is_refused_in_every_spelling(host: str) -> None:
    said = await refusal(f"http://{host}/", names=Names(**NAMES))
    assert said.count(": ") >= 2
    assert "secret" not in said


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "ftp://site.example/", "gopher://127.0.0.1/", "data:text/html,x"),
        *(
            "javascript:alert(1)",
            "dict://127.0.0.1:11211/",
            "ws://site.example/",
            "//site.example/",
        ),
        *("site.example", "", "http://", "http:///x", "http://exa mple/", "http://a\n.example/"),
        *("unix:///run/docker.sock", "http://[::1", "http://site.example:port/"),
    ],
)
async def test_what_is_no_web_address_is_refused(url: str) -> None:
    assert await refusal(url, names=Names(**NAMES))


async def test_a_name_is_resolved_once_and_the_connection_goes_where_it_was_checked(
    web: Site,
) -> None:
    class Rebinding(Names):
        async def __call__(self, host: str) -> Sequence[str]:
            found = await super().__call__(host)
            self.names["site_example"] = ["10.0.0.1"]
            return found

    names = Rebinding(site_example=["127.0.0.1"])
    async with fetcher(f"127.0.0.1:{web.port}", names=names) as client:
        await client.get(f"http://site.example:{web.port}/")
    assert names.asked == 1
    assert web.asked[0].headers["host"] == f"site.example:{web.port}"


async def test_the_next_address_of_a_name_is_tried(web: Site) -> None:
    names = Names(site_example=["127.0.0.2", "127.0.0.1"])
    async with fetcher(f"site.example:{web.port}", names=names) as client:
        assert (await client.get(f"http://site.example:{web.port}/")).data == b"Bonjour"


async def test_an_exempted_name_opens_no_other_port_and_no_other_name(web: Site) -> None:
    names = Names(intranet_example=["127.0.0.1"], other_example=["127.0.0.1"])
    allowed = f"intranet.example:{web.port}"
    assert "asks for port" in await refusal(
        f"http://other.example:{web.port}/", allowed, names=names
    )
    assert "asks for port" in await refusal("http://intranet.example:1/", allowed, names=names)
    assert not web.asked


@pytest.mark.parametrize(
    "location",
    [
        *("http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:1/", "http://[::1]/"),
        *("http://localhost/", "http://2130706433/", "http://user:pw@site.example/"),
        *("file:///etc/passwd", "//10.0.0.1/", "ftp://site.example/", "http://[::1"),
    ],
)
async def test_a_redirect_is_checked_as_the_first_address(web: Site, location: str) -> None:
    web.pages["/"] = Page(status=302, headers={"Location": location})
    assert await refusal(web.url, web.host, names=Names(**NAMES))
    assert web.paths == ["/"]


async def test_redirects_end_at_the_page(web: Site) -> None:
    web.pages |= {
        f"/{n}": Page(status=status, headers={"Location": f"{n + 1}"})
        for n, status in enumerate((301, 302, 303, 307, 308))
    }
    web.pages["/5"] = HELLO
    async with fetcher(web.host) as client:
        assert (await client.get(f"{web.url}/0")).url == f"{web.url}/5"


async def test_a_sixth_redirect_is_refused(web: Site) -> None:
    web.pages["/"] = Page(status=302, headers={"Location": "/"})
    assert "redirects more than 5 times" in await refusal(web.url, web.host)
    assert len(web.asked) == 6


async def test_a_gzipped_page_is_unpacked(web: Site) -> None:
    web.pages["/"] = Page(gzip.compress(b"Bonjour" * 1000), headers={"Content-Encoding": "gzip"})
    async with fetcher(web.host) as client:
        assert (await client.get(web.url)).data == b"Bonjour" * 1000


BOMB = gzip.compress(bytes(64 << 20))


@pytest.mark.parametrize(
    "page",
    [
        Page(BOMB, headers={"Content-Encoding": "gzip"}),
        Page(BOMB, headers={"Content-Encoding": "gzip"}, length=False),
        Page(b"x" * 2_000_000, length=False),
        Page(b"x" * 2_000_000),
        Page(b"", headers={"Content-Length": "99999999999999999999"}),
    ],
)
async def test_what_is_too_large_is_refused_as_soon_as_that_is_seen(web: Site, page: Page) -> None:
    web.pages["/"] = page
    async with fetcher(web.host, limits=Limits(max_bytes=1 << 20)) as client:
        with pytest.raises(Refused, match="is larger than 1 MiB"):
            await client.get(web.url)


async def test_a_caller_may_ask_for_less(web: Site) -> None:
    async with fetcher(web.host) as client:
        with pytest.raises(Refused, match="is larger"):
            await client.get(web.url, max_bytes=3)


@pytest.mark.parametrize(
    "page",
    [
        Page(gzip.compress(b"Bonjour" * 1000)[:-20], headers={"Content-Encoding": "gzip"}),
        Page(b"Bonjour", headers={"Content-Encoding": "gzip"}),
        Page(b"Bonjour", headers={"Content-Encoding": "br"}),
        Page(gzip.compress(BOMB), headers={"Content-Encoding": "gzip, gzip"}),
        Page(b"Bonjour", headers={"Content-Length": "70"}),
        Page(b"Bonjour", headers={"Transfer-Encoding": "chunked"}, length=False),
        Page(b"", status=99),
        Page(b"", headers={"X": "y" * 200_000}),
    ],
)
async def test_an_answer_that_is_broken_is_not_taken(web: Site, page: Page) -> None:
    web.pages["/"] = page
    async with fetcher(web.host) as client:
        with pytest.raises(Unreachable):
            await client.get(web.url)


@pytest.mark.parametrize("kind", ["image/png", "", "application/octet-stream", "text/htmlx"])
async def test_another_type_than_the_caller_takes_is_refused(web: Site, kind: str) -> None:
    web.pages["/"] = Page("x", kind=kind)
    async with fetcher(web.host) as client:
        with pytest.raises(WrongKind, match="give an address of text/html"):
            await client.get(web.url, kinds=["text/html"])


@pytest.mark.parametrize("status", [204, 304, 401, 403, 404, 429, 500, 503])
async def test_an_error_of_the_server_is_named_by_its_number(web: Site, status: int) -> None:
    web.pages["/"] = Page("", status=status, headers={"Retry-After": "7"})
    async with fetcher(web.host) as client:
        with pytest.raises(BadStatus, match=f"answered {status}") as failed:
            await client.get(web.url)
    assert (failed.value.status, failed.value.retry_after) == (status, "7")


async def test_a_server_that_falls_silent_is_left(web: Site) -> None:
    web.pages["/"] = Page("x", wait_s=30)
    async with fetcher(web.host, limits=Limits(read_s=0.05)) as client:
        with pytest.raises(Unreachable, match="did not answer in time"):
            await client.get(web.url)


async def test_a_server_that_drips_is_left_at_the_total_limit() -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)
        except ConnectionError:
            writer.close()

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with fetcher(host, limits=Limits(total_s=0.2)) as client:
            with pytest.raises(Unreachable, match=r"took longer than 0.2 seconds"):
                await client.get(f"http://{host}/")


async def test_a_name_without_an_address_and_a_shut_port_are_said() -> None:
    async with fetcher("127.0.0.1:1", names=Names(empty_example=[])) as client:
        for url in ("http://nowhere.example/", "http://empty.example/", "http://127.0.0.1:1/"):
            with pytest.raises(Unreachable, match="cannot be reached"):
                await client.get(url)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def context_of(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    return context


async def test_tls_asks_for_the_names_certificate_though_it_connects_to_an_address(
    authority: trustme.CA,
) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    names = Names(site_example=["127.0.0.1"], other_example=["127.0.0.1"])
    async with site({"/": HELLO}, context_of(authority, "site.example")) as web:
        client = fetcher(f"127.0.0.1:{web.port}", names=names, tls=trusting)
        async with client:
            got = await client.get(f"https://site.example:{web.port}/")
            assert got.data == b"Bonjour"
            with pytest.raises(Unreachable, match="TLS failed"):
                await client.get(f"https://other.example:{web.port}/")


async def test_a_certificate_that_nobody_vouches_for_is_refused(authority: trustme.CA) -> None:
    names = Names(site_example=["127.0.0.1"])
    async with site({"/": HELLO}, context_of(authority, "site.example")) as web:
        async with fetcher(f"127.0.0.1:{web.port}", names=names) as client:
            with pytest.raises(Unreachable, match="TLS failed"):
                await client.get(f"https://site.example:{web.port}/")
        assert not web.asked


async def test_https_is_not_left_for_http(authority: trustme.CA, web: Site) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    safe = {"/": Page(status=302, headers={"Location": web.url})}
    async with (
        site(safe, context_of(authority, "127.0.0.1")) as secure,
        fetcher(web.host, secure.host, tls=trusting) as client,
    ):
        with pytest.raises(Refused, match="from https to http"):
            await client.get(f"https://{secure.host}/")
    assert not web.asked


async def test_several_pages_of_a_site_are_fetched_side_by_side(web: Site) -> None:
    async with fetcher(web.host) as client:
        got = await asyncio.gather(*(client.get(web.url) for _ in range(30)))
    assert {page.data for page in got} == {b"Bonjour"}
