"""Answers on Discord: the model of a channel adapter."""
