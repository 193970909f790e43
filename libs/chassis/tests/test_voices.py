"""The voice registry: what it permits, and how soon every replica knows."""

import datetime as dt
from collections.abc import Callable

import pytest

from palabre.chassis import voices
from palabre.chassis.bus import Bus
from palabre.chassis.errors import Unavailable
from palabre.chassis.testing import NatsServer
from palabre.chassis.voices import TRUSTED_S, WHOLE_S, Refused, Registry, Use
from palabre.contracts.v1 import voices_pb2 as pb

NOW = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)
ANSWERS = Use("demo", pb.VOICE_USE_ANSWERS, "web", "fr")


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


def record(**values: object) -> pb.VoiceRecord:
    """A valid one, with these fields over it."""
    made = pb.VoiceRecord(
        space="demo",
        id="marie",
        kind=pb.VOICE_KIND_CLONED,
        uses=[pb.VOICE_USE_ANSWERS],
        consent=pb.Consent(sha256="ab"),
    )
    made.MergeFrom(pb.VoiceRecord(**values))  # type: ignore[arg-type]
    return made


def revoked() -> pb.VoiceRecord:
    return record(revocation=pb.Revocation(by="ada", reason="she asked"))


def expiring(at: dt.datetime) -> pb.VoiceRecord:
    made = record()
    made.expires_at.FromDatetime(at)
    return made


def registry(*known: pb.VoiceRecord, clock: Callable[[], float] = Clock()) -> Registry:  # noqa: B008
    return Registry(known, clock=clock, now=lambda: NOW)


def refusal(of: Registry, use: Use = ANSWERS, voice: str = "clone:marie") -> str:
    with pytest.raises(Refused) as refused:
        of.usable("xtts", voice, use)
    return refused.value.reason


def test_a_cloned_voice_with_a_valid_record_may_be_used() -> None:
    assert registry(record()).usable("xtts", "clone:marie", ANSWERS) == "marie"


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (record(id="paul"), "unknown"),
        (record(space="other"), "unknown"),
        (record(kind=pb.VOICE_KIND_LICENSED), "unknown"),
        (revoked(), "revoked"),
        (expiring(NOW), "expired"),
    ],
)
def test_a_cloned_voice_without_one_is_refused(known: pb.VoiceRecord, reason: str) -> None:
    assert refusal(registry(known)) == reason


def test_a_record_without_evidence_permits_nothing() -> None:
    bare = record()
    bare.consent.Clear()
    assert refusal(registry(bare)) == "evidence"


def test_a_record_permits_until_it_expires() -> None:
    known = expiring(NOW + dt.timedelta(seconds=1))
    assert registry(known).usable("xtts", "clone:marie", ANSWERS) == "marie"


@pytest.mark.parametrize("purpose", [pb.VOICE_USE_DEBATE, pb.VOICE_USE_PHONE, pb.VOICE_USE_FILES])
def test_what_is_not_permitted_is_refused(purpose: pb.VoiceUse.ValueType) -> None:
    assert refusal(registry(record()), Use("demo", purpose, "web", "fr")) == "use"


def test_who_does_not_say_what_for_asks_for_files() -> None:
    assert refusal(registry(record()), Use("demo")) == "use"


@pytest.mark.parametrize(
    ("channel", "purpose"),
    [
        ("web", pb.VOICE_USE_ANSWERS),
        ("phone", pb.VOICE_USE_PHONE),
        ("debate", pb.VOICE_USE_DEBATE),
    ],
)
def test_a_channel_tells_the_purpose(channel: str, purpose: pb.VoiceUse.ValueType) -> None:
    assert voices.answering("demo", channel, "fr").purpose == purpose


def test_channels_and_languages_that_are_listed_are_the_only_ones() -> None:
    known = registry(record(channels=["web"], languages=["fr-FR"]))
    assert known.usable("xtts", "clone:marie", ANSWERS)
    for other, reason in (("discord", "channel"), ("", "channel")):
        assert refusal(known, Use("demo", pb.VOICE_USE_ANSWERS, other, "fr")) == reason
    for language in ("en", ""):
        use = Use("demo", pb.VOICE_USE_ANSWERS, "web", language)
        assert refusal(known, use) == "language"


def test_a_voice_that_an_engine_brings_needs_no_record() -> None:
    assert registry().usable("espeak", "fr", ANSWERS) == ""


