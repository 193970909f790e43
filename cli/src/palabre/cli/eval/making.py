"""`palabre eval make`: a file of questions, drafted document by document.

Beside the questions, FILE.log has a line of JSON per document: seed, model, and what was dropped
and why. A document that either file knows is not drafted again, so a run that was stopped goes on
where it was.
"""

import asyncio
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from palabre.cli.eval import drafts, prompts
from palabre.cli.eval.drafts import Draft, Order
from palabre.cli.eval.local import Local
from palabre.cli.eval.questions import Asked
from palabre.cli.eval.spending import LimitReached, Model, Spent
from palabre.cli.server import Trouble
from palabre.contracts.v1.retriever_pb2 import DocumentEntry
from palabre.llm.errors import LlmError

AT_ONCE = 4
# Documents one after the other that the model does not answer for.
PATIENCE = 3
# Passages that could answer what is meant to have no answer.
_DOUBTED = 4
# A question with its quote; a verdict.
_DRAFT_TOKENS, _VERDICT_TOKENS = 80, 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many questions of each document, and the seed of all that is drawn."""

    each: int
    unanswerable: int
    seed: int

    def order(self, entry: DocumentEntry) -> Order:
        """A document's own seed does not depend on the others."""
        seed = zlib.crc32(f"{self.seed}/{entry.document}".encode())
        return Order(entry.language, self.each, self.unanswerable, seed)


class Making:
    """Writes to `out` and its log, a document at a time; documents are drafted side by side."""

    def __init__(self, local: Local, model: Model, wanted: Wanted, out: Path) -> None:
        self._local, self._model, self._wanted = local, model, wanted
        self._out, self._log = out, log_of(out)
        self._failures = 0
        self._before = {" ".join(text.casefold().split()) for text in _questions(out)}
        self.kept = 0
        self.dropped: list[Draft] = []

    async def estimate(self, entries: Sequence[DocumentEntry]) -> Spent:
        """About what all of it will cost."""
        estimated = Spent()
        for entry in entries:
            order, passages = self._wanted.order(entry), await self._local.passages(entry)
            answer_tokens = _DRAFT_TOKENS * len(order.kinds)
            self._model.estimate(estimated, order.messages(passages), answer_tokens)
            doubt = drafts.whether_answered(order.language, "", (p.text for p in passages))
            for _ in range(order.unanswerable):
                self._model.estimate(estimated, doubt, _VERDICT_TOKENS)
        return estimated

    async def make(self, entries: Sequence[DocumentEntry], advance: Callable[[], None]) -> None:
        """As far as the model's limit goes. Raises Trouble when the model does not answer."""
        waiting = iter(entries)

        async def worker() -> None:
            for entry in waiting:
                if self._model.is_spent:
                    return
                await self._document(entry)
                advance()

        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))

    async def _document(self, entry: DocumentEntry) -> None:
        """Nothing is written of a document that was not ended."""
        order = self._wanted.order(entry)
        try:
            drafted = await self._drafts(entry, order)
        except LimitReached:
            return
        except LlmError as error:
            self._failures += 1
            if self._failures >= PATIENCE:
                raise Trouble(
                    f"the model did not answer {PATIENCE} times ({error}): see to it, then run the"
                    " same command again: it goes on where this one stopped"
                ) from error
            return
        self._failures = 0
        self._write(entry, order, drafted)

    async def _drafts(self, entry: DocumentEntry, order: Order) -> list[Draft]:
        passages = await self._local.passages(entry)
        verdict = await self._model.ask(order.messages(passages), order.schema, order.seed)
        drafted = order.drafts(verdict.values, passages)
        return [await self._doubted(draft, order) for draft in drafted]

    async def _doubted(self, draft: Draft, order: Order) -> Draft:
        """What is meant to have no answer may have one in another document."""
        if draft.kind != prompts.UNANSWERABLE or draft.dropped:
            return draft
        asked = Asked(0, draft.question, language=order.language)
        hits = await self._local.find(asked, floor=False)
        messages = drafts.whether_answered(
            order.language, draft.question, (hit.text for hit in hits[:_DOUBTED])
        )
        verdict = await self._model.ask(messages, drafts.WHETHER_ANSWERED, order.seed)
        if verdict.values.get("answered") is not False:
            return replace(draft, dropped="something answers it")
        return draft

    def _write(self, entry: DocumentEntry, order: Order, drafted: Sequence[Draft]) -> None:
        """Each file in one write: whatever ends the process, a document is in or it is not."""
        drafted = [self._new(draft) for draft in drafted]
        kept = [draft for draft in drafted if not draft.dropped]
        dropped = [draft for draft in drafted if draft.dropped]
        _append(self._out, [_line(entry, draft) for draft in kept])
        noted = [{"kind": d.kind, "question": d.question, "why": d.dropped} for d in dropped]
        log = {"document": entry.document, "seed": order.seed, "model": self._model.name}
        _append(self._log, [log | {"kept": len(kept), "dropped": noted}])
        self.kept += len(kept)
        self.dropped += dropped

    def _new(self, draft: Draft) -> Draft:
        """Of questions that two documents give, the first one is kept."""
        words = " ".join(draft.question.casefold().split())
        if draft.dropped or words not in self._before:
            self._before.add(words)
            return draft
        return replace(draft, dropped="was asked before")


def log_of(out: Path) -> Path:
    return out.with_name(f"{out.name}.log")


def done(out: Path) -> set[str]:
    """The documents that were drafted. Raises Trouble when either file is no such file."""
    return {line["document"] or line["near"] for f in (out, log_of(out)) for line in _lines(f)}


def _questions(out: Path) -> Iterator[str]:
    return (line["question"] for line in _lines(out))


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    """Raises Trouble."""
    if not file.exists():
        return
    for number, text in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            line = json.loads(text)
            known = line.get("document") or line.get("near")
        except (ValueError, AttributeError):
            known = None
        if not known:
            reason = "was not made by `palabre eval make`: name another file with --out"
            raise Trouble(f"{file}: line {number} {reason}")
        yield line


def _line(entry: DocumentEntry, draft: Draft) -> dict[str, Any]:
    """`near` is the document that a question without an answer was drafted from."""
    line = {"question": draft.question, "kind": draft.kind, "language": entry.language}
    if draft.kind == prompts.UNANSWERABLE:
        return line | {"document": None, "near": entry.document}
    return line | {"document": entry.document, "passage": draft.passage}


def _append(file: Path, lines: Sequence[dict[str, Any]]) -> None:
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    with file.open("a", encoding="utf-8") as opened:
        opened.write(text)
