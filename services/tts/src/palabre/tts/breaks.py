"""Pauses that whoever wrote a text asks for, in the way of SSML 1.1 (section 3.2.3)."""

import re

LONGEST_MS = 10_000
LONGEST_TOGETHER_MS = 60_000
_BREAK = re.compile(
    r"""<break\s+time\s*=\s*(["'])\s*(?P<count>\d{1,6}(?:\.\d{1,3})?)\s*(?P<unit>ms|s)\s*\1\s*"""
    r"(?:/>|>\s*</break>)"
)
_REFUSED = re.compile(
    r"<\s*/?\s*(audio|break|emphasis|lang|lexicon|lookup|mark|phoneme|prosody|say-as|sub|token|voice"
    r"|\w+:[\w-]+)(?=[\s/>])[^>]*>",
    re.IGNORECASE,
)


class NotUnderstood(ValueError):
    """Markup that is none of ours; the message names it and says what to write."""


def parts(text: str) -> list[str | int]:
    """Texts to speak, and between them milliseconds of silence. Raises NotUnderstood."""
    found: list[str | int] = []
    at = 0
    for match in _BREAK.finditer(text):
        found += [text[at : match.start()], _length(match)]
        at = match.end()
    found.append(text[at:])
    for part in found:
        if isinstance(part, str) and (other := _REFUSED.search(part)):
            raise NotUnderstood(
                f"<{other[1][:20]}> is not understood here: of SSML only"
                ' <break time="500ms"/> is, or <break time="0.5s"/>; leave the rest out'
            )
    if sum(part for part in found if isinstance(part, int)) > LONGEST_TOGETHER_MS:
        raise NotUnderstood(
            f"the breaks are longer than {LONGEST_TOGETHER_MS // 1000} s together: make them less"
        )
    return [part for part in found if isinstance(part, int) or part.strip()]


def _length(match: re.Match[str]) -> int:
    length = round(float(match["count"]) * (1000 if match["unit"] == "s" else 1))
    if length > LONGEST_MS:
        raise NotUnderstood(f"a break of {length} ms: make it {LONGEST_MS} ms at most")
    return length
