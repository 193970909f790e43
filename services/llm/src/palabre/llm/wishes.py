"""What a person chose for their turn: one of the models that their channel offers, tu or vous."""

from palabre.chassis import replays
from palabre.chassis.errors import Reject
from palabre.chassis.spaces import Persona, Space
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Utterance
from palabre.llm.ladder import Ladder


def speaker(
    space: Space, event: pb.Event, utterance: Utterance, ladder: Ladder
) -> tuple[Space, str]:
    """Who answers, by name, and the space with that persona as this turn wants it. Raises Reject.

    A model goes before the persona's own, which follow; one that is not offered changes nothing.
    In a replay, which only the operator begins, it is any model, and no other follows.
    """
    replays.check(event, utterance)
    name = space.persona_name(utterance.persona, event.channel)
    if name not in space.personas:
        raise Reject(f"space {event.space} has no persona {name!r}")
    persona = space.personas[name]
    if not (changed := _changes(space, persona, utterance, ladder)):
        return space, name
    personas = {**space.personas, name: persona.model_copy(update=changed)}
    return space.model_copy(update={"personas": personas}), name


def is_ignored(space: Space, utterance: Utterance, ladder: Ladder) -> bool:
    """A model was chosen that the space does not offer, or that no endpoint here has.

    What comes from outside never chooses an endpoint that the space does not name.
    """
    chosen = utterance.model
    offered = chosen in space.discord.models and ladder.rung(chosen) is not None
    return bool(chosen) and not offered and not utterance.replay


def _changes(
    space: Space, persona: Persona, utterance: Utterance, ladder: Ladder
) -> dict[str, object]:
    changed: dict[str, object] = {}
    if utterance.model and not is_ignored(space, utterance, ladder):
        others = () if utterance.replay else ladder.names(persona.models)
        changed["models"] = (utterance.model, *others)
    if utterance.address in ("tu", "vous"):
        changed["address"] = utterance.address
    return changed
