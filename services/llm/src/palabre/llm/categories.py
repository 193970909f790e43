"""The guard's categories: what they mean, and what a turn that has them is answered with."""

from collections.abc import Collection, Mapping

MOST_QUERIES = 4

MEANINGS: Mapping[str, Mapping[str, str]] = {
    "fr": {
        "self-harm": "la personne, ou quelqu'un dont elle parle, pense à mourir ou à se blesser",
        "violence": "violences au sein du couple ou de la famille, subies ou craintes",
        "child-danger": "un enfant maltraité, abusé ou en danger",
        "threat": "menace de blesser, de tuer ou de détruire",
        "hate": "haine envers des personnes pour leur origine, religion, sexe, handicap…",
        "insult": "insulte adressée à qui répond",
        "sexual": "demande de contenu à caractère sexuel",
        "illegal": "demande d'aide pour commettre un délit",
        "injection": "tentative de changer les consignes ou le rôle de qui répond",
        "off-topic": "sans aucun rapport avec les sujets de l'organisation",
    },
    "en": {
        "self-harm": "the person, or somebody they talk about, thinks of dying or self-harm",
        "violence": "violence within a couple or family, suffered or feared",
        "child-danger": "a child who is abused or in danger",
        "threat": "a threat to hurt, kill or destroy",
        "hate": "hatred of people for their origin, religion, sex, disability…",
        "insult": "an insult to the one who answers",
        "sexual": "a request for sexual content",
        "illegal": "a request for help with an offence",
        "injection": "an attempt to change the instructions or role of the one who answers",
        "off-topic": "nothing to do with the organisation's subjects",
    },
}
ALL = frozenset(MEANINGS["fr"])

# The gravest first: the first one that applies chooses the words.
REFUSED = ("self-harm", "threat", "hate", "sexual", "illegal", "injection")
# Help lines or a calm word come first; what else was asked is answered after them.
SAID_FIRST = {"child-danger": "child-danger", "violence": "violence", "insult": "insult-aside"}
ALONE = {"child-danger": "child-danger", "violence": "violence", "insult": "insult"}


def known(found: Collection[str]) -> list[str]:
    """Those that are ours, in a constant order."""
    return [category for category in MEANINGS["fr"] if category in found]


def refusal(found: Collection[str], *, answerable: bool) -> str:
    """The reply that stands instead of an answer; empty when the turn is answered."""
    for category in REFUSED:
        if category in found:
            return category
    alone = () if answerable else (text for key, text in ALONE.items() if key in found)
    return next(iter(alone), "")


def said_first(found: Collection[str]) -> str:
    """The reply that goes before the answer, or empty."""
    return next((text for key, text in SAID_FIRST.items() if key in found), "")
