"""How an answer is drawn: what the client asks for, within what the persona allows."""

from palabre.chassis.spaces import Persona
from palabre.contracts.v1.turns_pb2 import Sampling


def of(asked: Sampling, persona: Persona) -> Sampling:
    """The persona's where the client asks for nothing else; never more tokens than it allows."""
    chosen = Sampling()
    chosen.CopyFrom(asked)
    if not chosen.HasField("temperature") and persona.temperature is not None:
        chosen.temperature = persona.temperature
    wanted = chosen.max_tokens if chosen.HasField("max_tokens") else persona.max_tokens
    chosen.max_tokens = min(wanted, persona.max_tokens)
    return chosen
