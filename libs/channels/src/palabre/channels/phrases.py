"""What an adapter itself says to people, by language, in words that fit vous and tu."""

from palabre.chassis.languages import nearest, texts
from palabre.contracts.v1 import events_pb2 as pb


def phrase(key: str, language: str) -> str:
    """In this language (BCP 47), in English where that is unknown or has no texts.

    A key that is none says that the service does not answer.
    """
    said = texts("palabre.channels", nearest(language or "en"))
    text: str = said.get(key) or said["unavailable"]
    return text


def reason_name(reason: pb.FailureReason.ValueType) -> str:
    """expired, unavailable, interrupted, rejected or budget."""
    name = pb.FailureReason.Name(reason) if reason in pb.FailureReason.values() else ""
    return name.removeprefix("FAILURE_REASON_").lower() or "unavailable"
