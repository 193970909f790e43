"""Runs the gateway."""

from functools import partial

from palabre.chassis import service
from palabre.chassis.settings import read, refuse
from palabre.gateway.assembly import assemble
from palabre.gateway.database import WrongDatabase
from palabre.gateway.settings import GatewaySettings

if __name__ == "__main__":
    settings = read(GatewaySettings)
    try:
        service.run("gateway", settings, partial(assemble, settings))
    except WrongDatabase as error:
        refuse(f"gateway: {error}")
