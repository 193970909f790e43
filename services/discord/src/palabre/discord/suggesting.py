"""Solved posts that a new one resembles: three at most, that everybody there may read."""

from collections.abc import Callable, Iterable

import structlog

from palabre.chassis.errors import Unavailable
from palabre.contracts.v1.turns_pb2 import Passage
from palabre.discord import metrics
from palabre.discord.calls import Gone, Refused, Unreachable
from palabre.discord.knowledge import Knowledge
from palabre.discord.marks import Mark, Marks, folder_of
from palabre.discord.markup import readable
from palabre.discord.messages import Place
from palabre.discord.posts import Post
from palabre.discord.routing import Surroundings
from palabre.discord.sending import Discord
from palabre.discord.sources import Similar

log = structlog.get_logger()

MOST = 3
# What a solved post covers of a new one, from which it is shown, and from which it is as good as
# the same question: measured by `python -m bench.discord.solved` (docs/solved.md).
FLOOR, SAME = 0.38, 0.62
# Further ones must come near the best one.
NEAR = 0.75
LOOKED_AT = 12


class Suggesting:
    """For one bot."""

    def __init__(
        self,
        bot: str,
        discord: Discord,
        knowledge: Knowledge,
        marks: Marks,
        around: Callable[[], Surroundings],
    ) -> None:
        self._bot, self._discord, self._knowledge = bot, discord, knowledge
        self._marks, self._around = marks, around

    async def similar(self, post: Post, words: str) -> tuple[Similar, ...]:
        """Best first; none for what is no new post, or while somebody is away."""
        if post.ask.kind != "post":
            return ()
        try:
            found = await self._found(post, words)
        except (Unavailable, Unreachable, Gone, Refused) as error:
            log.warning("no solved posts were looked up", bot=self._bot, reason=str(error))
            return ()
        metrics.SOLVED.labels(self._bot, "suggested").inc(len(found))
        return tuple(Similar(p.title, p.url, p.relevance >= SAME) for p in found)

    async def _found(self, post: Post, words: str) -> list[Passage]:
        here = await self._discord.place(post.channel)
        if here.kind != "post" or here.server is None or not self._has_any(post.space):
            return []
        folder = folder_of(here.server)
        asked = query(here.name, readable(words, omit=self._around().ours))
        found = await self._knowledge.search(post.space, asked, post.ask.groups, folder, LOOKED_AT)
        fitting = best(found)
        marks = await self._marks.get(*(_post_of(passage) for passage in fitting))
        shown = [p for p in fitting if await self._may_show(marks.get(_post_of(p)), here)]
        return shown[:MOST]

    def _has_any(self, space: str) -> bool:
        return any(f.index_solved for f in self._around().spaces[space].discord.forums)

    async def _may_show(self, mark: Mark | None, here: Place) -> bool:
        """In its own forum; elsewhere what everybody on the server may read, as there."""
        if mark is None or mark.state != "solved" or mark.post == here.channel:
            return False
        if mark.forum == here.parent:
            return True
        rules = self._around().spaces[mark.space].discord
        theirs = rules.forum(mark.forum)
        if theirs is None or theirs.tier != "public":
            return False
        return (await self._discord.place(mark.forum)).is_public


def query(title: str, words: str) -> str:
    """What is searched for: the title is often the question itself."""
    return f"{title}\n{words}"


def best(passages: Iterable[Passage], floor: float = FLOOR) -> list[Passage]:
    """One passage for each document that fits, best first."""
    by_document: dict[str, Passage] = {}
    for passage in sorted(passages, key=lambda p: -p.relevance):
        by_document.setdefault(passage.document, passage)
    ordered = list(by_document.values())
    least = max(floor, NEAR * ordered[0].relevance) if ordered else 0.0
    return [passage for passage in ordered if passage.relevance >= least]


def _post_of(passage: Passage) -> int:
    last = passage.document.rpartition("/")[2]
    return int(last) if last.isdigit() else 0
