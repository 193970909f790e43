"""Whether all who see one channel may read another, told from roles and overwrites alone.

Who has which roles is not known without a privileged intent: so everybody may have any of them.
Source: https://discord.com/developers/docs/topics/permissions
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

from palabre.discord import permissions
from palabre.discord.permissions import ADMINISTRATOR, Overwrite, applied

VIEW, HISTORY = permissions.VIEW.bit, permissions.HISTORY.bit
MANAGE_THREADS = permissions.MANAGE.bit
CONNECT = 1 << 20
_NOTHING = Overwrite()


@dataclass(frozen=True, slots=True)
class Overwrites:
    """Of one channel, by the role's or the person's id."""

    everyone: Overwrite = _NOTHING
    roles: Mapping[int, Overwrite] = field(default_factory=dict)
    people: Mapping[int, Overwrite] = field(default_factory=dict)


class _Role(NamedTuple):
    """What of a role matters: roles that are alike here are looked at once."""

    bits: int
    here: Overwrite
    there: Overwrite


def all_may(
    everyone: int, roles: Mapping[int, int], here: Overwrites, there: Overwrites, needed: int
) -> bool:
    """Whether whoever views `here` has all the bits `needed` `there`, on one server.

    `everyone` are the bits of @everyone, `roles` those of the other roles, by id. Two roles tell
    as much as all: one because of which somebody views `here`, and one that shuts `there`.
    """
    kinds = {_kind(role, bits, here, there, needed) for role, bits in roles.items()}
    people = {(_own(p, here), _own(p, there)) for p in (0, *here.people, *there.people)}
    for own_here, own_there in people:
        for held in _held(kinds):
            base = everyone
            for role in held:
                base |= role.bits
            if base & ADMINISTRATOR:
                continue
            viewed = applied(base, here.everyone, [role.here for role in held], own_here)
            granted = applied(base, there.everyone, [role.there for role in held], own_there)
            if viewed & VIEW and granted & needed != needed:
                return False
    return True


def _kind(role: int, bits: int, here: Overwrites, there: Overwrites, needed: int) -> _Role:
    def relevant(overwrite: Overwrite, mask: int) -> Overwrite:
        return Overwrite(overwrite.allow & mask, overwrite.deny & mask)

    return _Role(
        bits & (needed | VIEW | ADMINISTRATOR),
        relevant(here.roles.get(role, _NOTHING), VIEW),
        relevant(there.roles.get(role, _NOTHING), needed),
    )


def _own(person: int, overwrites: Overwrites) -> Overwrite:
    return overwrites.people.get(person, _NOTHING)


def _held(kinds: set[_Role]) -> Iterator[tuple[_Role, ...]]:
    """No role at all, each one, and each two of them."""
    for count in range(3):
        yield from combinations(kinds, count)
