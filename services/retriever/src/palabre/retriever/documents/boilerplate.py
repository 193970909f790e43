"""What a page says, without its menus, banners and links to elsewhere.

trafilatura judges which words are the main text. The tree is then pruned, not rewritten, so that
headings, tables, definition lists and folded answers stay what they are. How the libraries
compare on the pages of tests/pages is in docs/web.md.
"""

import re
from collections.abc import Set as AbstractSet

import trafilatura
from selectolax.lexbor import LexborHTMLParser, LexborNode

Words = AbstractSet[tuple[str, ...]]

# Never seen, or never what a reader came for.
_NEVER = (
    "script, style, noscript, template, svg, iframe, dialog, object, canvas, select, textarea,"
    " nav, [role=navigation], [role=banner], [role=contentinfo], [role=search], [role=dialog],"
    " [role=alertdialog], .headerlink, .screen-reader-text, .sr-only"
)
# Elements, classes and ids, French and English, of what surrounds a text.
_AROUND = re.compile(
    r"^(?:aside|footer|header|form|button) "
    r"|cookie|consent|tarteaucitron|didomi|onetrust|cmplz|gdpr|rgpd|bread-?crumb|ariane"
    r"|\bnav|menu|\bpager|paginat|skip-?link|toolbar|top-?bar|action-?bar|header-?bar|site-header"
    r"|footer|masthead|banner|bandeau|sidebar|widget-area|search|recherche|popup|modal"
    r"|\bshar(?:e|ing)\b|sharedaddy|social|partag|related|similar|up-?sell|cross-?sell|recommend"
    r"|plus-lus|newsletter|infolettre|feedback|satisfaction|\breviews?\b|\bavis\b|advert|sponsor"
    r"|\bcomments\b|comments?-(?:area|list|form|body)|commentaires|respond|\btags?\b|\bcta\b"
    r"|signature|postprofile|\bauthor|byline|entry-meta|online-list",
    re.IGNORECASE,
)
# Of these not even what was judged to be main text, unless it is most of it.
_BANNERS = re.compile(
    r"cookie|consent|tarteaucitron|didomi|onetrust|cmplz|\bcomments\b|comments?-(?:area|list)"
    r"|commentaires|\breviews?\b|signature",
    re.IGNORECASE,
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_TEXTS = frozenset({"p", "ul", "ol", "dl", "pre", "blockquote"})
_WORD = re.compile(r"\w+")
# Longer pages are kept whole rather than judged for seconds.
_JUDGED = 2_000_000
# Share of the main text that the part of the page which is read has.
_ENOUGH = 0.9
# Fewer judged words say that the judgement failed.
_TOO_FEW = 15


def prune(tree: LexborHTMLParser) -> None:
    """Leaves in the body what the page is about. Changes the tree; tens of milliseconds."""
    for node in tree.css(_NEVER):
        node.decompose()
    if (body := tree.body) is None:
        return
    weights = _Weights(body, _main_words(tree))
    if weights.main(body) < _TOO_FEW:
        weights = _Weights(body, None)
    root = _root(tree, body, weights)
    _prune_around(body, root, weights)
    _prune_inside(root, weights)


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

    def is_around(self, node: LexborNode) -> bool:
        """Whether it is no part of the text: by its name, its links and what was judged."""
        words, kept, linked = self._of(node)
        if _BANNERS.search(_names(node)) and kept * 2 < self._all:
            return True
        named = _AROUND.search(_names(node)) is not None
        return named and (kept * 5 <= words or linked * 5 > words * 4)

    def _of(self, node: LexborNode) -> tuple[int, int, int]:
        return self._counts.get(node.mem_id, (0, 0, 0))


def _main_words(tree: LexborHTMLParser) -> Words:
    """Runs of up to three words of what the library takes for the main text."""
    # Half a second and 50 MB that a process without web pages does without.
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


def _root(tree: LexborHTMLParser, body: LexborNode, weights: _Weights) -> LexborNode:
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


def _names(node: LexborNode) -> str:
    attributes = node.attributes
    return f"{node.tag} {attributes.get('id') or ''} {attributes.get('class') or ''}"
