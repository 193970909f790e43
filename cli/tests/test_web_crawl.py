import gzip
from collections.abc import AsyncIterator
from dataclasses import replace
from email.utils import formatdate

import pytest

from palabre.chassis.addresses import Exemption
from palabre.chassis.fetching import Fetcher, Limits
from palabre.chassis.testing.sites import Page as Served, Site, site
from palabre.cli.folders import Left
from palabre.cli.web.addresses import Wanted
from palabre.cli.web.crawl import Crawl, Page, Reach, Unread
from palabre.cli.web.pacing import Pace

PDF = Served(b"%PDF-1.7 ...", kind="application/pdf")


class Time:
    """A clock that only sleeping moves; 1 January 2026."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        if seconds:
            self.slept.append(seconds)
            self.passed += seconds

    def pace(self, delay_s: float = 0.0) -> Pace:
        return Pace(delay_s, self.sleep, lambda: self.passed, lambda: 1_767_225_600 + self.passed)


def page(*links: str, head: str = "", title: str = "Page") -> Served:
    anchors = "".join(f'<a href="{link}">suite</a>' for link in links)
    return Served(f"<html><head><title>{title}</title>{head}</head><body>{anchors}</body></html>")


@pytest.fixture
async def web() -> AsyncIterator[Site]:
    async with site({}) as served:
        yield served


class Outcome:
    """What a crawl found: pages by path, and why the others are not there."""

    def __init__(self, crawl: Crawl, found: list[Page | Left], host: str) -> None:
        self.crawl = crawl
        self.pages = [item for item in found if isinstance(item, Page)]
        self.paths = [page.document.removeprefix(host) or "/" for page in self.pages]
        left = [item for item in found if isinstance(item, Left)]
        self.failed = {str(i.path).removeprefix(host): i.reason for i in left if i.failed}
        self.left = {str(i.path).removeprefix(host): i.reason for i in left if not i.failed}


async def crawled(
    web: Site, reach: Reach | None = None, start: str = "/", *, time: Time | None = None
) -> Outcome:
    limits = Limits(max_bytes=100_000, read_s=0.2)
    exempt = [Exemption.parse(web.host)]
    async with Fetcher("Palabre/test", limits=limits, exemptions=exempt) as fetcher:
        crawl = Crawl(fetcher, reach or Reach(), (time or Time()).pace())
        found = [item async for item in crawl.pages(f"{web.url}{start}")]
    return Outcome(crawl, found, web.host)


async def test_without_depth_one_page_is_read(web: Site) -> None:
    web.pages = {"/a": page("/b")}
    outcome = await crawled(web, start="/a")
    assert outcome.paths == ["/a"]
    assert web.paths == ["/robots.txt", "/a"]
    assert (outcome.pages[0].url, outcome.pages[0].suffix) == (f"{web.url}/a", ".html")


async def test_depth_counts_links_from_the_first_page(web: Site) -> None:
    web.pages = {"/": page("/1"), "/1": page("/2"), "/2": page("/3"), "/3": page()}
    assert (await crawled(web, Reach(depth=2))).paths == ["/", "/1", "/2"]


async def test_no_page_comes_twice(web: Site) -> None:
    web.pages = {
        "/": page("/a", "/a/", "/a#top", "/a?utm_source=x", "/A/../a", "/old", "/print", "/"),
        "/a": page("/", "/a"),
        "/old": Served(status=301, headers={"Location": "/a"}),
        "/print": page(head='<link rel="canonical" href="/a">'),
    }
    assert (await crawled(web, Reach(depth=9))).paths == ["/", "/a"]
    assert web.paths.count("/a") == 2  # once itself, once at the end of a redirect


async def test_a_canonical_address_names_the_page_unless_it_is_the_home_page(web: Site) -> None:
    web.pages = {
        "/": page("/x?id=1", "/y"),
        "/x?id=1": page(head='<link rel="canonical" href="/x">'),
        "/y": page(head='<link rel="canonical" href="/">'),
    }
    assert (await crawled(web, Reach(depth=1))).paths == ["/", "/x", "/y"]


async def test_another_site_is_not_entered(web: Site) -> None:
    async with site({"/": page()}) as other:
        web.pages = {
            "/": page(other.url, "/away", "/meta"),
            "/away": Served(status=302, headers={"Location": other.url}),
            "/meta": Served(status=302, headers={"Location": "http://169.254.169.254/latest/"}),
        }
        outcome = await crawled(web, Reach(depth=3))
        assert not other.asked
    assert outcome.paths == ["/"]
    assert outcome.failed["/away"] == f"asks for port {other.port}"
    assert "clouds keep credentials" in outcome.failed["/meta"]


async def test_the_first_page_may_move_to_the_sites_real_host(web: Site) -> None:
    async with site({"/": page("/b"), "/b": page()}) as other:
        web.pages = {"/": Served(status=301, headers={"Location": f"{other.url}/"})}
        exempt = [Exemption.parse(web.host), Exemption.parse(other.host)]
        async with Fetcher("Palabre/test", exemptions=exempt) as fetcher:
            crawl = Crawl(fetcher, Reach(depth=1), Time().pace())
            found = [item async for item in crawl.pages(web.url)]
        documents = [item.document for item in found if isinstance(item, Page)]
        assert documents == [other.host, f"{other.host}/b"]
        assert "/robots.txt" in other.paths


async def test_what_fails_is_named_and_the_rest_goes_on(web: Site) -> None:
    web.pages = {
        "/": page("/gone", "/broken", "/slow", "/huge", "/loop", "/picture", "/good"),
        "/broken": Served(status=500),
        "/slow": Served("x", wait_s=5),
        "/huge": Served("x" * 200_000),
        "/loop": Served(status=302, headers={"Location": "/loop"}),
        "/picture": Served(b"x", kind="image/png"),
        "/good": page(),
    }
    outcome = await crawled(web, Reach(depth=1))
    assert outcome.paths == ["/", "/good"]
    assert outcome.failed == {
        "/gone": "answered 404",
        "/broken": "answered 500",
        "/slow": "did not answer in time",
        "/loop": "redirects more than 5 times",
        "/huge": "is larger than 97 KiB",
    }
    assert outcome.left == {"/picture": "is image/png"}


async def test_other_documents_come_when_they_are_asked_for(web: Site) -> None:
    web.pages = {
        "/": page("/guide.pdf", "/deep"),
        "/guide.pdf": PDF,
        "/deep": page("/deep.pdf"),
        "/deep.pdf": PDF,
    }
    assert (await crawled(web)).paths == ["/"]
    assert (await crawled(web, Reach(files=True))).paths == ["/", "/guide.pdf"]
    outcome = await crawled(web, Reach(depth=1, files=True))
    assert outcome.paths == ["/", "/guide.pdf", "/deep", "/deep.pdf"]
    assert (outcome.pages[1].suffix, outcome.pages[1].data) == (".pdf", PDF.body)


async def test_a_document_may_itself_be_named(web: Site) -> None:
    web.pages = {"/guide.pdf": replace(PDF, kind="application/octet-stream")}
    assert (await crawled(web, start="/guide.pdf")).pages[0].suffix == ".pdf"


async def test_pictures_feeds_and_archives_are_not_even_asked_for(web: Site) -> None:
    web.pages = {"/": page("/a.jpg", "/feed.xml", "/a.zip", "mailto:a@b.c", "/wp.JSON")}
    await crawled(web, Reach(depth=2, files=True))
    assert web.paths == ["/robots.txt", "/"]


async def test_a_crawl_ends_at_its_number_of_pages(web: Site) -> None:
    web.pages = {"/": page(*(f"/{n}" for n in range(50)))}
    web.pages |= {f"/{n}": page() for n in range(50)}
    outcome = await crawled(web, Reach(depth=1, pages=5))
    assert (len(outcome.paths), outcome.crawl.visited, outcome.crawl.waiting) == (5, 5, 46)


async def test_robots_txt_is_obeyed(web: Site) -> None:
    web.pages = {
        "/robots.txt": Served("User-agent: Palabre\nDisallow: /private\nCrawl-delay: 3\n"),
        "/": page("/private/a", "/jump", "/b"),
        "/jump": Served(status=302, headers={"Location": "/private/b"}),
        "/private/b": page(),
        "/b": page(),
    }
    time = Time()
    outcome = await crawled(web, Reach(depth=1), time=time)
    assert outcome.paths == ["/", "/b"]
    assert outcome.left == dict.fromkeys(
        ("/private/a", "/jump"), "robots.txt asks programs to leave it alone"
    )
    assert time.slept == [3, 3, 3]


async def test_a_page_that_robots_txt_forbids_is_not_read_though_it_is_named(web: Site) -> None:
    web.pages = {"/robots.txt": Served("User-agent: *\nDisallow: /\n"), "/": page()}
    outcome = await crawled(web)
    assert outcome.failed == {"": "robots.txt asks programs to leave it alone"}
    assert web.paths == ["/robots.txt"]


async def test_a_site_whose_robots_txt_fails_is_not_read(web: Site) -> None:
    web.pages = {"/robots.txt": Served(status=500), "/": page()}
    with pytest.raises(Unread, match="answered 500"):
        await crawled(web)


async def test_pages_say_for_themselves_whether_they_may_be_kept_and_followed(web: Site) -> None:
    web.pages = {
        "/": page("/no", "/stop"),
        "/no": page("/x", head='<meta name="robots" content="noindex">'),
        "/stop": page("/y", head='<meta name="robots" content="nofollow">'),
        "/x": page(),
        "/y": page(),
    }
    outcome = await crawled(web, Reach(depth=5))
    assert outcome.paths == ["/", "/stop", "/x"]
    assert outcome.left == {"/no": "asks programs not to keep it"}


async def test_patterns_choose_the_paths(web: Site) -> None:
    web.pages = {"/": page("/g/a", "/g/b", "/n/a")}
    web.pages |= {path: page() for path in ("/g/a", "/g/b", "/n/a")}
    wanted = Wanted(include=("/g/*",), exclude=("/g/b",))
    assert (await crawled(web, Reach(depth=1, wanted=wanted))).paths == ["/", "/g/a"]


async def test_a_busy_server_is_given_the_time_it_asks_for(web: Site) -> None:
    answers = [
        Served(status=429, headers={"Retry-After": "7"}),
        Served(status=503, headers={"Retry-After": formatdate(1_767_225_600 + 67, usegmt=True)}),
        page(),
    ]
    web.pages = {"/": lambda asked: answers.pop(0)}
    time = Time()
    assert (await crawled(web, time=time)).paths == ["/"]
    assert time.slept == [7, 60]


async def test_a_server_that_asks_for_an_hour_is_left(web: Site) -> None:
    web.pages = {"/": Served(status=503, headers={"Retry-After": "3600"})}
    time = Time()
    assert (await crawled(web, time=time)).failed == {"": "answered 503"}
    assert not time.slept


async def test_there_is_a_pause_between_requests(web: Site) -> None:
    web.pages = {"/": page("/a"), "/a": page()}
    time = Time()
    async with Fetcher("Palabre/test", exemptions=[Exemption.parse(web.host)]) as fetcher:
        crawl = Crawl(fetcher, Reach(depth=1), time.pace(0.5))
        assert [item async for item in crawl.pages(web.url)]
    assert time.slept == [0.5, 0.5]
    assert {asked.headers["user-agent"] for asked in web.asked} == {"Palabre/test"}


@pytest.mark.parametrize(
    ("served", "said"),
    [
        (Served("<p>été</p>".encode("latin-1"), kind="text/html; charset=iso-8859-1"), "été"),
        (Served('<meta charset="windows-1252"><p>5 €</p>'.encode("cp1252"), kind="text/html"), "€"),
        (Served("<p>été</p>".encode(), kind="text/html"), "été"),
        (Served("<p>l’été</p>".encode("cp1252"), kind="text/html"), "l’été"),
        (Served("\ufeff<p>été</p>".encode(), kind="text/html; charset=latin-1"), "été"),
        (Served("<p>été</p>".encode(), kind="text/html; charset=rot13"), "été"),
    ],
)
async def test_a_page_is_sent_in_utf_8_with_a_mark(web: Site, served: Served, said: str) -> None:
    web.pages = {"/": served}
    [found] = (await crawled(web)).pages
    assert found.data.startswith(b"\xef\xbb\xbf")
    assert said in found.data.decode("utf-8-sig")


async def test_what_changes_at_every_request_makes_no_new_version(web: Site) -> None:
    def other(number: int) -> Served:
        return Served(
            f"<meta name=csrf-token content={number}><p>Texte.</p><!-- cached {number} -->"
            f"<script>nonce = {number}</script><form><input type=hidden value={number}></form>"
        )

    answers = [other(1), other(2)]
    web.pages = {"/": lambda asked: answers.pop(0)}
    first, second = await crawled(web), await crawled(web)
    assert first.pages == second.pages
    assert b"<p>Texte.</p>" in first.pages[0].data


async def test_a_wikis_pages_about_itself_are_not_followed(web: Site) -> None:
    head = '<meta name="generator" content="MediaWiki 1.45">'
    inner = ("/wiki/Sp%C3%A9cial:Liens", "/wiki/Cat%C3%A9gorie:Eau", "/w/index.php?title=A")
    web.pages = {
        "/wiki/A": page("/wiki/B_:_suite", *inner, head=head),
        "/wiki/B_:_suite": page(),
    }
    outcome = await crawled(web, Reach(depth=1), "/wiki/A")
    assert outcome.paths == ["/wiki/A", "/wiki/B_:_suite"]


def sitemap(*locations: str, kind: str = "url") -> str:
    listed = "".join(f"<{kind}><loc>{url}</loc></{kind}>" for url in locations)
    return f'<?xml version="1.0"?><{kind}set xmlns="http://www.sitemaps.org">{listed}</{kind}set>'


async def test_a_sitemap_lists_the_pages(web: Site) -> None:
    web.pages = {
        "/sitemap.xml": Served(
            sitemap(f"{web.url}/a", f"{web.url}/b?x=1&amp;y=2", f"{web.url}/a#x", "http://a.b/"),
            kind="application/xml",
        ),
        "/a": page("/c"),
        "/b?x=1&y=2": page(),
    }
    assert (await crawled(web, Reach(sitemap=True))).paths == ["/a", "/b?x=1&y=2"]


async def test_an_index_names_sitemaps_gzipped_or_not_and_robots_txt_names_the_index(
    web: Site,
) -> None:
    one, two = f"{web.url}/one.xml.gz", f"{web.url}/two.txt"
    web.pages = {
        "/robots.txt": Served(f"Sitemap: {web.url}/index.xml\n", kind="text/plain"),
        "/index.xml": Served(sitemap(one, two, f"{web.url}/index.xml", kind="sitemap")),
        "/one.xml.gz": Served(
            gzip.compress(sitemap(f"<![CDATA[{web.url}/a]]>").encode()), kind="application/gzip"
        ),
        "/two.txt": Served(f"{web.url}/b\n\n{web.url}/c\n", kind="text/plain"),
    }
    web.pages |= {path: page() for path in ("/a", "/b", "/c")}
    assert (await crawled(web, Reach(sitemap=True))).paths == ["/a", "/b", "/c"]


async def test_a_sitemap_is_no_longer_than_the_crawl(web: Site) -> None:
    pages = [f"{web.url}/{n}" for n in range(1_000)]
    web.pages = {"/sitemap.xml": Served(sitemap(*pages))}
    web.pages |= {f"/{n}": page() for n in range(9)}
    assert len((await crawled(web, Reach(sitemap=True, pages=3))).paths) == 3


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "broken",
    [
        Served(status=404),
        Served(gzip.compress(bytes(60 << 20)), kind="application/gzip"),
        Served(b"\x1f\x8b damaged", kind="application/gzip"),
        Served(LAUGHS + sitemap("&b;")),
        Served("<html>no sitemap</html>"),
    ],
)
async def test_a_site_without_a_usable_sitemap_says_so(web: Site, broken: Served) -> None:
    web.pages = {"/sitemap.xml": broken}
    with pytest.raises(Unread, match="sitemap"):
        await crawled(web, Reach(sitemap=True))


async def test_what_is_no_address_is_said() -> None:
    async with Fetcher("Palabre/test") as fetcher:
        with pytest.raises(Unread, match="is no web address"):
            assert [item async for item in Crawl(fetcher, Reach(), Pace()).pages("https://")]
