"""What exists on NATS and who may touch it: streams, buckets, durables, permissions."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RePublish,
    StorageType,
    StreamConfig,
)

from palabre.chassis import events, subjects

DAY_S = 86_400.0
GIB = 1 << 30
# Longer than a turn can live, so that a fact cannot be stored twice.
DUPLICATE_WINDOW_S = 1_800.0
INTERMEDIATE_TTL_S = DAY_S
# These carry passages and histories; nobody needs them after a day.
INTERMEDIATE = frozenset({"utterance_understood", "passages_retrieved", "segment_ready"})
LEASE_TTL_S = 15.0
LIVE_S = 600.0
COUNTERS_S = 40 * DAY_S  # longer than a month


@dataclass(frozen=True, slots=True)
class Durable:
    """A work consumer on TURNS.

    `until` says when an event is no longer worth handling: once its turn has an ending
    ("ended"), only once it was cancelled ("cancelled"), or never ("").
    """

    name: str
    service: str
    events: tuple[str, ...]
    purpose: str
    until: Literal["ended", "cancelled", ""] = "ended"
    deliveries: int = 20  # before it is dead-lettered; a turn's own deadline is the real bound
    ack_wait_s: float = 8.0  # of silence: how long a killed replica's work lies still
    # A durable that is made again must not answer old questions; only the archive takes all.
    from_start: bool = False

    def config(self) -> ConsumerConfig:
        return ConsumerConfig(
            durable_name=self.name,
            filter_subjects=[subjects.every("turns", name) for name in self.events],
            deliver_policy=DeliverPolicy.ALL if self.from_start else DeliverPolicy.NEW,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=self.ack_wait_s,
            max_deliver=-1,
            max_ack_pending=20_000,
            max_waiting=2_048,
        )


@dataclass(frozen=True, slots=True)
class Bucket:
    """A key-value bucket; `writers` may change it, everybody in `readers` may read it."""

    name: str
    purpose: str
    writers: tuple[str, ...]
    readers: tuple[str, ...] = ()
    ttl_s: float = 0.0
    history: int = 1
    max_bytes: int = GIB

    def config(self, replicas: int) -> StreamConfig:
        """As the KV convention wants it (ADR-8), but entries may be deleted: erasing overwrites."""
        return StreamConfig(
            name=f"KV_{self.name}",
            description=self.purpose,
            subjects=[f"$KV.{self.name}.>"],
            storage=StorageType.FILE,
            discard=DiscardPolicy.NEW,
            max_age=self.ttl_s,
            max_bytes=self.max_bytes,
            max_msgs_per_subject=self.history,
            duplicate_window=min(self.ttl_s or 120.0, 120.0),
            allow_direct=True,
            allow_rollup_hdrs=True,
            num_replicas=replicas,
        )


@dataclass(frozen=True, slots=True)
class Objects:
    """An object store."""

    name: str
    purpose: str
    writers: tuple[str, ...]
    readers: tuple[str, ...] = ()
    ttl_s: float = 0.0
    max_bytes: int = 4 * GIB

    def config(self, replicas: int) -> StreamConfig:
        """As the object store convention wants it (ADR-20)."""
        return StreamConfig(
            name=f"OBJ_{self.name}",
            description=self.purpose,
            subjects=[f"$O.{self.name}.C.>", f"$O.{self.name}.M.>"],
            storage=StorageType.FILE,
            discard=DiscardPolicy.NEW,
            max_age=self.ttl_s,
            max_bytes=self.max_bytes,
            allow_direct=True,
            allow_rollup_hdrs=True,
            num_replicas=replicas,
        )


@dataclass(frozen=True, slots=True)
class Rights:
    """What a service publishes besides acknowledgements."""

    publishes: frozenset[str] = field(default_factory=frozenset)
    follows: bool = False  # reads conversations as they go on
    erases: bool = False  # overwrites messages
    budgets: Literal["spends", "looks", ""] = ""


def everything(replicas: int = 1) -> list[StreamConfig]:
    """All streams, those behind buckets and object stores too."""
    buckets = [bucket.config(replicas) for bucket in BUCKETS]
    return streams(replicas) + buckets + [store.config(replicas) for store in OBJECTS]


def streams(replicas: int = 1) -> list[StreamConfig]:
    """The four streams. Everything is bounded: the oldest goes first."""
    return [
        StreamConfig(
            name="TURNS",
            description="Facts: kept, each once",
            subjects=[subjects.every("turns")],
            storage=StorageType.FILE,
            discard=DiscardPolicy.OLD,
            max_age=7 * DAY_S,
            max_bytes=8 * GIB,
            max_msg_size=events.MAX_BYTES + 4_096,
            duplicate_window=DUPLICATE_WINDOW_S,
            allow_direct=True,
            allow_msg_ttl=True,
            # Core NATS also delivers what the stream refuses as a double; this only what it stored.
            republish=RePublish(src=subjects.every("turns"), dest=subjects.every("stored")),
            num_replicas=replicas,
        ),
        StreamConfig(
            name="LIVE",
            description="Live pieces: useless after minutes",
            subjects=[subjects.every("live")],
            storage=StorageType.MEMORY,
            discard=DiscardPolicy.OLD,
            max_age=LIVE_S,
            max_bytes=256 << 20,
            allow_direct=True,
            num_replicas=replicas,
        ),
        StreamConfig(
            name="DEAD",
            description="Dead letters",
            subjects=[subjects.every("dead")],
            storage=StorageType.FILE,
            discard=DiscardPolicy.OLD,
            max_age=30 * DAY_S,
            max_bytes=GIB,
            allow_direct=True,
            num_replicas=replicas,
        ),
        StreamConfig(
            name="BUDGETS",
            description="Counters: what was spent of a budget, by day and month",
            subjects=[f"{subjects.ROOT}.budgets.>"],
            storage=StorageType.FILE,
            discard=DiscardPolicy.OLD,
            max_age=COUNTERS_S,
            max_bytes=GIB,
            # The last one holds the total; the others' ids must outlive a restart of the server.
            max_msgs_per_subject=1_000,
            duplicate_window=DUPLICATE_WINDOW_S,
            allow_direct=True,
            allow_msg_counter=True,
            num_replicas=replicas,
        ),
    ]


DURABLES = (
    Durable("comprehend", "llm", ("utterance_received",), "understands an utterance"),
    Durable("retrieve", "retriever", ("utterance_understood",), "finds passages"),
    Durable("answer", "llm", ("passages_retrieved",), "writes the answer"),
    Durable("speak", "tts", ("segment_ready",), "speaks a sentence", "cancelled"),
    Durable(
        "archive",
        "gateway",
        ("utterance_received", *sorted(events.ENDINGS), "spending_recorded"),
        "keeps conversations in SQL",
        "",
        deliveries=10_000,  # two days without SQL, or as long as TURNS keeps what only others know
        from_start=True,
    ),
)

WORKERS = ("gateway", "retriever", "llm", "tts", "discord")
OPERATOR = "operator"  # the CLI: applies, reads dead letters, erases

BUCKETS = (
    Bucket("spaces", "definitions of spaces", (OPERATOR,), WORKERS, history=64),
    Bucket(
        "histories", "recent turns of a conversation", ("llm", OPERATOR), ttl_s=7 * DAY_S
    ),
    Bucket("descriptions", "what images show", ("llm", OPERATOR), ttl_s=7 * DAY_S),
    Bucket(
        "leases", "who works on what", ("llm", "retriever", "discord"), ttl_s=LEASE_TTL_S
    ),
    Bucket("reservations", "what running turns hold of budgets", ("llm",), ttl_s=2 * DAY_S),
    Bucket("catalogue", "document → current version", ("retriever",)),
    Bucket(
        # Its writer overwrites what is superseded: more than one, so that it is still there.
        "posts", "answers on Discord, by conversation and turn", ("discord", OPERATOR),
        ttl_s=31 * DAY_S, history=4,
    ),
    Bucket("discord", "choices of people there, bots, which posts are solved", ("discord",)),
    Bucket("received", "message ids of providers", ("gateway",), ttl_s=31 * DAY_S),
    Bucket(
        "erased", "tombstones of erased conversations", ("gateway", OPERATOR), WORKERS,
        ttl_s=31 * DAY_S,
    ),
    Bucket(
        "voices", "whose voice may be used for what", ("gateway", OPERATOR), ("tts",),
        max_bytes=GIB // 8,
    ),
    Bucket(
        "manifests", "signed manifests of spoken files", ("gateway",), ttl_s=90 * DAY_S,
        max_bytes=GIB // 4,
    ),
)  # fmt: skip

OBJECTS = (
    Objects("documents", "originals by SHA-256", ("retriever",)),
    Objects(
        "blobs",
        "attachments and spoken audio",
        ("gateway", "tts", "discord"),
        ("llm",),
        7 * DAY_S,
    ),
    Objects("voice-samples", "what voices are cloned from", ("gateway",), ("tts",), max_bytes=GIB),
    Objects("voice-consents", "proof of consent", ("gateway",), max_bytes=GIB),
)

# Buckets that hold a conversation's words under its id.
ERASED_WITH = ("KV_histories", "KV_descriptions", "KV_posts")

FAILURES = frozenset({"turn_failed"})
RIGHTS = {
    "gateway": Rights(
        FAILURES | {"utterance_received", "turn_cancelled", "playback", "speech_started"},
        follows=True,
        erases=True,
        budgets="looks",
    ),
    "retriever": Rights(FAILURES | {"passages_retrieved"}),
    "llm": Rights(
        FAILURES
        | {"utterance_understood", "answer_delta", "answer_restarted"}
        | {"segment_ready", "answer_completed", "spending_recorded"},
        budgets="spends",
    ),
    "tts": Rights(FAILURES | {"speech_frame", "speech_completed"}),
    "discord": Rights(
        FAILURES | {"utterance_received", "turn_cancelled"}, follows=True, budgets="looks"
    ),
}


def durable(name: str) -> Durable:
    """Raises KeyError."""
    return {d.name: d for d in DURABLES}[name]


def stores_of(service: str) -> list[str]:
    """The streams behind the buckets and object stores that a service reads or writes."""
    named = [(f"KV_{b.name}", b.readers + b.writers) for b in BUCKETS]
    named += [(f"OBJ_{o.name}", o.readers + o.writers) for o in OBJECTS]
    return [stream for stream, users in named if service in users]


def permissions(service: str) -> dict[str, list[str]]:
    """NATS permissions of a service: subjects that it may publish and subscribe to."""
    if service == OPERATOR:
        return {"publish": [">"], "subscribe": [">"]}
    return {
        "publish": sorted(set(_publishes(service))),
        "subscribe": sorted(_subscribes(service)),
    }


def _publishes(service: str) -> Iterator[str]:
    for name in RIGHTS[service].publishes:
        yield subjects.every("turns" if name in events.FACTS else "live", name)
    yield subjects.every("dead")
    yield "$JS.API.INFO"
    for stream in ("TURNS", "LIVE", "DEAD", "BUDGETS"):
        yield f"$JS.API.STREAM.INFO.{stream}"
    for stream in ("TURNS", "LIVE"):
        yield f"$JS.API.DIRECT.GET.{stream}"
        yield f"$JS.API.DIRECT.GET.{stream}.>"
    yield "$JS.API.STREAM.CREATE.LIVE"  # it is gone when the server was killed
    yield from _special_rights(RIGHTS[service])
    for d in DURABLES:
        yield f"$JS.API.CONSUMER.INFO.TURNS.{d.name}"
        if d.service == service:
            yield f"$JS.API.CONSUMER.MSG.NEXT.TURNS.{d.name}"
            yield f"$JS.ACK.TURNS.{d.name}.>"
    for bucket in BUCKETS:
        yield from _store_rights(service, bucket, f"KV_{bucket.name}", f"$KV.{bucket.name}.>")
    for store in OBJECTS:
        yield from _store_rights(service, store, f"OBJ_{store.name}", f"$O.{store.name}.>")


def _special_rights(rights: Rights) -> Iterator[str]:
    if rights.budgets:
        yield "$JS.API.DIRECT.GET.BUDGETS"
    if rights.budgets == "spends":
        yield f"{subjects.ROOT}.budgets.>"
    if rights.erases:
        for stream in ("TURNS", "LIVE", "DEAD", *ERASED_WITH):
            yield f"$JS.API.STREAM.MSG.DELETE.{stream}"
            yield f"$JS.API.DIRECT.GET.{stream}"


def _store_rights(
    service: str, store: Bucket | Objects, stream: str, entries: str
) -> Iterator[str]:
    if service not in store.readers + store.writers:
        return
    yield f"$JS.API.STREAM.INFO.{stream}"
    yield f"$JS.API.DIRECT.GET.{stream}"
    yield f"$JS.API.DIRECT.GET.{stream}.>"
    if service in store.writers or isinstance(store, Objects):
        yield from _consumes(stream)
    if service in store.writers:
        yield entries
        yield f"$JS.API.STREAM.MSG.DELETE.{stream}"
        yield f"$JS.API.STREAM.PURGE.{stream}"


def _consumes(stream: str) -> Iterator[str]:
    """The client library lists keys and reads large objects by short-lived consumers."""
    yield "$JS.API.STREAM.NAMES"
    yield f"$JS.API.STREAM.MSG.GET.{stream}"
    yield f"$JS.API.CONSUMER.CREATE.{stream}"
    yield f"$JS.API.CONSUMER.CREATE.{stream}.>"
    yield f"$JS.API.CONSUMER.DELETE.{stream}.>"
    yield f"$JS.API.CONSUMER.INFO.{stream}.>"
    yield f"$JS.ACK.{stream}.>"
    yield f"$JS.FC.{stream}.>"


def _subscribes(service: str) -> Iterator[str]:
    yield f"_INBOX_{service}.>"
    yield subjects.every("stored", "turn_cancelled")
    if RIGHTS[service].follows:
        yield subjects.every("*")
