"""The spelling of subjects: palabre.v1.<class>.<space>.<channel>.<conversation>.<event>."""

import re
from typing import NamedTuple

from palabre.chassis import events
from palabre.chassis.errors import Reject
from palabre.contracts.v1 import events_pb2 as pb

ROOT = "palabre.v1"
_TOKEN = re.compile(r"[a-z0-9-]{1,40}")


class Subject(NamedTuple):
    """The tokens of a subject. `kind` is turns, stored (a fact that TURNS took), live or dead."""

    kind: str
    space: str
    channel: str
    conversation: str
    event: str


def of(event: pb.Event) -> str:
    """Raises Reject when a token is not [a-z0-9-], at most 40 characters."""
    name = events.body_name(event)
    kind = "turns" if name in events.FACTS else "live"
    return f"{ROOT}.{kind}.{thread(event.space, event.channel, event.conversation)}.{name}"


def thread(space: str, channel: str, conversation: str) -> str:
    """The three tokens that name a conversation."""
    for token in (space, channel, conversation):
        if not _TOKEN.fullmatch(token):
            raise Reject(f"{token[:50]!r} is no subject token: use a-z, 0-9 and -, at most 40")
    return f"{space}.{channel}.{conversation}"


def conversation(kind: str, space: str, channel: str, conversation: str) -> str:
    """Everything of one conversation."""
    return f"{ROOT}.{kind}.{thread(space, channel, conversation)}.*"


def anywhere(kind: str, conversation: str) -> str:
    """Everything of one conversation, by its id alone."""
    return f"{ROOT}.{kind}.*.*.{conversation}.*"


def within(kind: str, space: str = "") -> str:
    """Everything of one space; of all spaces without a name."""
    return f"{ROOT}.{kind}.{space}.*.*.*" if space else every(kind)


def every(kind: str, event: str = "") -> str:
    """One kind of event in all conversations; all of them without a name."""
    return f"{ROOT}.{kind}.*.*.*.{event}" if event else f"{ROOT}.{kind}.>"


def budget(space: str, unit: str, scope: str, who: str, period: str) -> str:
    """A counter of BUDGETS; `who` and `period` are tokens."""
    return f"{ROOT}.budgets.{space}.{unit}.{scope}.{who}.{period}"


def dead(subject: str) -> str:
    """Where the dead letter of a message on this subject goes."""
    return subject.replace(f"{ROOT}.turns.", f"{ROOT}.dead.", 1)


def parse(subject: str) -> Subject:
    """Raises ValueError on a subject that is not ours."""
    tokens = subject.split(".")
    if len(tokens) != 7 or subject[: len(ROOT)] != ROOT:
        raise ValueError(f"{subject!r} is no subject of {ROOT}")
    return Subject(*tokens[2:])
