"""Words that ask nothing: hello, thanks, goodbye."""

from palabre.llm.words import words


def _set(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_COURTESIES = {
    "hello": _set("bonjour bonsoir salut coucou hello hi hey good morning evening"),
    "thanks": _set("merci beaucoup bien super parfait ok thanks thank you very much"),
    "goodbye": _set("au revoir bonne journee soiree merci bye goodbye a bientot"),
}


def courtesy(question: str) -> str:
    """hello, thanks or goodbye when the words say nothing else."""
    said = frozenset(words(question))
    return next((key for key, known in _COURTESIES.items() if said and said <= known), "")
