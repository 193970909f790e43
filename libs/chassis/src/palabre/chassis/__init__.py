"""What every service stands on: bus, stages, spaces, leases, telemetry."""
