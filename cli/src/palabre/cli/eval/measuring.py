"""Asks every question and notes what came: in time, in what place, above or below the floor."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from palabre.cli.eval.local import Local
from palabre.cli.eval.outcomes import PLACES, Outcome, Ranks
from palabre.cli.eval.questions import Asked
from palabre.cli.eval.searched import Hit, Searched

_FOUND_SHOWN = 5
LEFT_OUT = "document left out"


async def ask_all(
    searched: Searched,
    asked: Sequence[Asked],
    advance: Callable[[], None],
    clock: Callable[[], float] = time.perf_counter,
) -> list[Outcome]:
    """One after the other. Raises Trouble."""
    await searched.find(asked[0], floor=True)  # what is loaded once is no question's own time
    return await _all(searched, asked, advance, clock)


async def ask_left_out(
    local: Local, asked: Sequence[Asked], folds: int, advance: Callable[[], None]
) -> list[Outcome]:
    """Every answerable question once more, while the documents that answer it are not there.

    Documents leave in so many groups, one after the other. What others answer as well is counted
    as if it had no answer: abstention is at least what this says.
    """
    names = sorted({name for question in asked for name in question.documents})
    outcomes = []
    for fold in range(folds):
        gone = set(names[fold::folds])
        theirs = [q for q in asked if q.documents and gone.issuperset(q.documents)]
        async with local.without(gone):
            questions = [_unanswerable(question) for question in theirs]
            outcomes += await _all(local, questions, advance, time.perf_counter)
    return outcomes


def _unanswerable(asked: Asked) -> Asked:
    return replace(asked, documents=(), passages=(), kind=LEFT_OUT)


async def _all(
    searched: Searched,
    asked: Sequence[Asked],
    advance: Callable[[], None],
    clock: Callable[[], float],
) -> list[Outcome]:
    outcomes = []
    for question in asked:
        outcomes.append(await _ask(searched, question, clock))
        advance()
    return outcomes


async def _ask(searched: Searched, asked: Asked, clock: Callable[[], float]) -> Outcome:
    begun = clock()
    hits = await searched.find(asked, floor=True)
    spent = clock() - begun
    below = await searched.find(asked, floor=False)
    return Outcome(
        key=f"{asked.key}\0{LEFT_OUT}" if asked.kind == LEFT_OUT else asked.key,
        question=asked.question,
        documents=asked.documents,
        kind=asked.kind,
        asked=_documents(asked, hits),
        all=_documents(asked, below),
        passages_asked=_passages(asked, hits) if asked.passages else None,
        passages_all=_passages(asked, below) if asked.passages else None,
        nothing=not hits,
        relevance=max((hit.relevance for hit in below), default=0.0),
        found=tuple(dict.fromkeys(hit.document for hit in hits or below))[:_FOUND_SHOWN],
        ms=spent * 1_000,
    )


def _documents(asked: Asked, hits: Sequence[Hit]) -> Ranks:
    """The place of a document is that of its first passage, as an asker gets them."""
    first: dict[str, int] = {}
    for place, hit in enumerate(hits[:PLACES], start=1):
        first.setdefault(hit.document, place)
    places = tuple(sorted(first[name] for name in asked.documents if name in first))
    return Ranks(places, len(asked.documents) or 1)


def _passages(asked: Asked, hits: Sequence[Hit]) -> Ranks:
    """A passage that contains the words, in a document that answers."""
    texts = [_plain(hit.text) if hit.document in asked.documents else "" for hit in hits[:PLACES]]
    firsts = (
        next((place for place, text in enumerate(texts, start=1) if _plain(wanted) in text), 0)
        for wanted in asked.passages
    )
    return Ranks(tuple(sorted(filter(None, firsts))), len(asked.passages))


def _plain(text: str) -> str:
    """Words alone: Markdown and line ends are no difference."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())
