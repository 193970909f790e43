import pytest

from palabre.cli.web.addresses import (
    MAX_DOCUMENT,
    Wanted,
    document_id,
    is_address,
    is_page,
    key,
    normalised,
)


@pytest.mark.parametrize(
    ("url", "base", "meant"),
    [
        ("HTTPS://Site.example:443/a/../b#top", "", "https://site.example/b"),
        ("http://site.example/?utm_source=x&xtor=AL-1", "", "http://site.example/"),
        ("http://site.example/a?page=2&fbclid=x", "", "http://site.example/a?page=2"),
        ("http://site.example/a;jsessionid=9F", "", "http://site.example/a"),
        ("../c?x=1", "https://site.example/a/b/d", "https://site.example/a/c?x=1"),
        ("//other.example/x", "https://site.example/", "https://other.example/x"),
        ("  /x ", "https://site.example/", "https://site.example/x"),
        ("mailto:a@site.example", "https://site.example/", ""),
        ("javascript:void(0)", "https://site.example/", ""),
        ("tel:+33", "https://site.example/", ""),
        ("https://user:secret@site.example/", "", ""),
        ("https://[::1", "", ""),
        ("https://site.example/?" + "&".join(f"a{n}=1" for n in range(99)), "", ""),
    ],
)
def test_an_address_is_reduced_to_what_names_the_page(url: str, base: str, meant: str) -> None:
    assert normalised(url, base) == meant


@pytest.mark.parametrize(
    "other",
    [
        "http://site.example/caf%c3%a9/?b=2&a=1",
        "https://site.example/café?a=1&b=2&utm_campaign=x",
        "https://SITE.example/caf%C3%A9/?a=1&b=2",
    ],
)
def test_addresses_of_one_page_have_one_key(other: str) -> None:
    assert key(normalised(other)) == key("https://site.example/café?a=1&b=2")


@pytest.mark.parametrize(
    ("url", "document"),
    [
        ("https://fr.wikipedia.org/wiki/Logement_social", "fr.wikipedia.org/wiki/Logement_social"),
        ("https://fr.wikipedia.org/wiki/%C3%89t%C3%A9", "fr.wikipedia.org/wiki/Été"),
        ("https://site.example/", "site.example"),
        ("http://127.0.0.1:8000/a/", "127.0.0.1:8000/a"),
        ("https://site.example/a?id=2", "site.example/a?id=2"),
        ("https://site.example/a%2Fb%3Fc", "site.example/a%2Fb%3Fc"),
        ("https://site.example/%FF", "site.example/%FF"),
        ("https://site.example/a%0Ab", "site.example/a%0Ab"),
    ],
)
def test_a_page_is_called_after_its_address(url: str, document: str) -> None:
    assert document_id(url) == document


def test_a_long_address_still_names_one_document() -> None:
    names = [document_id(f"https://site.example/{'é' * 400}{end}") for end in ("a", "b")]
    assert len(set(names)) == 2
    assert all(len(name.encode()) <= MAX_DOCUMENT for name in names)


def test_a_document_called_after_its_address_came_from_the_web() -> None:
    url = "https://site.example/a"
    assert is_page({"document": "site.example/a", "url": url})
    assert is_page({"document": "web/site.example/a", "url": url})
    assert not is_page({"document": "guide.md", "url": url})
    assert not is_page({"document": "guide.md", "url": None})


def test_patterns_say_which_paths_are_wanted() -> None:
    wanted = Wanted(include=("/guides/*", "/été*"), exclude=("*?print=1",))
    assert wanted.takes("https://site.example/guides/a/b")
    assert wanted.takes("https://site.example/%C3%A9t%C3%A9")
    assert not wanted.takes("https://site.example/news/a")
    assert not wanted.takes("https://site.example/guides/a?print=1")
    assert Wanted().takes("https://site.example/")


def test_only_addresses_of_the_web_are_addresses() -> None:
    assert is_address("HTTPS://site.example")
    assert not is_address("folder/http")
