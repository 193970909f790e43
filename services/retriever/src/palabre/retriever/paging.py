"""Documents page by page: what was read and cut for one page is kept a while for the next."""

import asyncio
from collections.abc import Iterable, Iterator
from itertools import islice

from palabre.chassis import rpc
from palabre.contracts.v1.retriever_pb2 import DocumentEntry
from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.knowledge import Knowledge

KEPT_S = 60.0
# Only documents of several pages are: some 25 MB at most.
_AT_MOST = 2


class Pages:
    """Safe to share between tasks."""

    def __init__(self, knowledge: Knowledge, kept_s: float = KEPT_S) -> None:
        self._knowledge, self._kept_s = knowledge, kept_s
        self._kept: dict[tuple[str, bytes], list[Passage]] = {}

    async def page(self, space: str, entry: DocumentEntry, skip: int = 0) -> list[Passage]:
        """As many passages as one message holds, from the one numbered `skip` on.

        Raises Unavailable.
        """
        key = space, entry.SerializeToString(deterministic=True)
        passages = self._kept.get(key) or await self._knowledge.passages(space, entry)
        page = list(_fitting(islice(passages, skip, None)))
        if skip + len(page) < len(passages):
            self._keep(key, passages)
        return page

    def _keep(self, key: tuple[str, bytes], passages: list[Passage]) -> None:
        if key in self._kept:
            return
        while len(self._kept) >= _AT_MOST:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = passages
        asyncio.get_running_loop().call_later(self._kept_s, self._kept.pop, key, None)


def _fitting(passages: Iterable[Passage]) -> Iterator[Passage]:
    left = rpc.MAX_MESSAGE // 2
    for passage in passages:
        left -= passage.ByteSize()
        if left < 0:
            return
        yield passage
