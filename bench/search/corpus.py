"""Text to measure with: French-like, its words as unevenly used as real ones."""

import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever import documents
from palabre.retriever.passages import cut

ONSETS = ("", "b", "br", "c", "ch", "d", "f", "gr", "l", "m", "n", "p", "pr", "r", "s", "t", "v")
VOWELS = ("a", "e", "é", "i", "o", "ou", "u", "an", "on", "oi", "eau", "ai")
ENDS = ("", "", "s", "r", "ment", "tion", "té", "e", "es", "ique", "age", "eur")
VOCABULARY = 30_000
SMALL_WORDS = ("le", "la", "les", "de", "des", "du", "un", "et", "à", "en", "pour", "que", "qui")
SENTENCE_WORDS = (8, 22)
PASSAGES_A_DOCUMENT = 10
PASSAGE_CHARACTERS = 680


@dataclass(frozen=True, slots=True)
class Text:
    """A document in Markdown, about PASSAGES_A_DOCUMENT passages long."""

    name: str
    markdown: str


class Writer:
    """The same seed writes the same."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        words = dict.fromkeys(self._word() for _ in range(VOCABULARY))
        self._words = sorted(words, key=lambda _: self._random.random())
        # Zipf: the n-th word is used 1 / n as often as the first.
        self._weights = list(itertools.accumulate(1 / (n + 20) for n in range(len(self._words))))

    def texts(self, passages: int) -> Iterator[Text]:
        for number in range(max(1, passages // PASSAGES_A_DOCUMENT)):
            yield Text(f"d{number:06}.md", self._document())

    def question(self) -> str:
        """Twelve words, as people ask."""
        return f"comment {self._phrase(3)} et {self._phrase(2)} ?"

    def _document(self) -> str:
        sections = (
            f"## {self._phrase(4).capitalize()}\n\n{self._paragraph()}"
            for _ in range(PASSAGES_A_DOCUMENT)
        )
        title = self._phrase(5).capitalize()
        return f"---\ntitle: {title}\nlanguage: fr\n---\n# {title}\n\n" + "\n\n".join(sections)

    def _paragraph(self) -> str:
        sentences = ""
        while len(sentences) < PASSAGE_CHARACTERS:
            sentences += self._phrase(self._random.randint(*SENTENCE_WORDS)).capitalize() + ". "
        return sentences.strip()

    def _phrase(self, words: int) -> str:
        chosen = self._random.choices(self._words, cum_weights=self._weights, k=words)
        small = self._random.choices(SMALL_WORDS, k=words)
        return " ".join(itertools.chain.from_iterable(zip(small, chosen, strict=True)))

    def _word(self) -> str:
        pick = self._random.choice
        syllables = (pick(ONSETS) + pick(VOWELS) for _ in range(self._random.randint(1, 3)))
        return "".join(syllables) + pick(ENDS)


def from_folder(folder: Path, passages: int) -> Iterator[Text]:
    """The folder's Markdown, again and again until there is enough; each copy has its own name."""
    files = sorted(folder.rglob("*.md"))
    written = 0
    for copy in itertools.count():
        for file in files:
            if written >= passages:
                return
            text = file.read_text(encoding="utf-8")
            written += max(1, len(text) // PASSAGE_CHARACTERS)
            yield Text(f"{copy}/{file.name}", f"{text}\n\nExemplaire {copy}.\n")


def write(folder: Path, passages: int, more: int, questions: int) -> None:
    """A corpus on disk: Markdown for us, for the others the passages that we cut it into.

    docs.jsonl, passages.jsonl; more-docs.jsonl, more.jsonl to come in later; questions.json.
    """
    writer, later = Writer(), Writer(2)
    asked = [writer.question() for _ in range(questions)]
    (folder / "questions.json").write_text(json.dumps(asked), encoding="utf-8")
    _write(folder / "docs.jsonl", folder / "passages.jsonl", writer.texts(passages))
    others = (Text(f"n{text.name}", text.markdown) for text in later.texts(more))
    _write(folder / "more-docs.jsonl", folder / "more.jsonl", others)


def _write(whole: Path, pieces: Path, texts: Iterator[Text]) -> None:
    with whole.open("w", encoding="utf-8") as docs, pieces.open("w", encoding="utf-8") as passages:
        for text in texts:
            docs.write(json.dumps(asdict(text), ensure_ascii=False) + "\n")
            read = documents.read(text.name, text.markdown.encode())
            for piece in cut(read.sections, Passage(title=read.title, language="fr")):
                passage = {"text": "\n".join((*piece.passage.heading_path, piece.passage.text))}
                passages.write(json.dumps(passage, ensure_ascii=False) + "\n")
