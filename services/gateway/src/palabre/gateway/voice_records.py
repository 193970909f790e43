"""Records of the voice registry as JSON."""

import datetime as dt
from typing import Any

from palabre.chassis.voices import Registry, when
from palabre.contracts.v1 import voices_pb2 as pb
from palabre.gateway.shapes import NewVoice


def record(space: str, new: NewVoice) -> pb.VoiceRecord:
    """What was asked for, without proof and recordings."""
    made = pb.VoiceRecord(
        space=space,
        id=new.id,
        name=new.name,
        owner=new.owner,
        kind=pb.VoiceKind.Value(f"VOICE_KIND_{new.kind.upper()}"),
        engine=new.engine,
        voice=new.voice,
        uses=[pb.VoiceUse.Value(f"VOICE_USE_{use.upper()}") for use in new.uses],
        channels=new.channels,
        languages=new.languages,
    )
    if new.expires_at:
        made.expires_at.FromDatetime(_utc(new.expires_at))
    if new.consent:
        made.consent.given_by, made.consent.words = new.consent.given_by, new.consent.words
        made.consent.given_at.FromDatetime(_utc(new.consent.given_at))
    return made


def _utc(time: dt.datetime) -> dt.datetime:
    """A time without a zone is in UTC."""
    return time if time.tzinfo else time.replace(tzinfo=dt.UTC)


def shown(record: pb.VoiceRecord, registry: Registry) -> dict[str, Any]:
    """Without its history."""
    consent, ended = record.consent, record.revocation
    return {
        "id": record.id,
        "name": record.name,
        "owner": record.owner,
        "kind": pb.VoiceKind.Name(record.kind).removeprefix("VOICE_KIND_").lower(),
        "state": registry.state(record),
        "engine": record.engine,
        "voice": record.voice or None,
        "uses": [pb.VoiceUse.Name(use).removeprefix("VOICE_USE_").lower() for use in record.uses],
        "channels": list(record.channels),
        "languages": list(record.languages),
        "expires_at": when(record.expires_at) if record.HasField("expires_at") else None,
        "consent": {
            "given_by": consent.given_by,
            "given_at": when(consent.given_at),
            "words": consent.words,
            "sha256": consent.sha256,
            "media_type": consent.media_type,
        }
        if record.HasField("consent")
        else None,
        "samples": [
            {"sha256": sample.sha256, "seconds": sample.duration_ms / 1000}
            for sample in record.samples
        ],
        "revoked": {"at": when(ended.at), "by": ended.by, "reason": ended.reason}
        if record.HasField("revocation")
        else None,
    }


def changed(change: pb.VoiceChange) -> dict[str, Any]:
    return {"at": when(change.at), "by": change.by, "what": change.what, "note": change.note}