def test_a_voice_that_an_engine_brings_obeys_the_record_that_it_has() -> None:
    licensed = {"kind": pb.VOICE_KIND_LICENSED, "engine": "piper", "voice": "siwis"}
    old = record(id="siwis-2025", **licensed, revocation=pb.Revocation(by="ada"))
    with pytest.raises(Refused, match="revoked"):
        registry(old).usable("piper", "siwis", ANSWERS)
    renewed = record(id="siwis-2026", **licensed)
    assert registry(old, renewed).usable("piper", "siwis", ANSWERS) == "siwis-2026"


def test_where_the_space_asks_for_records_every_voice_needs_one() -> None:
    with pytest.raises(Refused, match="registered_only"):
        registry().usable("espeak", "fr", ANSWERS, registered=True)
    known = record(id="espeak", kind=pb.VOICE_KIND_SYNTHETIC, engine="espeak")
    known.consent.Clear()
    assert registry(known).usable("espeak", "fr", ANSWERS, registered=True) == "espeak"


def test_what_was_read_a_minute_ago_permits_no_cloned_voice() -> None:
    clock = Clock()
    known = registry(record(), clock=clock)
    clock.at += TRUSTED_S
    assert known.usable("xtts", "clone:marie", ANSWERS)
    clock.at += 0.1
    assert refusal(known) == "stale"
    assert known.usable("espeak", "fr", ANSWERS) == ""


def test_a_registry_that_was_never_read_permits_no_cloned_voice() -> None:
    assert refusal(Registry()) == "stale"


async def written(bus: Bus, known: pb.VoiceRecord) -> None:
    bucket = await bus.js.key_value("voices")
    await bucket.put(f"{known.space}.{known.id}", known.SerializeToString())


async def test_a_revocation_reaches_every_replica_at_its_next_look(server: NatsServer) -> None:
    gateway = await server.bus("gateway")
    buses = [await server.bus("tts") for _ in range(2)]
    replicas = [Registry(clock=Clock(), now=lambda: NOW) for _ in buses]
    await written(gateway, record())
    for replica, bus in zip(replicas, buses, strict=True):
        await replica.refresh(bus)
        assert replica.usable("xtts", "clone:marie", ANSWERS)
    await written(gateway, revoked())
    for replica, bus in zip(replicas, buses, strict=True):
        await replica.refresh(bus)
        assert refusal(replica) == "revoked"
    for bus in (gateway, *buses):
        await bus.close()


async def test_a_replica_that_nats_left_alone_stops_within_a_minute(server: NatsServer) -> None:
    bus, clock = await server.bus("tts"), Clock()
    operator = await server.bus("operator")
    await written(operator, record())
    replica = Registry(clock=clock, now=lambda: NOW)
    await replica.refresh(bus)
    await server.kill()
    clock.at += 30
    with pytest.raises(Unavailable):
        await replica.refresh(bus)
    assert replica.usable("xtts", "clone:marie", ANSWERS)
    clock.at += 31
    assert refusal(replica) == "stale"
    await server.start()
    await operator.close()
    await bus.close()


async def test_a_bucket_that_was_emptied_takes_what_it_permitted_with_it(
    server: NatsServer,
) -> None:
    """As after a restore from an older backup: sequences begin again, and a reader that only
    asks for newer ones would never hear of anything.
    """
    operator, clock = await server.bus("operator"), Clock()
    for name in ("ada", "marie"):
        await written(operator, record(id=name))
    replica = Registry(clock=clock, now=lambda: NOW)
    await replica.refresh(operator)
    assert len(replica.of("demo")) == 2
    config = (await operator.js.stream_info("KV_voices")).config
    await operator.js.delete_stream("KV_voices")
    await operator.js.add_stream(config)
    await written(operator, revoked())
    clock.at += WHOLE_S
    await replica.refresh(operator)
    assert refusal(replica) == "revoked"
    assert [known.id for known in replica.of("demo")] == ["marie"]
    await operator.close()


@pytest.mark.parametrize("user", ["llm", "retriever", "tts"])
async def test_only_the_gateway_and_the_operator_may_write_records(
    server: NatsServer, user: str
) -> None:
    bus, operator = await server.bus(user), await server.bus("operator")
    await bus.client.publish("$KV.voices.demo.marie", record().SerializeToString())
    await bus.client.flush()
    known = Registry()
    await known.refresh(operator)
    assert known.of("demo") == []
    for each in (bus, operator):
        await each.close()
