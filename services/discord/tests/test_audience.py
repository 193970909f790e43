"""Who sees one channel may read another: compared with everybody whom there could be."""

from collections.abc import Iterator
from itertools import chain, combinations

from hypothesis import given, settings, strategies as st

from palabre.discord.audience import HISTORY, VIEW, Overwrites, all_may
from palabre.discord.permissions import ADMINISTRATOR, Overwrite
from tests.standins.discord.permissions import permissions
from tests.standins.discord.state import (
    TEXT,
    Channel,
    Guild,
    Member,
    Overwrite as Written,
    Role,
    User,
)

SERVER, ROLES, PEOPLE = 1, (11, 12, 13, 14), (21, 22)
NEEDED = VIEW | HISTORY

bits = st.sets(st.sampled_from((VIEW, HISTORY))).map(sum)
role_bits = st.sets(st.sampled_from((VIEW, HISTORY, ADMINISTRATOR))).map(sum)
overwrites = st.tuples(bits, bits).map(lambda both: Overwrite(both[0], both[1] & ~both[0]))
channels = st.builds(
    Overwrites,
    overwrites,
    st.dictionaries(st.sampled_from(ROLES), overwrites),
    st.dictionaries(st.sampled_from(PEOPLE), overwrites, max_size=1),
)


def channel(guild: Guild, told: Overwrites) -> Channel:
    made = Channel(id=99, kind=TEXT, guild=guild)
    everyone = {SERVER: Written(SERVER, False, *told.everyone)}
    roles = {role: Written(role, False, *each) for role, each in told.roles.items()}
    people = {who: Written(who, True, *each) for who, each in told.people.items()}
    made.overwrites = everyone | roles | people
    return made


def everybody(roles: list[Role]) -> Iterator[tuple[User, list[Role]]]:
    """Each person with each set of roles."""
    sets = list(chain.from_iterable(combinations(roles, n) for n in range(len(roles) + 1)))
    for person in (*PEOPLE, 23):
        yield from ((User(person, "x"), list(held)) for held in sets)


@settings(max_examples=150, deadline=None)
@given(bits, st.dictionaries(st.sampled_from(ROLES), role_bits), channels, channels)
def test_it_says_what_looking_at_everybody_would_say(
    everyone: int, roles: dict[int, int], here: Overwrites, there: Overwrites
) -> None:
    guild = Guild(SERVER, "x", User(5, "owner"), 0.0)
    guild.roles = {SERVER: Role(SERVER, "@everyone", everyone)}
    held = [Role(key, "x", value) for key, value in roles.items()]
    seen, wanted = channel(guild, here), channel(guild, there)
    leaks = False
    for user, own in everybody(held):
        guild.members = {user.id: Member(user, own, 0.0)}
        reads = permissions(user, wanted) & NEEDED == NEEDED
        leaks |= bool(permissions(user, seen) & VIEW) and not reads
    assert all_may(everyone, roles, here, there, NEEDED) is not leaks


def test_a_channel_is_open_to_those_who_see_it_unless_some_may_not_read_what_was_said() -> None:
    plain = Overwrites()
    assert all_may(NEEDED, {}, plain, plain, NEEDED)
    assert not all_may(VIEW, {}, plain, plain, NEEDED)


def test_a_person_who_is_let_in_alone_counts() -> None:
    office = Overwrites(everyone=Overwrite(0, VIEW), people={21: Overwrite(VIEW)})
    hall = Overwrites()
    assert all_may(NEEDED, {}, office, hall, NEEDED)
    assert not all_may(NEEDED, {}, hall, office, NEEDED)
