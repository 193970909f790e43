"""Sentences of passages, as an engine without a model may show them."""

import re

from palabre.llm.words import fold

# Sentences that speak to a machine and not to a reader are never quoted.
_TO_A_MACHINE = re.compile(
    r"\b(ignore[sz]?|oublie[sz]?|disregard|forget|override) .{0,40}"
    r"(instruction|consigne|regle|rule|prompt)"
    r"|\b(system|systeme) ?(prompt|message|:)|\bprompt\b"
    r"|\b(you are|tu es|vous etes) (now|maintenant|desormais) (un|une|l|a|an|the|dan)\b"
    r"|\b(developer mode|mode developpeur|jailbreak)\b"
    r"|\b(assistant ?:|as an ai|en tant qu.?ia|chatbot|language model|modele de langage)"
    r"|\b(revele|reveal|repeat|repete|affiche|print)\w* .{0,30}(instruction|consigne|prompt|system)"
    r"|\b(reponds|repondez|respond|reply|answer) (uniquement|seulement|toujours|only|always)\b"
    r"|<\|?(im_|system|/?s>)|\[/?inst\]|\bcurl \b|\bbase64\b|\{\{|\{%"
)


def speaks_to_a_machine(sentence: str) -> bool:
    return bool(_TO_A_MACHINE.search(fold(sentence)))


def marked(text: str, number: int) -> str:
    """The number goes before a full stop, after any other end."""
    text = text.rstrip(" ;,")
    if text.endswith((".", "…")) or text[-1].isalnum() or text[-1] in "»)%€":
        return f"{text.rstrip('.')} [{number}]."
    return f"{text} [{number}]"
