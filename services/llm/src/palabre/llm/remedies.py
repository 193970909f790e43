"""What an operator can do about an engine that does not work: a problem and a remedy."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from palabre.llm.errors import (
    Blind,
    EngineError,
    OutOfQuota,
    Overloaded,
    Refused,
    TooSlow,
    UnknownModel,
    Unreachable,
    WrongKey,
)
from palabre.llm.settings import FIRST

MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class Place:
    """Where it happened; `known` are the models that the server says it has."""

    engine: str
    base_url: str
    model: str = ""
    known: Sequence[str] = ()

    def setting(self, key: str) -> str:
        """The variable that holds a value of this endpoint."""
        if self.engine == FIRST:
            return f"PALABRE_LLM_{key.upper()}"
        return f"{key} of {self.engine} in PALABRE_LLM_ENDPOINTS"


def of(error: EngineError, place: Place) -> tuple[str, str]:
    """(problem, remedy), a sentence each."""
    match error:
        case WrongKey():
            problem = f"The server refuses the key ({error})."
            return problem, f"Set {place.setting('api_key')} to a key that may use this model."
        case OutOfQuota():
            problem = f"Nothing is left on the account ({error})."
            return problem, "Add credit at the provider, or name another model before this one."
        case UnknownModel():
            return f"The server has no model {place.model!r} ({error}).", _models(place)
        case Overloaded(retry_after=pause):
            wait = f" Wait {pause:.0f} s." if pause else ""
            problem = f"The server takes no more requests now ({error}).{wait}"
            return problem, "Ask for a higher limit, or lower the endpoint's concurrency."
        case Unreachable():
            problem = f"Nothing answers on {place.base_url}."
            return problem, f"Start the server, or correct {place.setting('base_url')}."
        case TooSlow():
            problem = f"The server was too slow: {error}."
            return (
                problem,
                "Try again, name a faster model, or raise PALABRE_LLM_FIRST_TOKEN_TIMEOUT_S.",
            )
        case Blind():
            remedy = "Nothing has to be done; PALABRE_LLM_VISION_MODEL names one that describes."
            return "This model takes no images.", remedy
        case Refused():
            problem = f"The server refuses the request ({error})."
            return problem, f"Check {place.setting('base_url')}, which mostly ends in /v1."
        case _:
            problem = f"What came back is no answer: {error}."
            return problem, f"Check {place.setting('base_url')}, and the server's own log."


def _models(place: Place) -> str:
    near = difflib.get_close_matches(place.model, place.known, MOST_NAMES, cutoff=0.4)
    names = ", ".join(near or sorted(place.known)[:MOST_NAMES])
    return f"Name one that it has: {names}." if names else "Look up the name at the provider."
