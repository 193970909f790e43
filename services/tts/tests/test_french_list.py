"""How a list of texts is said in French; the list was written before the rules that say it."""

import re
from pathlib import Path

import pytest

from palabre.tts.normalise import speakable

LIST = Path(__file__).parent / "data" / "french.txt"
BAR = 0.98


def items() -> list[tuple[str, str]]:
    """(written, said) of each line."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if " | " in line and not line.startswith("# ")]
    return [_unfolded(*line.rsplit(" | ", 1)) for line in kept]


def _unfolded(written: str, said: str) -> tuple[str, str]:
    written = written.replace("␣", "\u202f").replace("⍽", "\u00a0").replace("\\n", "\n")
    return written, said


def folded(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def wrong() -> list[str]:
    said = [(written, speakable(written, "fr-FR").text, right) for written, right in items()]
    return [f"{w!r}: {s!r}, not {r!r}" for w, s, r in said if folded(s) != folded(r)]


def test_the_list_is_long_and_has_nothing_twice() -> None:
    written = [item[0] for item in items()]
    assert len(written) >= 300
    assert len(set(written)) == len(written)


def test_french_is_said_right() -> None:
    mistakes = wrong()
    share = 1 - len(mistakes) / len(items())
    assert share >= BAR, "\n".join(mistakes)


@pytest.mark.parametrize(("written", "said"), items())
def test_every_place_of_it_is_found_again_in_the_text(written: str, said: str) -> None:
    """A word that is said points into the written text, never before the one said before it."""
    aligned = speakable(written, "fr-FR")
    places = [aligned.original(m.start(), len(m[0])) for m in re.finditer(r"\S+", aligned.text)]
    assert all(start >= 0 and start + size <= len(written) for start, size in places)
    assert [start for start, _ in places] == sorted(start for start, _ in places)
