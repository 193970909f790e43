"""A story without a model: what the library tells, word for word, strung together with its numbers.

It invents nothing, and says so.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from palabre.contracts.v1.turns_pb2 import Passage
from palabre.llm import replies
from palabre.llm.courtesies import courtesy
from palabre.llm.engines import Material
from palabre.llm.quoting import in_another_language, marked, quotable, titled
from palabre.llm.replies import Say
from palabre.llm.sentences import Sentence

EPISODES = 3
LONGEST = 420  # characters of an episode
VARIANTS = 3  # of each sentence between episodes


@dataclass(frozen=True, slots=True)
class Episode:
    """Sentences of one passage that follow each other."""

    number: int
    title: str
    text: str


def tell(material: Material) -> Iterator[str]:
    """The story, an episode a piece, then three ways to go on. The same for the same request."""
    say = replies.of(material.language, material.address)
    if key := courtesy(material.question):
        yield say(f"story_{key}")
        return
    episodes = list(_episodes(material.passages))
    if not episodes:
        yield say("story_none")
        return
    seed = zlib.crc32(material.question.encode())
    yield f"{say(f'story_opening_{seed % VARIANTS}')}\n\n"
    for place, episode in enumerate(episodes):
        if place:
            yield f"*{say(f'story_then_{(seed + place) % VARIANTS}')}*\n\n"
        yield f"{marked(episode.text, episode.number)}\n\n"
    yield _ways(say, episodes, material.passages)
    yield f"\n\n*{say('story_without_model')}*"
    told = [material.passages[episode.number - 1] for episode in episodes]
    if in_another_language(told, material.language):
        yield f"\n\n*{say('quoted_as_written')}*"


def _episodes(passages: Sequence[Passage]) -> Iterator[Episode]:
    """Of the best passages, one a document, from their beginning: each sets its own scene."""
    seen: set[str] = set()
    for number, passage in enumerate(passages, 1):
        said = quotable(passage.text)
        if passage.document in seen or not said or len(seen) == EPISODES:
            continue
        seen.add(passage.document)
        yield Episode(number, titled(passage.title), _following(said))


def _following(said: Sequence[Sentence]) -> str:
    """As many as are pleasant to read at once."""
    text = said[0].text
    for sentence in said[1:]:
        if len(text) + len(sentence.text) >= LONGEST:
            break
        text += f" {sentence.text}"
    return text


def _ways(say: Say, episodes: Sequence[Episode], passages: Sequence[Passage]) -> str:
    told = [episode.title for episode in episodes if episode.title]
    others = [t for passage in passages if (t := titled(passage.title)) and t not in told]
    follow, seek = (told or [""])[0], (others or told[1:] or [""])[0]
    ways = [say("story_follow", title=follow)] if follow else []
    ways += [say("story_seek", title=seek)] if seek else []
    ways += [say("story_wait")]
    lines = (f"{number}. {way}" for number, way in enumerate(ways, 1))
    return "\n".join((f"**{say('story_choice')}**\n", *lines))
