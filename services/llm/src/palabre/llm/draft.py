"""An answer while it is written: its deltas, its segments, the sources that it cites."""

from collections.abc import Collection, Iterator, Sequence

from palabre.chassis.events import follow
from palabre.chassis.segments import Cut, Segmenter, spoken
from palabre.chassis.spaces import Voice
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Passage, Source, VoiceChoice
from palabre.llm.citations import Citations, Pair, Supporting, as_cited
from palabre.llm.screening import Screen
from palabre.llm.secrecy import Secrecy, grams
from palabre.llm.sentences import sentences
from palabre.llm.words import stems

LONGEST_QUOTE = 300  # characters


class Draft:
    """One attempt. Text goes in as it comes, events come out; `text` is what has been shown."""

    def __init__(
        self,
        cause: pb.Event,
        attempt: int,
        language: str,
        voice: Voice,
        supporting: Supporting = as_cited,
    ) -> None:
        received = cause.passages_retrieved
        self.cause, self.attempt, self.language = cause, attempt, language
        self.text = ""
        self.citations = Citations(len(received.passages), supporting)
        self.screen, self.secrecy = Screen(received.passages), Secrecy()
        self._passages, self._voice = received.passages, voice
        utterance = received.utterance
        self._encoding = utterance.speech_encoding
        self._segmenter = Segmenter() if utterance.speech else None
        self._deltas = self._segments = 0

    def protect(self, instructions: str, mark: str, sayable: str = "") -> None:
        """What may not be said of the model's instructions; addresses in them may be shown."""
        self.screen.given = instructions
        self.secrecy = Secrecy(grams(instructions) - grams(sayable), mark)

    def announce(self, sentence: str) -> Iterator[pb.Event]:
        """Spoken before the answer, and no part of it."""
        if self._segmenter:
            yield self._segment(Cut(sentence, 0), notice=True)

    def write(self, text: str) -> Iterator[pb.Event]:
        """The delta, and the segments that it completes. Citations without ground are taken out."""
        yield from self._show(self.citations.feed(self.screen.feed(text)))

    def take(self, text: str) -> Iterator[pb.Event]:
        """As `write`, of what a model says: nothing more once it tells its instructions."""
        yield from self.write(self.secrecy.feed(text))

    def took(self) -> Iterator[pb.Event]:
        """The model has said all."""
        yield from self.write(self.secrecy.close())

    def end(self) -> Iterator[pb.Event]:
        """What was held back, and the last segment, which may be empty."""
        yield from self._show(self.citations.feed(self.screen.close()))
        yield from self._show(self.citations.close())
        if self._segmenter:
            *cuts, last = self._segmenter.close() or [Cut("", len(self.text))]
            yield from self._spoken(cuts)
            yield self._segment(last, last=True)

    def withdraw(self, refused: Collection[Pair]) -> None:
        """Takes these marks out of the text, once all of it has been shown."""
        self.text = self.citations.without(self.text, refused)

    def say(self, sentence: str) -> Iterator[pb.Event]:
        """A last sentence that is spoken, and shown by other means."""
        if self._segmenter:
            yield self._segment(Cut(sentence, len(self.text)), last=True)

    def sources(self) -> list[Source]:
        """The passages that were cited, numbered as shown."""
        return [
            Source(
                number=number,
                passage=self._passages[number - 1],
                quote=quoted(self.text, number, self._passages[number - 1]),
            )
            for number in sorted(self.citations.cited)
        ]

    def _show(self, text: str) -> Iterator[pb.Event]:
        if not text:
            return
        delta = pb.AnswerDelta(text=text, offset=len(self.text))
        self.text += text
        yield follow(self.cause, delta, index=self._deltas, attempt=self.attempt)
        self._deltas += 1
        if self._segmenter:
            yield from self._spoken(self._segmenter.feed(text))

    def _spoken(self, cuts: Sequence[Cut]) -> Iterator[pb.Event]:
        return (self._segment(cut) for cut in cuts if spoken(cut.text))

    def _segment(self, cut: Cut, *, last: bool = False, notice: bool = False) -> pb.Event:
        segment = pb.SegmentReady(
            text=spoken(cut.text),
            language=self.language,
            offset=cut.offset,
            voice=VoiceChoice(**self._voice.model_dump()),
            encoding=self._encoding,
            last=last,
            notice=notice,
        )
        self._segments += 1
        return follow(self.cause, segment, index=self._segments - 1, attempt=self.attempt)


def quoted(text: str, number: int, passage: Passage) -> str:
    """The sentence of the passage that shares most words with what precedes its number."""
    before = text[: text.find(f"[{number}]")][-LONGEST_QUOTE:]
    claimed = set(stems(before.rsplit("\n", 1)[-1]))
    found = sentences(passage.text)
    best = max(found, key=lambda s: len(claimed & set(stems(s.text))), default=None)
    return best.text[:LONGEST_QUOTE] if best else ""
