"""Everything on one machine: a nats-server, all services, the demo space."""
