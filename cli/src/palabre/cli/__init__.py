"""The command palabre: asks, ingests, operates, and runs everything on one machine."""
