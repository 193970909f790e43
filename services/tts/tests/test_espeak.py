import numpy as np
import pytest

from palabre.tts.engines import Speech
from palabre.tts.engines.espeak import Espeak
from palabre.tts.errors import CannotSpeak, UnknownVoice


@pytest.mark.parametrize(
    ("voice", "language", "identifier"),
    [
        ("", "fr", "roa/fr"),
        ("", "fr-FR", "roa/fr"),
        ("", "fr-BE", "roa/fr-BE"),
        ("", "fr-CA", "roa/fr"),
        ("", "en-GB", "gmw/en"),
        ("", "en-US", "gmw/en-US"),
        ("", "pt-BR", "roa/pt-BR"),
        ("", "zh-CN", "sit/cmn"),
        ("fr", "fr-FR", "roa/fr"),
        ("fr-be", "fr-FR", "roa/fr-BE"),
        ("f3", "fr", "roa/fr+f3"),
        ("fr+f3", "fr", "roa/fr+f3"),
        ("fr+F3", "en", "gmw/en+f3"),
        ("fr", "en", "gmw/en"),
        ("fr+Gene2", "fr", "roa/fr+Gene2"),
    ],
)
def test_a_voice_gives_way_to_the_language(voice: str, language: str, identifier: str) -> None:
    assert Espeak().identifier(voice, language) == identifier


@pytest.mark.parametrize("voice", ["nobody", "fr+nobody", "nobody+f3", "../../etc/passwd"])
def test_an_unknown_voice_or_variant_is_refused(voice: str) -> None:
    with pytest.raises(UnknownVoice, match=r"such as fr, fr\+f3, fr\+m3"):
        Espeak().identifier(voice, "fr")


def test_a_cloned_voice_is_known_to_need_another_engine() -> None:
    with pytest.raises(UnknownVoice, match="espeak clones no voice: set up an engine that does"):
        Espeak().identifier("clone:marie", "fr")


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(CannotSpeak, match="does not speak 'tlh-x'"):
        Espeak().identifier("", "tlh-x")


async def test_variants_and_pitch_change_the_voice() -> None:
    async def pitch(**values: object) -> float:
        """In hertz, by autocorrelation."""
        speech = Speech("Maman, ma maman.", "fr", **values)  # type: ignore[arg-type]
        sounds = [sound async for sound in Espeak().speak(speech)]
        samples, rate = np.frombuffer(b"".join(s.pcm for s in sounds), np.int16), sounds[0].rate
        alike = np.fft.irfft(np.abs(np.fft.rfft(samples, 2 * len(samples))) ** 2)
        shortest, longest = rate // 400, rate // 60
        return float(rate / (shortest + np.argmax(alike[shortest:longest])))

    plain = await pitch()
    assert await pitch(voice="f3") > 1.3 * plain
    assert await pitch(pitch=90) > 1.3 * plain


async def test_the_first_sound_is_short_so_that_it_leaves_at_once() -> None:
    async for sound in Espeak().speak(Speech("Bonjour à tous, et merci d'être venus.", "fr")):
        assert 0.03 < sound.seconds < 0.1
        break
