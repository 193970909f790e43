"""Events without what people said: what an operator needs, and no word of anybody."""

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from palabre.contracts.v1 import events_pb2 as pb

# Fields of text that hold nobody's words; every other one is counted, a new one too.
_NAMES = """
    id space channel conversation turn cause language persona model engine call currency stage
    price_source version media_type tier retries address spent reason voice shape
"""
_WORDLESS = frozenset(_NAMES.split())


def without_words(event: pb.Event) -> pb.Event:
    """A copy in which every text that may be a person's says only how long it is."""
    copy = pb.Event()
    copy.CopyFrom(event)
    _redact(copy)
    return copy


def _redact(message: Message) -> None:
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            _redact_all(field, value)
        elif field.type == FieldDescriptor.TYPE_STRING and field.name not in _WORDLESS:
            _count(message, field, value)


def _redact_all(field: FieldDescriptor, value: object) -> None:
    """Maps hold names of voices and sums: nobody's words."""
    if isinstance(value, Message):
        _redact(value)
    elif not (field.message_type and field.message_type.GetOptions().map_entry):
        for each in value:  # type: ignore[attr-defined]
            _redact(each)


def _count(message: Message, field: FieldDescriptor, value: object) -> None:
    if isinstance(value, str):
        setattr(message, field.name, f"({len(value)} characters)")
    else:
        words = [f"({len(each)} characters)" for each in value]  # type: ignore[attr-defined]
        getattr(message, field.name)[:] = words
