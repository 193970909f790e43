"""Whether a passage supports the sentence that cites it: by words, numbers, names and negation.

A lexical check: it cannot read, so it is lenient where it cannot tell. tests/test_grounding.py
measures it on claims of which half were not seen while it was made.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from palabre.contracts.v1.turns_pb2 import Passage
from palabre.llm.figures import figures, missing
from palabre.llm.sentences import plain, sentences, split
from palabre.llm.words import fold, stems, words

# Share of a claim's stems that its passage has; and of those, that stand close together.
SUPPORTED, TOGETHER = 0.34, 0.25
# From this share of what is denied, the other says it.
SAME = 0.66
# Stems below which a claim says too little to be judged by its words.
FEW = 2
_SHORT = 2  # letters of what may be a name and may be "ID"
_PREFIX = 4  # letters that a word has in common with what was derived from it

_NAME = re.compile(r"(?<=[\w,;:)»’'] )(?:[LDldJjSs]['’])?([A-ZÀ-Þ][\wÀ-ÿ-]+)|\b([A-ZÀ-Þ]{3,})\b")
_NEGATION = re.compile(r"\b(?:ne|n['’]\w+|jamais|aucun|aucune|not|never|no|cannot|\w+n['’]t)\b")
_CLAUSE = re.compile(r"[.,;:!?]+(?:\s|$)")
_ONLY = re.compile(
    r"\b(?:ne\b|n['’])(?:(?!\b(?:pas|jamais|plus|rien|aucun)\b)[^.]){0,40}\bqu(?:e\b|['’])"
)
# What is said of a case denies nothing of the whole.
_CASE = re.compile(r"\b(?:qui|si|s['’]|quand|lorsqu\w*|dont|who|which|that|if|when)\b")
# Verbs that deny without a negation: whether both say the same cannot be told.
_DENYING = re.compile(r"\b(?:evit|interdi|refus|sans\b|defen[sd]|impossib|avoid|without\b|forbid)")


@dataclass(frozen=True, slots=True)
class Words:
    """What a text says, as it is compared."""

    stems: frozenset[str]
    prefixes: frozenset[str]
    figures: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, text: str) -> "Words":
        found = frozenset(stems(text))
        return cls(
            found,
            frozenset(s[:_PREFIX] for s in found if len(s) >= _PREFIX),
            figures(text, all_words=True),
        )

    def share(self, claimed: frozenset[str]) -> float:
        """Of these stems, those that are here; a number spelled otherwise counts as one."""
        if not claimed:
            return 1.0
        return sum(self.has(stem) for stem in claimed) / len(claimed)

    def has(self, stem: str) -> bool:
        return stem in self.stems or (len(stem) >= _PREFIX and stem[:_PREFIX] in self.prefixes)


class Source:
    """A passage, taken apart once it is cited."""

    def __init__(self, passage: Passage) -> None:
        self._passage = passage

    @cached_property
    def whole(self) -> Words:
        p = self._passage
        return Words.of("\n".join((p.title, *p.heading_path, plain(p.text))))

    @cached_property
    def sentences(self) -> list[str]:
        return [f"{s.intro} {s.text}".strip() for s in sentences(self._passage.text)]

    @cached_property
    def verbatim(self) -> frozenset[str]:
        """Each of its sentences, word for word."""
        found = (part for s in sentences(self._passage.text) for part in split(s.text))
        return frozenset(" ".join(words(part)) for part in found)

    @cached_property
    def windows(self) -> list[Words]:
        """Each sentence with the one before it: a pronoun leans on that."""
        said = self.sentences
        return [Words.of(" ".join(said[max(0, n - 1) : n + 1])) for n in range(len(said))]

    @cached_property
    def title(self) -> Words:
        return Words.of(" ".join((self._passage.title, *self._passage.heading_path)))

    @cached_property
    def denials(self) -> list[tuple[str, frozenset[str]]]:
        """Each sentence with what it denies."""
        return [(said, _denied(said)) for said in self.sentences]

    def says(self, claim: str) -> bool:
        """Word for word."""
        return " ".join(words(plain(claim))) in self.verbatim

    def supports(self, claim: str, asked: frozenset[str] = frozenset()) -> bool:
        """`asked` are the question's stems: names that it says need not stand in the passage."""
        if self.says(claim):
            return True
        said, counted = frozenset(stems(claim)), figures(claim)
        if missing(counted, self.whole.figures) or self._foreign_name(claim, asked):
            return False
        spoken = frozenset(stem for stem in said if not any(map(str.isdigit, stem)))
        if len(spoken) < FEW:
            return True
        return (
            self.whole.share(spoken) >= SUPPORTED
            and self._together(spoken, counted)
            and not self._contradicts(claim)
        )

    def _foreign_name(self, claim: str, asked: frozenset[str]) -> bool:
        names = {name for found in _NAME.findall(claim) for name in found if len(name) > _SHORT}
        foreign = (frozenset(stems(name)) - asked for name in names)
        return any(not all(map(self.whole.has, each)) for each in foreign)

    def _together(self, words: frozenset[str], counted: frozenset[tuple[str, str]]) -> bool:
        """Some place says it, with its numbers; what the title says is said everywhere."""
        left = frozenset(word for word in words if not self.title.has(word))
        near = [w for w in self.windows if not counted or not missing(counted, w.figures)]
        return any(window.share(left) >= TOGETHER for window in near or self.windows)

    def _contradicts(self, claim: str) -> bool:
        denied = _denied(claim)
        return any(
            _says_what_is_denied(said, claim, denied) or _says_what_is_denied(claim, said, unsaid)
            for said, unsaid in self.denials
        )


class Grounds:
    """All passages of an answer, by their numbers."""

    def __init__(self, passages: Sequence[Passage], question: str, language: str) -> None:
        self._sources = [Source(passage) for passage in passages]
        self._languages = [passage.language.split("-")[0] for passage in passages]
        self._asked, self._language = frozenset(stems(question)), language.split("-")[0]

    def supporting(self, claim: str, cited: int) -> int:
        """The passage that supports the claim: the cited one, else the first that does; 0: none.

        A claim in another language than its passage cannot be compared, and stands. One of a word
        or a number alone may be supported, but is no reason to cite something else.
        """
        if self._supports(claim, cited):
            return cited
        if len(stems(claim)) < FEW:
            return 0
        others = range(1, len(self._sources) + 1)
        return next((n for n in others if self._comparable(n) and self._supports(claim, n)), 0)

    def _supports(self, claim: str, number: int) -> bool:
        if not self._comparable(number):
            return True
        return self._sources[number - 1].supports(plain(claim), self._asked)

    def _comparable(self, number: int) -> bool:
        spoken = self._languages[number - 1]
        return not spoken or not self._language or spoken == self._language


def _says_what_is_denied(one: str, other: str, denied: frozenset[str]) -> bool:
    """By the other; one denies nothing itself."""
    if len(denied) < FEW or _NEGATION.search(fold(one)) or _denying(one) != _denying(other):
        return False
    return Words.of(one).share(denied) >= SAME


def _denied(text: str) -> frozenset[str]:
    """Stems of the clause that a negation stands in, from there on."""
    clauses = _CLAUSE.split(fold(text))
    found = ((clause, m.start()) for clause in clauses if (m := _NEGATION.search(clause)))
    said = (
        clause[at:]
        for clause, at in found
        if not _CASE.search(clause[:at]) and not _ONLY.search(clause[at:])
    )
    return frozenset(
        stem for each in said for stem in stems(each) if len(stem) > _SHORT and stem.isalpha()
    )


def _denying(text: str) -> set[str]:
    return set(_DENYING.findall(fold(text)))
