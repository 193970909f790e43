"""HTTP API, OpenAI-compatible API, web page, archive."""
