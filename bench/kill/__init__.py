"""Processes are killed at random while people ask: nothing may be lost, nothing doubled."""
