"""Text as it is said, character by character traceable to the text as it was written."""

from palabre.chassis.segments import MARKS
from palabre.tts.normalise import english, french
from palabre.tts.normalise.aligned import Aligned, Rule

_LANGUAGES: dict[str, tuple[Rule, ...]] = {"fr": french.RULES, "en": english.RULES}


def speakable(text: str, language: str) -> Aligned:
    """Markdown marks and source marks are taken off, then the language's rules are applied.

    `language` is BCP 47. A language without rules keeps its numbers for the engine to read.
    """
    rules = _LANGUAGES.get(language.split("-")[0].lower(), ())
    return Aligned.of(text).apply((*MARKS, *rules)).strip()
