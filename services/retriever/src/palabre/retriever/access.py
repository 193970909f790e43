"""Who may read what, and write it. A tier is public, restricted, or a group's name."""

import re
from collections.abc import Collection, Container

from palabre.contracts.v1.retriever_pb2 import DocumentEntry
from palabre.retriever.errors import InvalidDocument

PUBLIC, RESTRICTED = "public", "restricted"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


def tiers_of(groups: Collection[str], highest: str = RESTRICTED) -> frozenset[str]:
    """What a person with these groups may read through a persona with this highest tier.

    A public persona reads public documents to everybody; a restricted one whatever the person may
    read; one bound to a group that group's and public ones, to its members.
    """
    theirs = frozenset(groups) | {PUBLIC}
    return theirs if highest == RESTRICTED else theirs & {PUBLIC, highest}


def narrower(one: str, other: str) -> str | None:
    """The tier of those who may read both; None: there is no one tier for them."""
    if other in (one, PUBLIC):
        return one
    return other if one == PUBLIC else None


Tiers = Container[str]


class _Every:
    def __contains__(self, tier: object) -> bool:
        return True


EVERY: Tiers = _Every()


def written_by(groups: Collection[str], bound: bool) -> Tiers:
    """The tiers whose documents a sender may change: an administrator all, else those they read."""
    return tiers_of(groups) if bound else EVERY


def demand_writable(tiers: Tiers, entry: DocumentEntry, current: DocumentEntry | None) -> None:
    """`current` is what the entry would replace. Raises InvalidDocument."""
    name = entry.document
    if current and current.tier not in tiers:
        raise InvalidDocument(name, "cannot have this name, which is taken", "give it another")
    if entry.tier not in tiers:
        remedy = "use a token that may read that tier, or an administrator's"
        raise InvalidDocument(name, f"has the tier {entry.tier!r}, none of its sender's", remedy)


def is_tier(name: str) -> bool:
    return bool(_NAME.fullmatch(name))
