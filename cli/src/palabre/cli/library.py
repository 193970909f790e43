"""A folder's documents on their way: a few at once, the rest still on the disk."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import batched
from typing import Any

from palabre.cli.folders import File, Left
from palabre.cli.gauge import Gauge
from palabre.cli.sending import Sender, Sent
from palabre.cli.server import Trouble
from palabre.cli.tally import Tally

AT_ONCE = 4
ASKED_AT_ONCE = 25  # names that one address holds, however long they are
BROKEN_AT_MOST = 2 * AT_ONCE  # documents that broke off one after the other

Entry = dict[str, Any]
Sending = Future[tuple[File, Sent]]


@dataclass(slots=True)
class Library:
    """Takes documents in. Memory does not grow with their number."""

    sender: Sender
    tally: Tally
    force: bool = False
    dry_run: bool = False
    # Suffix → remedy, as the server said.
    _unread: dict[str, str] = field(default_factory=dict, init=False)
    _broken: int = field(default=0, init=False)

    def take_in(self, found: Callable[[], Iterator[File | Left]]) -> None:
        """Walks twice: to know how much there is, and to send it. Raises Trouble, Stopped."""
        size = sum(item.size for item in found() if isinstance(item, File))
        pool = ThreadPoolExecutor(AT_ONCE)
        try:
            with Gauge(self.sender.space, size) as gauge:
                self._send_all(pool, found(), gauge)
        except BaseException:
            self.sender.stop.set()
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def _send_all(
        self, pool: ThreadPoolExecutor, found: Iterable[File | Left], gauge: Gauge
    ) -> None:
        running: set[Sending] = set()
        for file in self._wanted(found, gauge):
            running.add(pool.submit(self._send, file, gauge))
            if len(running) >= 2 * AT_ONCE:
                running = self._settle(running, gauge, FIRST_COMPLETED)
        self._settle(running, gauge, ALL_COMPLETED)

    def _wanted(self, found: Iterable[File | Left], gauge: Gauge) -> Iterator[File]:
        """Those that are not in yet, or not as they are now."""
        for some in batched(found, ASKED_AT_ONCE):
            files = [item for item in some if isinstance(item, File)]
            for item in some:
                if isinstance(item, Left):
                    self.tally.leave(item)
            known = {} if self.force else self.sender.known([f.document for f in files])
            for file in files:
                if self._is_wanted(file, known.get(file.document)):
                    yield file
                else:
                    gauge.settle(file, 0)

    def _is_wanted(self, file: File, entry: Entry | None) -> bool:
        if not file.wanted and (remedy := self._unread.get(file.path.suffix.lower())):
            self.tally.leave(Left(file.path, "is of a kind that cannot be read", remedy))
            return False
        try:
            same = entry is not None and _is_same(file, entry, self.sender.tier)
        except OSError:
            same = False  # sending it will say why
        if same and entry:
            self.tally.unchanged(entry["passages"])
        elif self.dry_run:
            self.tally.would_send()
        return not same and not self.dry_run

    def _send(self, file: File, gauge: Gauge) -> tuple[File, Sent]:
        return file, self.sender.send(file, lambda passages: gauge.went(file, passages))

    def _settle(self, running: set[Sending], gauge: Gauge, until: str) -> set[Sending]:
        """What is still running then. Raises what the sender raised."""
        done, still = wait(running, return_when=until)
        for sending in done:
            file, sent = sending.result()
            gauge.settle(file, sent.passages)
            if not self._learn(file, sent):
                self.tally.sent(sent)
            self._broken = self._broken + 1 if sent.broke_off else 0
        if self._broken >= BROKEN_AT_MOST:
            raise Trouble("the server breaks off whatever it is sent: look at its log")
        return still

    def _learn(self, file: File, sent: Sent) -> bool:
        """A kind that the server cannot read is sent only once, unless it was asked for."""
        suffix = file.path.suffix.lower()
        for failure in sent.failures:
            if not file.wanted and failure.reason == f"cannot be read ({suffix})":
                self._unread[suffix] = failure.remedy
                left = Left(file.path, "is of a kind that cannot be read", failure.remedy)
                self.tally.leave(left)
                return True
        return False


def _is_same(file: File, entry: Entry, tier: str) -> bool:
    """By content and side file, and by tier where one is asked for. Raises OSError."""
    alike = entry["size_bytes"] == file.size and tier in ("", entry["tier"])
    return bool(alike and entry["version"] == file.version())
