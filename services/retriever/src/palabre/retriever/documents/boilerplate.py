"""What a page says, without its menus, banners and links to elsewhere.

trafilatura judges which words are the main text. The tree is then pruned, not rewritten, so that
headings, tables, definition lists and folded answers stay what they are. How the libraries
compare on the pages of tests/pages is in docs/web.md.
"""

import re
from collections.abc import Set as AbstractSet
from itertools import pairwise

import trafilatura
from selectolax.lexbor import LexborHTMLParser, LexborNode

Words = AbstractSet[tuple[str, ...]]

# Never seen, or never what a reader came for.
_NEVER = (
    "script, style, noscript, template, svg, iframe, dialog, object, canvas, button, select,"
    " textarea, nav, [role=navigation], [role=banner], [role=contentinfo], [role=search],"
    " [role=dialog], [role=alertdialog], .headerlink, .screen-reader-text, .sr-only"
)
# Parts of classes and ids, or two of them together, of what surrounds a text; and elements.
_AROUND = frozenset(
    re.findall(
        r"\w+",
        """
        aside footer prefooter subfooter colophon form masthead siteheader pageheader
        headerbar topbar toolbar actionbar nav navbar navigation submenu megamenu breadcrumb
        breadcrumbs navbreadcrumbs ariane filariane pager pagination skiplink skiplinks skip
        sidebar sidebars widgetarea searchform banner bandeaualerte popup modal share sharing
        sharedaddy partager addtoany socialicons sociallinks socialmedia reseauxsociaux related
        relatedposts upsell crosssell recommended pluslus newsletter newsletters infolettre
        feedback advert ads sponsored catlinks comments commentlist respond postprofile authorbio
        byline entrymeta onlinelist
        """,
    )
)
# Words that also begin the name of a text (menu-de-la-semaine, avis-d-echeance): these count
# where a name is or ends with them.
_AROUND_AT_END = frozenset(
    re.findall(
        r"\w+",
        """
        menu search recherche bandeau partage similar alire satisfaction tags commentaires review
        reviews avis cta signature author cookie cookies consent
        """,
    )
)
# Whole names, or two parts, of which not even what was judged to be main text is kept.
_BANNERS = frozenset(
    re.findall(
        r"\w+",
        """
        tarteaucitronroot tarteaucitronalertbig didomi didomihost onetrust onetrustconsent axeptio
        cookiebot orejime klaro cmplzcookiebanner cookiebanner cookiebar cookienotice cookiemodal
        cookieconsent cookielaw cookiepopup bandeaucookie bandeaucookies bannercookie comments
        commentaires commentsarea commentlist reviews
        """,
    )
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_TEXTS = frozenset({"p", "ul", "ol", "dl", "pre", "blockquote"})
_WORD = re.compile(r"\w+")
_MAX_NAMES = 2_000
# Longer pages are kept whole rather than judged for seconds.
_JUDGED = 2_000_000
# Share of the main text that the part of the page which is read has.
_ENOUGH = 0.9
# So few judged words, or so small a share of what is neither link nor named as surrounding, say
# that the judgement failed: then all is main text.
_TOO_FEW, _TOO_LITTLE = 15, 0.25


def prune(tree: LexborHTMLParser) -> None:
    """Leaves in the body what the page is about. Changes the tree; tens of milliseconds."""
    if (body := tree.body) is None:
        return
    drop(body, _NEVER)
    weights = _Weights(body, _main_words(tree))
    if weights.main(body) < max(_TOO_FEW, _TOO_LITTLE * _plain_words(body, weights)):
        weights = _Weights(body, None)
    root = _root(body, weights)
    _prune_around(body, root, weights)
    _prune_inside(root, weights)


def drop(root: LexborNode, query: str) -> None:
    """Removes everything below `root` that matches."""
    for node in root.css(query):
        if node.mem_id != root.mem_id:
            node.decompose()


class _Weights:
    """Words of each element: in all, of the main text, in links. Without `main` all text is."""

    def __init__(self, root: LexborNode, main: Words | None) -> None:
        self._counts: dict[int, tuple[int, int, int]] = {}
        for node in reversed(list(root.traverse(include_text=True))):
            words, kept, linked = self._counts.get(node.mem_id, (0, 0, 0))
            if node.tag == "-text":
                found = _WORD.findall((node.text_content or "").lower())
                words = len(found)
                kept = words if main is None or _is_known(found, main) else 0
            elif node.tag == "a":
                linked = words
            self._counts[node.mem_id] = words, kept, linked
            if node.parent is not None and node.mem_id != root.mem_id:
                above = self._counts.get(node.parent.mem_id, (0, 0, 0))
                self._counts[node.parent.mem_id] = (
                    above[0] + words,
                    above[1] + kept,
                    above[2] + linked,
                )

        self._all = self.main(root)

    def main(self, node: LexborNode) -> int:
        return self._of(node)[1]

    def is_main(self, node: LexborNode) -> bool:
        words, kept, _ = self._of(node)
        return kept * 2 > words

    def is_named(self, node: LexborNode) -> bool:
        """Whether its element, class or id says that it surrounds a text."""
        _, parts, ends = _names(node)
        return bool(parts & _AROUND or ends & _AROUND_AT_END)

    def plain(self, node: LexborNode) -> int:
        """Words outside links."""
        words, _, linked = self._of(node)
        return words - linked

    def is_around(self, node: LexborNode) -> bool:
        """Whether it is no part of the text: by its name, its links and what was judged."""
        words, kept, linked = self._of(node)
        whole, _, _ = _names(node)
        if whole & _BANNERS and kept * 2 < self._all:
            return True
        return self.is_named(node) and (kept * 5 <= words or linked * 5 > words * 4)

    def _of(self, node: LexborNode) -> tuple[int, int, int]:
        return self._counts.get(node.mem_id, (0, 0, 0))


def _main_words(tree: LexborHTMLParser) -> Words:
    """Runs of up to three words of what the library takes for the main text."""
    html = tree.html or ""
    if len(html) > _JUDGED:
        return frozenset()
    text = trafilatura.extract(html, favor_recall=True, include_comments=False) or ""
    words = _WORD.findall(text.lower())
    return {tuple(words[i : i + n]) for n in (1, 2, 3) for i in range(len(words) - n + 1)}


def _is_known(words: list[str], main: Words) -> bool:
    length = min(3, len(words))
    runs = [tuple(words[i : i + length]) for i in range(len(words) - length + 1)]
    return bool(words) and sum(run in main for run in runs) * 5 >= len(runs) * 4


def _plain_words(root: LexborNode, weights: _Weights) -> int:
    """Of everything that is neither link nor named as surrounding."""
    words, waiting = 0, [root]
    while waiting:
        node = waiting.pop()
        words += weights.plain(node)
        for child in node.iter():
            if weights.is_named(child):
                words -= weights.plain(child)
            elif any(True for _ in child.iter()):
                words -= weights.plain(child)
                waiting.append(child)
    return words


def _root(body: LexborNode, weights: _Weights) -> LexborNode:
    """The innermost element that holds nearly all of the main text, or what the page marks so."""
    root, demanded = body, _ENOUGH * weights.main(body)
    while True:
        inner = next((c for c in root.iter() if weights.main(c) >= demanded), None)
        if inner is None or inner.tag in _TEXTS:
            return root
        root = inner


def _prune_around(body: LexborNode, root: LexborNode, weights: _Weights) -> None:
    """Outside the root only what was judged to be main text stays."""
    node = root
    while node.mem_id != body.mem_id and node.parent is not None:
        for sibling in list(node.parent.iter()):
            outside = sibling.mem_id != node.mem_id
            if outside and (not weights.is_main(sibling) or weights.is_around(sibling)):
                sibling.decompose()
        node = node.parent


def _prune_inside(node: LexborNode, weights: _Weights) -> None:
    """Everything stays but what is plainly no part of the text."""
    waiting = [node]
    while waiting:
        for child in list(waiting.pop().iter()):
            if child.tag in _HEADINGS or (child.tag == "table" and not child.css_first("table")):
                continue
            if weights.is_around(child) and child.css_first("h1") is None:
                child.decompose()
            else:
                waiting.append(child)


def _names(node: LexborNode) -> tuple[set[str], set[str], set[str]]:
    """Of the element, its class and its id: whole names and pairs, parts and pairs, last parts."""
    said = f"{node.attributes.get('id') or ''} {node.attributes.get('class') or ''}"[:_MAX_NAMES]
    whole, parts, ends = set[str](), {node.tag or ""}, set[str]()
    for name in said.split():
        pieces = [p.lower() for p in re.split(r"[-_]+", _CAMEL.sub("-", name)) if p]
        pairs = {first + second for first, second in pairwise(pieces)}
        whole |= {name.lower(), *pairs}
        parts |= {*pieces, *pairs}
        ends |= {*pieces[-1:], "".join(pieces)}
    return whole, parts, ends
