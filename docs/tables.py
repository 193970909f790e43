"""python -m docs.tables [--check]: tables that are generated from the code, between their marks,
and files that a page shows.

A mark is `<!-- table: NAME -->`, the table ends at `<!-- end -->`.
"""

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic_settings import BaseSettings

from docs.metrics import metrics
from palabre.chassis import events, streams
from palabre.chassis.settings import ServiceSettings
from palabre.cli.settings import CliSettings
from palabre.discord.commands.all import COMMANDS
from palabre.discord.settings import DiscordSettings
from palabre.discord.texts import say
from palabre.gateway.settings import GatewaySettings
from palabre.llm import presets
from palabre.llm.settings import Settings as LlmSettings
from palabre.retriever.settings import RetrieverSettings
from palabre.tts.settings import Settings as TtsSettings

FILES = tuple(
    Path(name)
    for name in (
        "ARCHITECTURE.md",
        "docs/settings.md",
        "docs/engines.md",
        "docs/channels.md",
        "docs/discord-commands.md",
        "docs/metrics.md",
    )
)
MARK = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Markdown."""
    head = list(columns)
    lines = [head, ["---"] * len(head), *([str(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def stream_table() -> str:
    rows = (
        (
            f"`{c.name}`",
            c.description,
            f"`{(c.subjects or [''])[0]}`",
            c.storage.value if c.storage else "",
            _duration(c.max_age or 0),
            f"{(c.max_bytes or 0) >> 20} MiB",
        )
        for c in streams.streams()
    )
    return table(("stream", "holds", "subjects", "store", "kept", "at most"), rows)


def command_table() -> str:
    rows = (
        (
            f"`/{command.name}`",
            f"`/{command.english}`",
            ", ".join(f"`{option.name}` (`{option.english}`)" for option in command.options),
            say(f"described.{command.name}", "en"),
        )
        for command in COMMANDS
    )
    return table(("command", "in English", "options", "what for"), rows)


def stage_table() -> str:
    until = {"ended": "its turn has an ending", "cancelled": "its turn was cancelled", "": "never"}
    rows = (
        (
            f"`{d.name}`",
            d.service,
            ", ".join(f"`{name}`" for name in d.events),
            d.purpose,
            until[d.until],
        )
        for d in streams.DURABLES
    )
    return table(("durable", "service", "takes", "what it does", "dropped when"), rows)


def bucket_table() -> str:
    stores: list[streams.Bucket | streams.Objects] = [*streams.BUCKETS, *streams.OBJECTS]
    rows = (
        (
            f"`{s.name}`",
            "objects" if isinstance(s, streams.Objects) else "key-value",
            s.purpose,
            _duration(s.ttl_s),
            ", ".join(s.writers),
            ", ".join(s.readers) or "the same",
        )
        for s in stores
    )
    return table(("bucket", "kind", "holds", "kept", "written by", "read by"), rows)


def rights_table() -> str:
    def names(kinds: Iterable[str]) -> str:
        return ", ".join(f"`{name}`" for name in sorted(kinds))

    rows = (
        (service, names(r.publishes & events.FACTS), names(r.publishes & events.LIVE) or "–",
         "all conversations" if r.follows else "cancelled turns", "yes" if r.erases else "no")
        for service, r in streams.RIGHTS.items()
    )  # fmt: skip
    return table(("service", "publishes facts", "live pieces", "hears", "overwrites"), rows)


def settings_table(kind: type[BaseSettings], *, own: bool = True) -> str:
    """The fields of a settings class; those of every service only in their own table."""
    shared = set(ServiceSettings.model_fields) if own else set()
    rows = []
    for name, field in kind.model_fields.items():
        if name not in shared:
            variable = str(field.validation_alias or f"PALABRE_{name}").upper()
            rows.append((f"`{variable}`", _default(field.get_default()), field.description or ""))
    return table(("variable", "default", "what it does"), rows)


def preset_table() -> str:
    rows = []
    for name, preset in presets.PRESETS.items():
        renamed = [f"`{ours}` → `{theirs}`" for ours, theirs in preset.renamed.items() if theirs]
        dropped = [f"no `{ours}`" for ours, theirs in preset.renamed.items() if not theirs]
        capped = (
            [f"temperature ≤ {preset.hottest:g}"] if preset.hottest < presets.of("").hottest else []
        )
        quirks = ", ".join([*renamed, *dropped, *capped]) or "–"
        images = "yes" if preset.images else "no"
        rows.append(
            (
                f"`{name}`",
                f"`{preset.base_url}`",
                preset.structured,
                preset.counted,
                images,
                quirks,
                preset.source,
            )
        )
    columns = (
        "preset",
        "address",
        "JSON object",
        "usage of a stream",
        "images",
        "asked otherwise",
        "read where",
    )
    return table(columns, rows)


def metric_table() -> str:
    rows = (
        (f"`{m.name}`", m.kind, ", ".join(f"`{label}`" for label in m.labels) or "–", m.help,
         m.told_by)
        for m in metrics()
    )  # fmt: skip
    return table(("metric", "kind", "labels", "what it says", "told by"), rows)


def code(file: str) -> str:
    """Markdown."""
    return f"```python\n{Path(file).read_text(encoding='utf-8')}```\n"


TABLES: dict[str, Callable[[], str]] = {
    "streams": stream_table,
    "stages": stage_table,
    "buckets": bucket_table,
    "rights": rights_table,
    "metrics": metric_table,
    "presets": preset_table,
    "discord.commands": command_table,
    "example.channel": lambda: code("docs/channel.py"),
    "settings.every-service": lambda: settings_table(ServiceSettings, own=False),
    "settings.gateway": lambda: settings_table(GatewaySettings),
    "settings.retriever": lambda: settings_table(RetrieverSettings),
    "settings.llm": lambda: settings_table(LlmSettings),
    "settings.tts": lambda: settings_table(TtsSettings),
    "settings.discord": lambda: settings_table(DiscordSettings),
    "settings.command-line": lambda: settings_table(CliSettings, own=False),
}


def renewed(text: str) -> str:
    return MARK.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n{found[3]}", text)


def main() -> int:
    stale = []
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        if (new := renewed(text)) != text:
            stale.append(str(file))
            if "--check" not in sys.argv:
                file.write_text(new, encoding="utf-8")
    if stale and "--check" in sys.argv:
        sys.stderr.write(f"out of date: {', '.join(stale)}: run `make docs`\n")
        return 1
    return 0


def _duration(seconds: float) -> str:
    if not seconds:
        return "always"
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        if seconds >= length:
            return f"{seconds / length:g} {unit}"
    return f"{seconds} s"


def _default(value: object) -> str:
    text = "" if value is None else str(value)
    return f"`{text}`" if text and not text.startswith("*") else "–"


if __name__ == "__main__":
    sys.exit(main())
