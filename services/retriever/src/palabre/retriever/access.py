"""Who may read what. A tier is public, restricted, or a group's name."""

import re
from collections.abc import Collection

PUBLIC, RESTRICTED = "public", "restricted"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


def tiers_of(groups: Collection[str], highest: str = RESTRICTED) -> frozenset[str]:
    """What a person with these groups may read through a persona with this highest tier.

    A public persona reads public documents to everybody; a restricted one whatever the person may
    read; one bound to a group that group's and public ones, to its members.
    """
    theirs = frozenset(groups) | {PUBLIC}
    return theirs if highest == RESTRICTED else theirs & {PUBLIC, highest}


def is_tier(name: str) -> bool:
    return bool(_NAME.fullmatch(name))
