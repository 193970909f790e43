"""What documents, people, clients and models may write to take over a model; with its kind."""

import tomllib
from pathlib import Path

KINDS: dict[str, list[str]] = tomllib.loads(
    Path(__file__).with_name("hostile.toml").read_text(encoding="utf-8")
)
CASES = {f"{kind}-{n}": text for kind, texts in KINDS.items() for n, text in enumerate(texts, 1)}
HOSTILE = list(CASES.values())
