"""What a member may do in a channel, in the order in which Discord decides it."""

from palabre.discord.permissions import (
    ADMINISTRATOR,
    EMBED,
    HISTORY,
    IN_THREADS,
    SEND,
    VIEW,
    Overwrite,
    bits,
    lacking,
    permitted,
    to_answer,
)

EVERYONE, ROLE, OTHER, MEMBER = 1, 2, 3, 4


def may(base: int, overwrites: dict[int, Overwrite]) -> int:
    return permitted(base, overwrites, EVERYONE, [EVERYONE, ROLE, OTHER], MEMBER)


def test_roles_give_back_what_everyone_is_denied_and_the_members_own_entry_wins() -> None:
    closed = {EVERYONE: Overwrite(0, VIEW.bit)}
    assert not may(VIEW.bit, closed) & VIEW.bit
    opened = closed | {ROLE: Overwrite(VIEW.bit, 0), OTHER: Overwrite(0, VIEW.bit)}
    assert may(0, opened) & VIEW.bit
    own = opened | {MEMBER: Overwrite(0, VIEW.bit)}
    assert not may(VIEW.bit, own) & VIEW.bit


def test_what_a_channel_does_not_name_is_as_on_the_server() -> None:
    strangers = {99: Overwrite(0, VIEW.bit)}
    assert may(VIEW.bit | EMBED.bit, strangers) == VIEW.bit | EMBED.bit


def test_an_administrator_may_do_everything_whatever_a_channel_says() -> None:
    denied = {MEMBER: Overwrite(0, VIEW.bit)}
    assert lacking(may(ADMINISTRATOR, denied), to_answer(in_threads=True)) == ()


def test_posts_need_another_permission_than_channels() -> None:
    in_posts = bits((VIEW, HISTORY, EMBED, IN_THREADS))
    assert lacking(in_posts, to_answer(in_threads=True)) == ()
    assert lacking(in_posts, to_answer(in_threads=False)) == (SEND,)
