"""Addresses of pages: which are the same, what their documents are called, which are wanted."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

import httpx2

MAX_DOCUMENT = 380  # bytes; the retriever takes 400, and a folder may stand before it
# What says where a reader came from, or who it is, never which page it is.
_TRACKING = re.compile(
    r"utm_\w+|mtm_\w+|pk_\w+|hsa_\w+|at_(?:medium|campaign|custom\d|format|send_date)|xtor|fbclid"
    r"|gclid|gbraid|wbraid|dclid|msclkid|twclid|ttclid|yclid|igshid|mc_[ce]id|_ga|_gl|_hs\w+"
    r"|ref_src|phpsessid|jsessionid|sessionid",
    re.IGNORECASE,
)
_SESSION = re.compile(r";jsessionid=[^/?#]*", re.IGNORECASE)
_KEPT = re.compile(r"%(?:2[356BF]|3[DF])", re.IGNORECASE)  # these mean something else decoded


def is_address(text: str) -> bool:
    return text.lower().startswith(("https://", "http://"))


def normalised(url: str, base: str = "") -> str:
    """Without fragment, tracking and session; empty for what is no address of a page."""
    try:
        found = httpx2.URL(base).join(url.strip()) if base else httpx2.URL(url.strip())
        if found.scheme not in ("http", "https") or not found.host or found.userinfo:
            return ""
        pairs = _pairs(found)
        query = urlencode(pairs) if len(pairs) != len(_all_pairs(found)) else found.query.decode()
        plain = found.copy_with(query=query.encode() or None, fragment=None)
    except (httpx2.InvalidURL, ValueError):
        return ""
    return _SESSION.sub("", str(plain))


def host(url: str) -> str:
    """With its port, where it is not the usual one."""
    return httpx2.URL(url).netloc.decode("ascii")


def key(url: str) -> str:
    """Equal for addresses of one page: whatever their scheme, last slash and order of query."""
    found = httpx2.URL(url)
    query = urlencode(sorted(_pairs(found)))
    path = found.raw_path.decode("ascii").partition("?")[0].rstrip("/")
    return _readable(f"{host(url)}{path}" + (f"?{query}" if query else ""))


def document_id(url: str) -> str:
    """The address without its scheme, as people write it: `fr.wikipedia.org/wiki/Été`."""
    name = key(url)
    if len(name.encode()) <= MAX_DOCUMENT:
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[:12]
    return name.encode()[: MAX_DOCUMENT - 13].decode(errors="ignore") + "~" + mark


def is_page(entry: Mapping[str, Any]) -> bool:
    """Whether a document came from the web: it is called after its address."""
    url = normalised(entry.get("url") or "")
    return bool(url) and str(entry["document"]).endswith(document_id(url))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Patterns of paths, as in `/guides/*`; without `include`, all but what is excluded."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def takes(self, url: str) -> bool:
        path = unquote(httpx2.URL(url).raw_path.decode("ascii"))
        if any(fnmatchcase(path, pattern) for pattern in self.exclude):
            return False
        return not self.include or any(fnmatchcase(path, pattern) for pattern in self.include)


def _all_pairs(url: httpx2.URL) -> list[tuple[str, str]]:
    return parse_qsl(url.query.decode("ascii"), keep_blank_values=True, max_num_fields=50)


def _pairs(url: httpx2.URL) -> list[tuple[str, str]]:
    return [(name, value) for name, value in _all_pairs(url) if not _TRACKING.fullmatch(name)]


def _readable(text: str) -> str:
    """Without %XX, where that is text and means the same."""
    try:
        parts = re.split(rf"({_KEPT.pattern})", text, flags=re.IGNORECASE)
        decoded = "".join(p if _KEPT.fullmatch(p) else unquote(p, errors="strict") for p in parts)
    except UnicodeDecodeError:
        return text
    return decoded if decoded.isprintable() else text
