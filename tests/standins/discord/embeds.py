"""What an embed may hold.

https://docs.discord.com/developers/resources/message#embed-object-embed-limits
"""

import re

from tests.standins.discord.errors import Form
from tests.standins.discord.state import Json

MOST, ALTOGETHER = 10, 6_000
_LENGTHS = {"title": 256, "description": 4096, "footer.text": 2048, "author.name": 256}


def check(form: Form, embeds: list[Json]) -> None:
    form.length("embeds", embeds, MOST)
    for number, embed in enumerate(embeds):
        _check_one(form, f"embeds.{number}", embed)
    message = f"Embed size exceeds maximum size of {ALTOGETHER}"
    size = sum(len(text) for embed in embeds for text in _texts(embed))
    form.require(size <= ALTOGETHER, "embeds", "MAX_EMBED_SIZE_EXCEEDED", message)


def _check_one(form: Form, path: str, embed: Json) -> None:
    for name, most in _LENGTHS.items():
        form.length(f"{path}.{name}", _at(embed, name), most)
    fields = embed.get("fields") or []
    form.length(f"{path}.fields", fields, 25)
    for number, entry in enumerate(fields):
        form.length(f"{path}.fields.{number}.name", entry.get("name"), 256, 1)
        form.length(f"{path}.fields.{number}.value", entry.get("value"), 1024, 1)
    for name in ("url", "image.url", "thumbnail.url", "author.url", "footer.icon_url"):
        _check_address(form, f"{path}.{name}", _at(embed, name))
    color = embed.get("color") or 0
    message = "int value should be less than or equal to 16777215."
    form.require(0 <= color <= 0xFFFFFF, f"{path}.color", "NUMBER_TYPE_MAX", message)


def _check_address(form: Form, path: str, url: str | None) -> None:
    if url and not re.match(r"(https?|attachment)://\S+$", url):
        schemes = "http, https, attachment"
        message = (
            f'Scheme "{url.split(":")[0]}" is not supported. Scheme must be one of ({schemes}).'
        )
        form.wrong(path, "URL_TYPE_INVALID_SCHEME", message)


def _at(embed: Json, path: str) -> str | None:
    value = embed
    for key in path.split("."):
        value = (value or {}).get(key)  # type: ignore[assignment]
    return value  # type: ignore[return-value]


def _texts(embed: Json) -> list[str]:
    texts = [_at(embed, name) or "" for name in _LENGTHS]
    for entry in embed.get("fields") or []:
        texts += [entry.get("name") or "", entry.get("value") or ""]
    return texts


def stored(embed: Json) -> Json:
    """As it comes back: with its type, without what was null."""
    kept = {key: value for key, value in embed.items() if value is not None}
    kept["type"] = "rich"
    if "fields" in kept:
        kept["fields"] = [{"inline": False} | entry for entry in kept["fields"]]
    return kept
