"""Sentences of passages, as an engine without a model may show them."""

import re
import unicodedata
from collections.abc import Iterable

from palabre.contracts.v1.turns_pb2 import Passage
from palabre.llm.sentences import Sentence, plain, sentences
from palabre.llm.untrusted import data
from palabre.llm.words import fold

LONGEST_TITLE = 120  # characters
# Letters of other scripts that look like Latin ones (Unicode TR 39, the commonest).
_ALIKE = str.maketrans(
    "аеорсухіјѕԁһӏқгтмнвкαορενικτυχ0134@$", "aeopcyxijsdhlkrtmhbkaopeviktyxoieaas"
)

# Sentences that speak to a machine and not to a reader are never quoted.
_TO_A_MACHINE = re.compile(
    r"\b(ignor(e[sz]?|a|iere|ar)|oublie[sz]?|disregard|forget|override|bypass|olvida|dimentica"
    r"|vergiss|esqueca|zignoruj|ignora[td]i) .{0,40}"
    r"(instruction|consigne|regle|rule|prompt|instruccion|regla|istruzion|regol|anweisung|regeln"
    r"|instruc|polecenia)"
    r"|\b(ignore|oublie|disregard|forget)[a-z]{0,40}(instruction|consigne|regle|rule)"
    r"|\b(system|systeme) ?(prompt|message|:)|\bprompt\b"
    r"|\b(you are|tu es|vous etes) (now|maintenant|desormais) (un|une|l|a|an|the|dan)\b"
    r"|\b(developer mode|mode developpeur|jailbreak)\b"
    r"|\b(assistant ?:|as an ai|en tant qu.?ia|chatbot|language model|modele de langage)"
    r"|\b(revele|reveal|repeat|repete|affiche|print)\w* .{0,30}(instruction|consigne|prompt|system)"
    r"|\b(reponds|repondez|respond|reply|answer) (uniquement|seulement|toujours|only|always)\b"
    r"|<\|?(im_|system|/?s>)|\[/?inst\]|\bcurl \b|\bbase64\b|\{\{|\{%"
)
_SPELLED = re.compile(r"\b(?:[a-z][ .*_·-]{1,2}){4,}[a-z]\b")


def speaks_to_a_machine(sentence: str) -> bool:
    folded = fold(sentence)
    return bool(_TO_A_MACHINE.search(folded) or _TO_A_MACHINE.search(_disguised(sentence)))


def quotable(markdown: str) -> list[Sentence]:
    """The sentences of a passage that a reader may be shown."""
    found = sentences(data(markdown))
    return [s for s in found if not any(map(speaks_to_a_machine, (s.intro, s.text)))]


def titled(title: str) -> str:
    """As it may stand among our own words: one line, or empty where it is none to show."""
    shown = plain(data(title)).replace("«", "“").replace("»", "”")
    if speaks_to_a_machine(shown) or len(shown) > LONGEST_TITLE:
        return ""
    return shown


def _disguised(sentence: str) -> str:
    """Full-width and mathematical letters, look-alikes, and words spelled letter by letter."""
    latin = fold(unicodedata.normalize("NFKC", sentence)).translate(_ALIKE)
    return _SPELLED.sub(lambda m: re.sub(r"[^a-z]", "", m[0]), latin)


def marked(text: str, number: int) -> str:
    """The number goes before a full stop, after any other end."""
    text = text.rstrip(" ;,")
    if text.endswith((".", "…")) or text[-1].isalnum() or text[-1] in "»)%€":
        return f"{text.rstrip('.')} [{number}]."
    return f"{text} [{number}]"


def in_another_language(quoted: Iterable[Passage], language: str) -> bool:
    """Whether one of the passages is in another language than this one, as far as is known."""
    spoken = language.split("-")[0]
    written = {passage.language.split("-")[0] for passage in quoted}
    return bool(spoken and written - {spoken, ""})
