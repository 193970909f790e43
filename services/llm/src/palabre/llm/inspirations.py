"""Which passages a story took something from, by the words that they alone have in common."""

from collections import Counter
from collections.abc import Sequence

from palabre.contracts.v1.turns_pb2 import Passage
from palabre.llm.words import stems

ENOUGH = 4  # stems of a passage that the story took up, its title's counting twice
MOST = 3


def of(story: str, asked: str, passages: Sequence[Passage]) -> list[int]:
    """Their numbers, ascending. Words of the request, or of several passages, show nothing."""
    told = set(stems(story)) - set(stems(asked))
    titles = [set(stems(passage.title)) for passage in passages]
    own = [set(stems(p.text)) | title for p, title in zip(passages, titles, strict=True)]
    shared = {stem for stem, count in Counter(s for some in own for s in some).items() if count > 1}
    found = [(one & told) - shared for one in own]
    scores = [len(f) + len(f & title) for f, title in zip(found, titles, strict=True)]
    best = sorted(range(len(scores)), key=lambda n: -scores[n])[:MOST]
    return sorted(n + 1 for n in best if scores[n] >= ENOUGH)
