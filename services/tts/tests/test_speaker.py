import asyncio
from itertools import pairwise

import pytest

from palabre.audio import OPUS_RATE, OpusSound
from palabre.chassis import events
from palabre.chassis.ids import uuid7
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2
from palabre.tts.engines import Engine
from palabre.tts.engines.espeak import Espeak
from palabre.tts.engines.silence import Silence
from palabre.tts.handlers import speaker
from palabre.tts.ladder import Ladder

TEXT = "Le délai est de 30 jours, à compter de demain."


def ready(text: str = TEXT, index: int = 0, **values: object) -> pb.Event:
    segment = pb.SegmentReady(text=text, language="fr", **values)  # type: ignore[arg-type]
    said = events.begin("demo", "web", uuid7(), pb.UtteranceReceived())
    return events.follow(said, segment, index=index, attempt=7)


async def spoken(event: pb.Event, *engines: Engine) -> tuple[list[pb.Event], pb.Event]:
    """The frames, and the fact that follows them."""
    handle = speaker(Ladder(engines or [Silence()]))
    *frames, completed = [result async for result in handle(event)]
    assert {events.body_name(frame) for frame in frames} == {"speech_frame"}
    assert events.body_name(completed) == "speech_completed"
    return frames, completed


async def test_a_segment_becomes_opus_frames_of_20_ms_in_order() -> None:
    frames, completed = await spoken(ready(), Espeak())
    bodies = [event.speech_frame for event in frames]
    assert [body.sequence for body in bodies] == list(range(len(bodies)))
    assert [body.offset_ms for body in bodies] == [20 * n for n in range(len(bodies))]
    assert {body.encoding for body in bodies} == {turns_pb2.AUDIO_ENCODING_OPUS}
    decoder = OpusSound()
    heard = b"".join(decoder.feed(body.data) for body in bodies)
    assert len(heard) == len(frames) * OPUS_RATE // 50 * 2
    assert completed.speech_completed.duration_ms == len(frames) * 20
    assert completed.speech_completed.frames == len(frames)


async def test_frames_carry_the_segment_s_place_and_attempt() -> None:
    frames, completed = await spoken(ready(index=3))
    assert {(e.index, e.attempt) for e in [*frames, completed]} == {(3, 7)}


async def test_only_the_last_frame_is_the_last() -> None:
    frames, completed = await spoken(ready(last=True))
    assert [e.speech_frame.last for e in frames] == [False] * (len(frames) - 1) + [True]
    assert all(e.speech_frame.last_segment for e in frames)
    assert completed.speech_completed.last
    frames, completed = await spoken(ready())
    assert not any(e.speech_frame.last_segment for e in frames)
    assert not completed.speech_completed.last


async def test_mulaw_is_spoken_in_pieces_of_160_bytes() -> None:
    frames, _ = await spoken(ready(encoding=turns_pb2.AUDIO_ENCODING_MULAW))
    assert {len(e.speech_frame.data) for e in frames} == {160}
    assert {e.speech_frame.encoding for e in frames} == {turns_pb2.AUDIO_ENCODING_MULAW}


@pytest.mark.parametrize("text", ["", "[1]", "---"])
async def test_a_last_segment_without_words_ends_the_speech(text: str) -> None:
    (frame,), completed = await spoken(ready(text, last=True))
    body = frame.speech_frame
    assert (body.data, body.duration_ms, body.last, body.last_segment) == (b"", 0, True, True)
    assert completed.speech_completed == pb.SpeechCompleted(last=True)


async def test_a_segment_that_no_engine_can_speak_is_silent_and_not_lost() -> None:
    (frame,), completed = await spoken(ready(last=True), Silence(breaks_after=0))
    assert frame.speech_frame.last
    assert completed.speech_completed == pb.SpeechCompleted(last=True)


async def test_the_next_engine_speaks_when_the_first_cannot() -> None:
    _, completed = await spoken(ready(), Silence("broken", breaks_after=0), Silence("next"))
    assert completed.speech_completed.engine == "next"
    assert completed.speech_completed.voice == "quiet"


async def test_words_have_their_times_in_the_segment_s_text() -> None:
    _, completed = await spoken(ready(), Espeak())
    words = completed.speech_completed.words
    said = [TEXT[w.offset : w.offset + w.length] for w in words]
    assert said == ["Le", "délai", "est", "de", "30", "jours", "à", "compter", "de", "demain"]
    assert all(a.offset_ms < b.offset_ms for a, b in pairwise(words))


async def test_visemes_come_with_the_frames_in_which_they_begin() -> None:
    frames, _ = await spoken(ready(), Espeak())
    visemes = [v for e in frames for v in e.speech_frame.visemes]
    assert len(visemes) > 10
    assert all(a.offset_ms < b.offset_ms for a, b in pairwise(visemes))
    ends = [(e.speech_frame.offset_ms + 20, v) for e in frames[:-1] for v in e.speech_frame.visemes]
    assert all(v.offset_ms < end for end, v in ends)


async def test_the_first_frame_leaves_before_the_sentence_is_whole() -> None:
    handle = speaker(Ladder([Silence(breaks_after=3)]))
    stream = handle(ready("un deux trois quatre cinq"))
    first = await anext(stream)
    assert first.speech_frame.sequence == 0
    rest = [event async for event in stream]
    assert rest[-1].speech_completed.words[-1].offset == len("un deux ")


async def test_a_cancelled_turn_stops_the_engine() -> None:
    async def listen() -> None:
        async for _ in speaker(Ladder([Espeak()]))(ready("Encore un mot, un autre. " * 200)):
            await asyncio.sleep(0.001)

    speaking = asyncio.create_task(listen())
    await asyncio.sleep(0.05)
    speaking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await speaking
    frames, _ = await spoken(ready("Encore."), Espeak())
    assert frames


async def test_segments_of_a_turn_may_be_spoken_at_the_same_time() -> None:
    texts = ["Oui, bien sûr.", TEXT, "Et voilà, c'est la fin."]
    engine = Espeak()
    alone = [await spoken(ready(text, index=n), engine) for n, text in enumerate(texts)]
    together = await asyncio.gather(
        *(spoken(ready(text, index=n), engine) for n, text in enumerate(texts))
    )
    for (_, one), (_, other) in zip(alone, together, strict=True):
        assert _places(one) == _places(other)


def _places(completed: pb.Event) -> list[tuple[int, int]]:
    return [(word.offset, word.length) for word in completed.speech_completed.words]


async def test_a_segment_is_heard_as_its_persona_wants_it() -> None:
    """In a hall it rings on; the last one of a turn ends without a pause."""
    dry, rings = [
        (await spoken(ready(last=True, voice=turns_pb2.VoiceChoice(filter=name)), Espeak()))[1]
        for name in ("", "hall")
    ]
    longer = rings.speech_completed.duration_ms - dry.speech_completed.duration_ms
    assert 150 < longer < 1500


async def test_what_a_model_writes_can_hold_up_nobody() -> None:
    """No break, no other SSML and no phonemes of espeak's are understood in an answer."""
    plain, marked = [
        (await spoken(ready(text, last=True), Espeak()))[1].speech_completed.duration_ms
        for text in ("Un. Deux.", 'Un. <break time="9s"/><prosody rate="x-slow">Deux.</prosody>')
    ]
    assert abs(marked - plain) < 200
