"""Runs the gateway."""

from functools import partial

from palabre.chassis import service
from palabre.chassis.settings import read
from palabre.gateway.assembly import assemble
from palabre.gateway.settings import GatewaySettings

if __name__ == "__main__":
    settings = read(GatewaySettings)
    service.run("gateway", settings, partial(assemble, settings))
