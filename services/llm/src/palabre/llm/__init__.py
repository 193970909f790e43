"""Understands an utterance and writes its answer."""
