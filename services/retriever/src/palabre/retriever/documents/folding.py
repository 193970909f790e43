"""Folded answers of a page: accordions, tabs, details. They are frequent where people ask."""

from selectolax.lexbor import LexborHTMLParser, LexborNode

from palabre.retriever.documents.markup import text_of

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_OPENERS = "[aria-controls], [data-bs-target], [data-target]"
# Older accordions say it by their class alone; the answer comes next.
_CLASSES = (
    "button[class*=accordion], button[class*=collaps], button[class*=faq], button[class*=toggle]"
)
_PANELS = frozenset({"div", "section", "article", "p", "ul", "ol", "dl", "table"})
_MAX_QUESTION = 300


def unfold(tree: LexborHTMLParser) -> None:
    """Shows what a click would show; removes what is never shown. Changes the tree.

    A question that unfolds its answer becomes a heading over it, so that each stands by itself.
    """
    _open_named(tree)
    _open_tabs(tree)
    for opener in tree.css(_CLASSES):
        if (panel := _next(opener)) is not None:
            _show(panel)
            _put_over(tree, opener, panel)
    for summary in tree.css("details > summary"):
        if summary.parent is not None:
            _put_over(tree, summary, summary.parent)
    _open_below_headings(tree)
    for heading in _HEADINGS:
        for button in tree.css(f"{heading} button"):
            button.unwrap()


def _open_named(tree: LexborHTMLParser) -> None:
    """What an opener names by its id."""
    panels = {node.attributes.get("id"): node for node in tree.css("[id]")}
    for opener in tree.css(_OPENERS):
        if panel := panels.get(_target(opener)):
            _show(panel)
            _put_over(tree, opener, panel)


def _open_tabs(tree: LexborHTMLParser) -> None:
    """Tabs that name no panel stand in the order of theirs."""
    for tabs in tree.css("[role=tablist]"):
        labels = tabs.css("[role=tab]")
        panels = tabs.parent.css("[role=tabpanel]") if tabs.parent is not None else []
        for panel in panels:
            _show(panel)
        if len(labels) == len(panels):
            for label, panel in zip(labels, panels, strict=True):
                _put_over(tree, label, panel)


def _open_below_headings(tree: LexborHTMLParser) -> None:
    """Hidden text right below a heading is unfolded by it; what else is hidden goes."""
    for node in tree.css("body [hidden], body [aria-hidden=true]"):
        before = _previous(node) if node.tag in _PANELS else None
        if before is not None and before.tag in _HEADINGS:
            _show(node)
        else:
            node.decompose()


def _target(opener: LexborNode) -> str:
    said = opener.attributes
    named = said.get("aria-controls") or said.get("data-bs-target") or said.get("data-target")
    return (named or "").lstrip("#")


def _show(panel: LexborNode) -> None:
    for name in ("hidden", "aria-hidden", "style"):
        if name in panel.attributes:
            del panel.attrs[name]


def _put_over(tree: LexborHTMLParser, opener: LexborNode, panel: LexborNode) -> None:
    """The opener's words become the heading of the panel, which an empty heading ends."""
    done = opener.parent is None
    if done or any(_is_within(opener, heading) for heading in _HEADINGS) or _closes(opener, panel):
        return
    if any(opener.css_first(heading) for heading in _HEADINGS):
        opener.unwrap()
        return
    question = text_of(opener)
    if not 1 < len(question) <= _MAX_QUESTION:
        return
    heading = tree.create_node("h6")
    heading.insert_child(question)
    panel.insert_before(heading)
    panel.insert_after(tree.create_node("h6"))
    opener.decompose()


def _closes(opener: LexborNode, panel: LexborNode) -> bool:
    """A button inside what it controls closes it; a summary is inside, and does not."""
    within = opener.parent
    while within is not None and opener.tag != "summary":
        if within.mem_id == panel.mem_id:
            return True
        within = within.parent
    return False


def _is_within(node: LexborNode, tag: str) -> bool:
    within = node.parent
    while within is not None:
        if within.tag == tag:
            return True
        within = within.parent
    return False


def _next(node: LexborNode) -> LexborNode | None:
    after = node.next
    while after is not None and not after.is_element_node:
        after = after.next
    return after


def _previous(node: LexborNode) -> LexborNode | None:
    before = node.prev
    while before is not None and not before.is_element_node:
        before = before.prev
    return before
