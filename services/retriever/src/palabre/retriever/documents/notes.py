"""Footnotes of books and web pages, which a passage about their subject must hold."""

from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from palabre.retriever.documents.markup import text_of

_BACK = "a[role=doc-backlink], a.footnote-back"
_WHOLE = frozenset(("p", "ul", "ol", "dl", "table", "blockquote"))
_LONGEST = 4_000


def place_notes(tree: LexborHTMLParser) -> None:
    """Puts each below the block that first refers to it, as `[1] …`. Changes the tree."""
    for back in tree.css(_BACK):
        back.decompose()
    places = {node.attributes.get("id"): node for node in tree.css("[id]")}
    references = [link for link in tree.css("a[href]") if _refers(link)]
    first = {_target(link): link.mem_id for link in reversed(references)}
    placed: list[LexborNode] = []
    # Backwards, so that of two notes of one paragraph the first comes first.
    for reference in reversed(references):
        number, target = f"[{text_of(reference).strip('[]()')}]", _target(reference)
        note = places.get(target) if first[target] == reference.mem_id else None
        if note is not None and _put_below(tree, reference, number, note):
            placed.append(note)
        reference.replace_with(number)
    for note in placed:
        note.decompose()


def _put_below(
    tree: LexborHTMLParser, reference: LexborNode, number: str, note: LexborNode
) -> bool:
    around = list(_around(reference))
    blocks = [node for node in around if node.tag in _WHOLE]
    if not blocks or any(node.mem_id == note.mem_id for node in around):
        return False
    if len(said := text_of(note)) > _LONGEST:
        return False
    below = tree.create_node("p")
    below.insert_child(f"{number} {said}")
    blocks[-1].insert_after(below)
    return True


def _target(link: LexborNode) -> str:
    return (link.attributes.get("href") or "").removeprefix("#")


def _refers(link: LexborNode) -> bool:
    said = link.attributes
    return (
        said.get("role") == "doc-noteref"
        or "noteref" in (said.get("epub:type") or "").split()
        or "footnote-ref" in (said.get("class") or "").split()
    )


def _around(node: LexborNode) -> Iterator[LexborNode]:
    """From the inside to the outside."""
    while (parent := node.parent) is not None:
        yield parent
        node = parent
