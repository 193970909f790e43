"""Speaks an answer's segments."""
