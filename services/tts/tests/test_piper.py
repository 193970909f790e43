import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from palabre.tts.engines import Sound, Speech
from palabre.tts.engines.piper import Piper, build
from palabre.tts.errors import UnknownLanguage
from palabre.tts.settings import Settings

from .voices import FRAMES, HOP, RATE, piper_voice

TEXT = "Le bail dure trois ans. Il se renouvelle."


def speaking(*voices: Path) -> Piper:
    return build(Settings(tts_piper_voices=", ".join(map(str, voices))))


async def hear(
    engine: Piper, text: str = TEXT, language: str = "fr", voice: str = ""
) -> list[Sound]:
    return [sound async for sound in engine.speak(Speech(text, language, voice))]


async def test_each_sentence_is_a_sound_of_its_own(tmp_path: Path) -> None:
    sounds = await hear(speaking(piper_voice(tmp_path, "fr_FR-a-low", "fr_FR")))
    assert len(sounds) == 2
    first_ms = sounds[0].seconds * 1000
    assert all(word.offset_ms >= first_ms - 1 for word in sounds[1].words)
    assert TEXT[sounds[1].words[0].offset :].startswith("Il")


async def test_a_voice_that_tells_its_times_is_followed_to_the_phoneme(tmp_path: Path) -> None:
    (sound,) = await hear(speaking(piper_voice(tmp_path, "fr_FR-a-low", "fr_FR")), "Papa.")
    assert not sound.estimated
    shapes = [viseme.shape for viseme in sound.visemes]
    assert shapes == ["sil", "PP", "aa", "PP", "aa", "sil"]
    assert all(a.offset_ms + a.duration_ms == b.offset_ms for a, b in pairwise(sound.visemes))
    phoneme_ms = 2 * FRAMES * HOP / RATE * 1000  # the sign, and the blank after it
    assert sound.visemes[1].duration_ms == pytest.approx(phoneme_ms, abs=2)
    assert sound.words[0].offset_ms == sound.visemes[1].offset_ms


async def test_times_that_a_voice_does_not_tell_are_marked_as_estimated(tmp_path: Path) -> None:
    voice = piper_voice(tmp_path, "fr_FR-a-low", "fr_FR", durations=False)
    (sound,) = await hear(speaking(voice), "Papa.")
    assert sound.estimated
    assert "PP" in {viseme.shape for viseme in sound.visemes}
    last = sound.visemes[-1]
    assert last.offset_ms + last.duration_ms == pytest.approx(sound.seconds * 1000, abs=2)


async def test_a_voice_speaks_its_language_and_gives_way_for_others(tmp_path: Path) -> None:
    french = piper_voice(tmp_path, "fr_FR-a-low", "fr_FR")
    english = piper_voice(tmp_path, "en_GB-b-low", "en_GB")
    engine = speaking(french, english)
    assert {s.voice for s in await hear(engine, "No.", "en", "fr_FR-a-low")} == {"en_GB-b-low"}
    assert {s.voice for s in await hear(engine, "Non.", "fr-CA")} == {"fr_FR-a-low"}
    with pytest.raises(UnknownLanguage):
        await hear(engine, "Nein.", "de")


async def test_speakers_of_a_file_are_voices_and_a_folder_is_all_its_files(tmp_path: Path) -> None:
    piper_voice(tmp_path, "fr_FR-duo-low", "fr_FR", speakers=("anne", "luc"))
    piper_voice(tmp_path, "fr_FR-solo-low", "fr_FR", speakers=("seul",))
    engine = speaking(tmp_path)
    names = [voice.name for voice in await engine.voices()]
    assert names == ["fr_FR-duo-low/anne", "fr_FR-duo-low/luc", "fr_FR-solo-low"]
    assert {tuple(v.languages) for v in await engine.voices()} == {("fr", "fr-FR")}
    sounds = await hear(engine, voice="fr_FR-duo-low/luc")
    assert {sound.voice for sound in sounds} == {"fr_FR-duo-low/luc"}


async def test_a_text_cannot_slip_in_phonemes(tmp_path: Path) -> None:
    engine = speaking(piper_voice(tmp_path, "fr_FR-a-low", "fr_FR"))
    plain = await hear(engine, "Bonjour papa papa.")
    bracketed = await hear(engine, "Bonjour [[papa papa]].")
    assert sum(s.seconds for s in bracketed) == pytest.approx(
        sum(s.seconds for s in plain), rel=0.2
    )


async def test_a_very_long_sentence_is_spoken_in_parts(tmp_path: Path) -> None:
    engine = speaking(piper_voice(tmp_path, "fr_FR-a-low", "fr_FR"))
    text = "un mot et un autre, " * 60
    sounds = await hear(engine, text)
    assert len(sounds) > 2
    words = [word for sound in sounds for word in sound.words]
    assert [text[w.offset : w.offset + w.length] for w in words] == text.replace(",", "").split()


async def test_a_listener_that_leaves_frees_the_cores(tmp_path: Path) -> None:
    engine = speaking(piper_voice(tmp_path, "fr_FR-a-low", "fr_FR"))
    speech = Speech("Encore une phrase. " * 200, "fr")
    sounds = [engine.speak(speech) for _ in range(8)]
    await asyncio.gather(*(anext(s) for s in sounds))
    await asyncio.gather(*(s.aclose() for s in sounds))
    assert await asyncio.wait_for(hear(engine, "Bonjour."), 5)


def test_a_voice_without_its_description_is_refused(tmp_path: Path) -> None:
    voice = piper_voice(tmp_path, "fr_FR-a-low", "fr_FR")
    Path(f"{voice}.json").unlink()
    with pytest.raises(ValueError, match=r"PALABRE_TTS_PIPER_VOICES: .*onnx\.json cannot be read"):
        speaking(voice)


@pytest.mark.parametrize(("voices", "words"), [("", "no voice"), ("/nowhere", "is no file")])
def test_without_a_voice_it_does_not_start(voices: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        build(Settings(tts_piper_voices=voices))


def test_a_voice_that_would_download_is_refused(tmp_path: Path) -> None:
    voice = piper_voice(tmp_path, "zh_CN-a-low", "zh_CN", phoneme_type="pinyin")
    with pytest.raises(ValueError, match="Piper would download"):
        speaking(voice)


def test_a_file_that_is_no_model_is_refused_by_name(tmp_path: Path) -> None:
    voice = piper_voice(tmp_path, "fr_FR-a-low", "fr_FR")
    voice.write_bytes(b"<html>not found</html>")
    with pytest.raises(ValueError, match=r"fr_FR-a-low\.onnx is no Piper voice"):
        speaking(voice)
