"""What became of the documents of one `palabre ingest`."""

import json
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console

from palabre.cli.folders import Left
from palabre.cli.sending import Failure, Sent

NAMED = 10_000  # what is not in, at most; beyond, it is only counted
SHOWN = 20


@dataclass(slots=True)
class Tally:
    """Counts, and the names of what is not in with reason and remedy."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    left_out: list[Failure] = field(default_factory=list)
    remarks: list[Failure] = field(default_factory=list)  # on documents that are in
    deleted: list[str] = field(default_factory=list)
    complete: bool = False
    begun: float = field(default_factory=time.monotonic)

    @property
    def seen(self) -> int:
        return sum(self.counts[kind] for kind in ("changed", "unchanged", "failed", "left out"))

    @property
    def failed(self) -> int:
        return self.counts["failed"]

    @property
    def unseen(self) -> int:
        """Files and folders that could not even be looked at."""
        return self.counts["unseen"]

    def leave(self, left: Left) -> None:
        """It is no document, or cannot even be read here."""
        said = Failure(str(left.path), left.reason, left.remedy)
        self._name(self.failures if left.failed else self.left_out, said)
        self.counts["failed" if left.failed else "left out"] += 1
        self.counts["unseen"] += left.failed

    def unchanged(self, passages: int) -> None:
        self.counts["unchanged"] += 1
        self.counts["passages"] += passages

    def would_send(self) -> None:
        self.counts["changed"] += 1

    def sent(self, sent: Sent) -> None:
        for entry in sent.entries:
            self.counts["changed" if entry.get("changed") else "unchanged"] += 1
            self.counts["passages"] += entry["passages"]
            for remark in entry.get("remarks", ()):
                self.counts["remarks"] += 1
                self._name(self.remarks, Failure(entry["document"], remark))
        for failure in sent.failures:
            self.counts["failed"] += 1
            self._name(self.failures, failure)

    def delete(self, document: str) -> None:
        self.counts["deleted"] += 1
        if len(self.deleted) < NAMED:
            self.deleted.append(document)

    def show(self, console: Console, *, dry_run: bool = False) -> None:
        counts = self.counts
        documents = counts["changed"] + counts["unchanged"] + counts["failed"]
        sentence = (
            f"{documents} documents: {counts['changed']} new or changed,"
            f" {counts['unchanged']} unchanged, {counts['failed']} failed;"
            f" {counts['passages']} passages."
        )
        also = (f" {counts[k]} {k}." for k in ("left out", "deleted") if counts[k])
        mode = " Nothing was sent." if dry_run else ""
        console.print(sentence + "".join(also) + mode, highlight=False, soft_wrap=True)
        self._list(console, "Remarks", self.remarks, counts["remarks"])
        self._list(console, "Left out", self.left_out, counts["left out"])
        self._list(console, "Failed", self.failures, counts["failed"])

    def write(self, file: Path, space: str) -> None:
        """As JSON. `complete` says whether it went to its end."""
        seconds = time.monotonic() - self.begun
        kinds = ("changed", "unchanged", "failed", "left out", "deleted")
        outcome = {
            "space": space,
            "complete": self.complete,
            "documents": {kind.replace(" ", "_"): self.counts[kind] for kind in kinds},
            "passages": self.counts["passages"],
            "seconds": round(seconds, 1),
            "failed": [asdict(failure) for failure in self.failures],
            "left_out": [asdict(left) for left in self.left_out],
            "remarks": [{"document": r.document, "remark": r.reason} for r in self.remarks],
            "deleted": self.deleted,
        }
        text = json.dumps(outcome, ensure_ascii=False, indent=1)
        file.write_text(f"{text}\n", encoding="utf-8", errors="backslashreplace")

    def _list(self, console: Console, title: str, listed: list[Failure], count: int) -> None:
        if listed:
            console.print(f"\n{title}", style="bold")
        for said in sorted(listed, key=lambda failure: failure.document)[:SHOWN]:
            line = "- " + ": ".join(filter(None, (said.document, said.reason, said.remedy)))
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        if count > SHOWN:
            console.print(f"… and {count - SHOWN} more: --report FILE.json names them.")

    def _name(self, listed: list[Failure], failure: Failure) -> None:
        if len(listed) < NAMED:
            listed.append(failure)
