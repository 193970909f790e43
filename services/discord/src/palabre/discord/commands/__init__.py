"""Slash commands: what they are called, how Discord learns of them, what each does."""
