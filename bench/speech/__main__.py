"""python -m bench.speech [--rounds 15]: how soon and how fast speech comes, and whether it stops.

TTFA: from the text to the first bytes of sound. RTF: seconds of work per second of sound. Beside
them, in the same run, stands the usual way: speak the whole text into a WAV file with the same
library in a process of its own (whole_file.py) or in this one, then encode the file.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import espeakng_loader

from bench.speech.engines import here
from bench.speech.playing import play, speak_at_once
from palabre.audio import MEDIA_TYPES, encoder
from palabre.contracts.v1 import tts_pb2
from palabre.contracts.v1.turns_pb2 import VoiceChoice
from palabre.tts.engines import Engine
from palabre.tts.engines.espeak import Espeak
from palabre.tts.ladder import Ladder
from palabre.tts.servicer import sentences

SENTENCE = "Le délai de préavis est d'un mois en zone tendue, et de trois mois ailleurs."
ANSWER = (
    "Oui, bien sûr, voici ce qu'il faut savoir. " + SENTENCE + " Le loyer de 650,50 € reste dû"
    " jusqu'au 31 mars 2025 à 18h. Vous pouvez appeler le 01 23 45 67 89, du lundi au vendredi."
    " L'état des lieux se fait ensuite, avec M. Dupont, à la date que vous choisissez ensemble. "
) * 3
HEADER = 64  # bytes: no format's header without sound is longer
WHOLE_FILE = Path(__file__).with_name("whole_file.py")


class Run(NamedTuple):
    """Seconds to the first sound, seconds of work, seconds of sound."""

    first: float
    worked: float
    sound: float


Way = Callable[[str, tts_pb2.AudioFormat.ValueType], Awaitable[Run]]


def streamed(engine: Engine) -> Way:
    """As TtsService does it: sentence by sentence, encoded as it comes."""
    ladder = Ladder([engine])

    async def run(text: str, kind: tts_pb2.AudioFormat.ValueType) -> Run:
        begun, first, sound = time.perf_counter(), 0.0, 0.0
        made = encoder(kind)
        for sentence in sentences(text):
            async for piece in ladder.speak(sentence, "fr", VoiceChoice()):
                data = made.feed(piece.pcm, piece.rate)
                sound += piece.seconds
                if len(data) > HEADER and not first:
                    first = time.perf_counter() - begun
        made.close()
        return Run(first, time.perf_counter() - begun, sound)

    return run


async def whole_in_process(text: str, kind: tts_pb2.AudioFormat.ValueType) -> Run:
    """Everything is spoken, then everything is encoded (pyttsx3's save_to_file, then a server)."""
    begun = time.perf_counter()
    sounds = [s async for s in Ladder([Espeak()]).speak(text, "fr", VoiceChoice())]
    pcm, rate = b"".join(s.pcm for s in sounds), sounds[0].rate
    _encode(pcm, rate, kind)
    worked = time.perf_counter() - begun
    return Run(worked, worked, len(pcm) / 2 / rate)


async def whole_in_subprocess(text: str, kind: tts_pb2.AudioFormat.ValueType) -> Run:
    """A process speaks into a WAV file; it is read and encoded."""
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "speech.wav"
        paths = espeakng_loader.get_library_path(), espeakng_loader.get_data_path()
        command = [sys.executable, "-S", "-E", WHOLE_FILE, *paths, "fr", out]
        await asyncio.to_thread(subprocess.run, command, input=text.encode(), check=True)
        with wave.open(str(out)) as file:
            pcm, rate = file.readframes(file.getnframes()), file.getframerate()
    _encode(pcm, rate, kind)
    worked = time.perf_counter() - begun
    return Run(worked, worked, len(pcm) / 2 / rate)


def _encode(pcm: bytes, rate: int, kind: tts_pb2.AudioFormat.ValueType) -> bytes:
    made = encoder(kind)
    return made.feed(pcm, rate) + made.close()


async def measured(
    way: Way, text: str, kind: tts_pb2.AudioFormat.ValueType, rounds: int
) -> tuple[float, float]:
    """Medians of TTFA in milliseconds and of RTF, after a round that does not count."""
    await way(text, kind)
    runs = [await way(text, kind) for _ in range(rounds)]
    first = statistics.median(run.first for run in runs) * 1000
    return first, statistics.median(run.worked / run.sound for run in runs)


def named(kind: tts_pb2.AudioFormat.ValueType) -> str:
    return tts_pb2.AudioFormat.Name(kind).removeprefix("AUDIO_FORMAT_").lower()


async def every_engine(rounds: int) -> None:
    """Beside each other: a sentence, and an answer that is written at 25 words a second."""
    async with here() as found:
        print("\nengine (Ogg Opus)    TTFA ms      RTF   an answer: first sound ms   gaps ms")
        for name, engine in found.items():
            first, factor = await measured(
                streamed(engine), SENTENCE, tts_pb2.AUDIO_FORMAT_OPUS, rounds
            )
            played = await play(ANSWER, words_per_second=25, engine=engine)
            print(
                f"{name:18} {first:9.2f} {factor:8.5f} {played.first_ms:27.1f}"
                f" {played.stalled_ms:9.1f}"
            )


async def formats(rounds: int) -> None:
    print("\nespeak, format   TTFA ms      RTF   (a sentence)")
    for kind in MEDIA_TYPES:
        first, factor = await measured(streamed(Espeak()), SENTENCE, kind, rounds)
        print(f"        {named(kind):6} {first:9.2f} {factor:8.5f}")


async def ways(rounds: int) -> None:
    """The ratios: how many times longer one waits otherwise."""
    python = statistics.median(_python_starts() for _ in range(5)) * 1000
    print(f"\nto the first sound of Ogg Opus, ms (starting Python alone: {python:.0f})")
    print("text                streamed   whole file   ratio   subprocess   ratio")
    kind = tts_pb2.AUDIO_FORMAT_OPUS
    for name, text in (("a sentence", SENTENCE), (f"{len(ANSWER)} characters", ANSWER)):
        ours, _ = await measured(streamed(Espeak()), text, kind, rounds)
        whole, _ = await measured(whole_in_process, text, kind, max(3, rounds // 3))
        process, _ = await measured(whole_in_subprocess, text, kind, max(3, rounds // 3))
        print(
            f"{name:18} {ours:9.2f} {whole:12.1f} {whole / ours:6.0f}x {process:12.1f}"
            f" {process / ours:6.0f}x"
        )


def _python_starts() -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-S", "-E", "-c", "import ctypes, wave"], check=True)
    return time.perf_counter() - begun


async def crowd() -> None:
    """Many segments at the same moment through the stage, as Opus frames, in one process."""
    print("\nsentences at once   TTFA p50 ms   p95 ms   seconds of sound per second")
    for number in (1, 4, 16, 64):
        begun = time.perf_counter()
        segments = await speak_at_once([SENTENCE] * number)
        took = time.perf_counter() - begun
        firsts = sorted(frames[0].arrived_ms for frames in segments)
        p95 = firsts[int(0.95 * (len(firsts) - 1))]
        total = sum(frame.lasts_ms for frames in segments for frame in frames) / 1000 / took
        print(f"{number:17} {statistics.median(firsts):13.1f} {p95:8.1f} {total:12.0f}")


async def conversation() -> None:
    """An answer that is still being written, through Segmenter and the stage, into a player."""
    print("\nan answer that is written at     first sound ms   silence that nobody meant, ms")
    for pace in (25, 60, 1000):
        played = await play(ANSWER, words_per_second=pace)
        print(f"{pace:5} words a second {played.first_ms:25.1f} {played.stalled_ms:23.1f}")
    whole = len(ANSWER.split()) / 60 * 1000
    print(f"(whoever waits for the whole answer at 60 words a second begins after {whole:.0f} ms)")


async def main(rounds: int) -> None:
    await every_engine(rounds)
    await formats(rounds)
    await ways(rounds)
    await crowd()
    await conversation()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    asyncio.run(main(parser.parse_args().rounds))
