"""Text of others, before a model or a person sees it."""

import re
import unicodedata

# Marks of chat templates: ChatML and Llama 3 (<|…|>, DeepSeek's with full-width bars), Llama 2 and
# Mistral ([INST], <<SYS>>, <s>), Gemma (<start_of_turn>), Qwen and Hermes (<tool_call>), and what
# imitates the tags of our own prompts. A blank for the bracket, and no tokenizer knows them.
_WORDS = (
    "s|bos|eos|pad|unk|sys|think|tools?|tool_calls?|tool_response|function_calls?|function|invoke"
    "|start_of_turn|end_of_turn|system|assistant|user|human|passages|questions?|conversation"
    "|messages?|images?|claims|thread|fil|subject|sujet|points|wishes"
    "|souhaits"
)
_SPECIAL = re.compile(
    rf"<(?=\s?[|\uff5c])|(?<=[|\uff5c])>|<(?=\s?/?\s?<?\s?/?(?:{_WORDS})\b[^<>\n]{{0,80}}>)"
    r"|\[(?=/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|SYSTEM_PROMPT)\])",
    re.IGNORECASE,
)
# What nobody sees and is no control character: fillers, joiners, selectors (in which bytes can
# be hidden) beyond the one that an emoji may have.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0d\uffa0\U000e0100-\U000e01ef]"
    "|(?<=[\ufe0e\ufe0f])[\ufe0e\ufe0f]"
)
_LINE_ENDS = re.compile("\r\n?|[\u0085\u2028\u2029]")


def data(text: str, longest: int = 0) -> str:
    """Without control, invisible or reordering characters and chat templates' marks.

    Cut to `longest` characters; 0: as long as it is.
    """
    kept = _SPECIAL.sub(" ", seen(text))
    return f"{kept[:longest]}…" if 0 < longest < len(kept) else kept


def seen(text: str) -> str:
    """What of a text a reader sees, with ordinary line ends."""
    if not _without_blanks(text).isprintable():
        lines = _LINE_ENDS.sub("\n", text)
        text = "".join(c for c in lines if c in "\n\t" or unicodedata.category(c)[0] != "C")
    return _UNSEEN.sub("", text)


def _without_blanks(text: str) -> str:
    """What remains is printable unless there is something to take out: no look at every letter."""
    return text.replace("\n", "").replace("\t", "").replace("\u00a0", "").replace("\u202f", "")
