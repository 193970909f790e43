"""How far a folder is on its way, on a terminal or in a log."""

import threading
import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from palabre.cli.folders import File
from palabre.cli.screen import errors

LOGGED_EVERY_S = 15.0
_SAID = (
    "{task.fields[documents]} documents, {task.fields[passages]} passages, {task.fields[rate]}/s"
)


class Gauge:
    """Bytes tell how long it still takes, passages how fast it goes. Safe to share."""

    def __init__(self, space: str, size: int) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn(_SAID))
        self._progress = Progress(*columns, TimeRemainingColumn(), console=errors)
        self._task = self._progress.add_task(
            f"Ingesting into {space}", total=size, documents=0, passages=0, rate=0
        )
        self._lock = threading.Lock()
        self._going: dict[str, int] = {}  # passages of documents on their way
        self._documents = self._passages = self._bytes = 0
        self._size = size
        self._begun = self._logged = time.monotonic()

    def __enter__(self) -> Self:
        if errors.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def went(self, file: File, passages: int) -> None:
        """So many of the document's passages are in."""
        with self._lock:
            self._going[file.document] = passages
            self._show()

    def settle(self, file: File, passages: int) -> None:
        """Nothing more is to be done for it."""
        with self._lock:
            self._going.pop(file.document, None)
            self._documents += 1
            self._passages += passages
            self._bytes += file.size
            self._show()

    def _show(self) -> None:
        now = time.monotonic()
        passages = self._passages + sum(self._going.values())
        rate = round(passages / max(now - self._begun, 0.1))
        self._progress.update(
            self._task,
            completed=self._bytes,
            documents=self._documents,
            passages=passages,
            rate=rate,
        )
        if not errors.is_terminal and now >= self._logged + LOGGED_EVERY_S:
            self._logged = now
            share = 100 * self._bytes // max(self._size, 1)
            errors.print(
                f"{share} %: {self._documents} documents, {passages} passages, {rate}/s",
                highlight=False,
            )
