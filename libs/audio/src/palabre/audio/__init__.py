"""Encodes and packs audio: Opus, Ogg, MP3, WAV, FLAC, PCM and µ-law."""
