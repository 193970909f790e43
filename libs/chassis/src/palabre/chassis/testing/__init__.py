"""For tests: a real nats-server, and fakes that keep the promises of the real things."""

from palabre.chassis.blobs import MemoryObjects
from palabre.chassis.counters import MemoryCounters
from palabre.chassis.histories import MemoryHistories
from palabre.chassis.leases import MemoryLeases
from palabre.chassis.testing.circles import no_circles_of
from palabre.chassis.testing.cluster import NatsCluster
from palabre.chassis.testing.collecting import collect, until
from palabre.chassis.testing.gains import Gains
from palabre.chassis.testing.processes import service_process
from palabre.chassis.testing.recording import Recorded, recorded
from palabre.chassis.testing.server import Nats, NatsServer, free_port

__all__ = [
    "Gains",
    "MemoryCounters",
    "MemoryHistories",
    "MemoryLeases",
    "MemoryObjects",
    "Nats",
    "NatsCluster",
    "NatsServer",
    "Recorded",
    "collect",
    "free_port",
    "no_circles_of",
    "recorded",
    "service_process",
    "until",
]
