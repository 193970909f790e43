"""What a page says of itself to programs: its address, its links, whether it may be kept."""

import codecs
import re
from dataclasses import dataclass
from urllib.parse import unquote

from selectolax.lexbor import LexborHTMLParser

from palabre.chassis.fetching import Fetched
from palabre.cli.web.addresses import normalised

MAX_LINKS = 5_000
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w-]{1,40})""", re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_CHARSETS = re.compile(
    r"utf-?8|utf-?16(?:le|be)?|us-ascii|ascii|iso-?8859-\d{1,2}|latin-?\d|windows-\d{3,4}|cp\d{3,4}"
    r"|macintosh|koi8-[ru]|gbk|gb2312|gb18030|big5|shift_jis|euc-(?:jp|kr)",
    re.IGNORECASE,
)
# Pages of a wiki about itself, by the beginning of their title; French and English.
_WIKI = re.compile(
    r"(?:sp[ée]cial|fichier|file|image|cat[ée]gor(?:ie|y)|discussion|talk|aide|help|portail|portal"
    r"|projet|project|wikip[ée]dia|wikipedia|mod[èe]le|template|utilisateur|user|m[ée]diawiki|module"
    r"|r[ée]f[ée]rence)(?:_\w+)?:",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses are normalised; `canonical` is empty when the page names none.

    `kept` is the page without what is another each time it is asked for, and never its text:
    scripts, styles, hidden inputs, comments.
    """

    kept: str
    canonical: str
    onward: tuple[str, ...]
    may_be_kept: bool


def text(fetched: Fetched) -> str:
    """As a browser decodes it: by its mark, the header, the page's own word, UTF-8, Windows."""
    data = fetched.data
    if data.startswith(codecs.BOM_UTF8):
        return data.decode("utf-8-sig", errors="replace")
    declared = _META.search(data, 0, 4_096)
    header = re.search(r"charset\s*=\s*[\"']?([\w-]{1,40})", fetched.content_type)
    charset = header[1] if header else declared[1].decode("ascii") if declared else ""
    if _CHARSETS.fullmatch(charset):
        return data.decode(charset, errors="replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("windows-1252", errors="replace")


def read(html: str, url: str) -> Links:
    tree = LexborHTMLParser(html)
    base = _attribute(tree, "base[href]", "href")
    base = normalised(base, url) or url
    robots = _attribute(tree, "meta[name=robots], meta[name=palabre]", "content").lower()
    wiki = "mediawiki" in _attribute(tree, "meta[name=generator]", "content").lower()
    onward: dict[str, None] = {}
    for link in tree.css("a[href]")[:MAX_LINKS] if "nofollow" not in robots else []:
        said = link.attributes
        target = normalised(said.get("href") or "", base)
        if (
            target
            and "nofollow" not in (said.get("rel") or "")
            and not (wiki and _is_inner(target))
        ):
            onward[target] = None
    canonical = _attribute(tree, "link[rel=canonical]", "href")
    tree.strip_tags(["script", "style"])
    for node in tree.css("input[type=hidden], meta[name*=csrf]"):
        node.decompose()
    return Links(
        kept=_COMMENT.sub("", tree.html or ""),
        canonical=normalised(canonical, base) if canonical else "",
        onward=tuple(onward),
        may_be_kept="noindex" not in robots and "none" not in robots.split(","),
    )


def _is_inner(target: str) -> bool:
    """A wiki's page about itself, or one of its programs."""
    title = unquote(target.rpartition("/wiki/")[2])
    return "/w/" in target or _WIKI.match(title) is not None


def _attribute(tree: LexborHTMLParser, query: str, name: str) -> str:
    node = tree.css_first(query)
    return (node.attributes.get(name) or "").strip() if node else ""
