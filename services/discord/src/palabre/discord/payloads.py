"""What Discord's REST API is sent for a message of ours.

Source: https://discord.com/developers/docs/resources/message#create-message
"""

import json
from collections.abc import Sequence
from itertools import batched
from typing import Any

from palabre.discord.interactions import Form
from palabre.discord.messages import Body, Button, Embed

_ROW, _BUTTON, _TEXT_INPUT = 1, 2, 4
_PARAGRAPH = 2
_SECONDARY, _DANGER = 2, 4
_ROW_BUTTONS = 5
NOBODY: dict[str, Any] = {"parse": [], "replied_user": False}


def shown(body: Body) -> dict[str, Any]:
    """The whole message, for a new one and for an edit: what is not in it goes away."""
    return {
        "content": body.content,
        "embeds": [_embed(embed) for embed in body.embeds],
        "components": _rows(body.buttons),
        "allowed_mentions": NOBODY,
    }


def created(body: Body, nonce: str, channel: int, reply_to: int | None) -> dict[str, Any]:
    """A new message. With `enforce_nonce` the same nonce within minutes makes no second one."""
    payload = shown(body) | {"nonce": nonce, "enforce_nonce": True}
    if reply_to:
        payload["message_reference"] = {
            "channel_id": str(channel),
            "message_id": str(reply_to),
            "fail_if_not_exists": False,
        }
    return payload


def form(payload: dict[str, Any], files: Sequence[tuple[str, bytes]]) -> list[dict[str, Any]]:
    """The same with files, as fields of a multipart form."""
    attached = [{"id": place, "filename": name} for place, (name, _) in enumerate(files)]
    told = json.dumps(payload | {"attachments": attached})
    return [
        {"name": "payload_json", "value": told, "content_type": "application/json"},
        *(_file(place, *file) for place, file in enumerate(files)),
    ]


def _file(place: int, name: str, content: bytes) -> dict[str, Any]:
    return {
        "name": f"files[{place}]",
        "value": content,
        "filename": name,
        "content_type": "application/octet-stream",
    }


def asking(form: Form) -> dict[str, Any]:
    """A modal with one field. https://discord.com/developers/docs/components/reference#text-input"""
    field = {
        "type": _TEXT_INPUT,
        "custom_id": form.field,
        "label": form.label,
        "style": _PARAGRAPH,
        "required": False,
        "max_length": form.most,
    }
    rows = [{"type": _ROW, "components": [field]}]
    return {"custom_id": form.id, "title": form.title, "components": rows}


def _embed(embed: Embed) -> dict[str, Any]:
    fields = [
        {"name": each.name, "value": each.value, "inline": each.is_inline} for each in embed.fields
    ]
    made: dict[str, Any] = {
        "title": embed.title,
        "description": embed.text,
        "color": embed.colour,
        "footer": {"text": embed.footer} if embed.footer else None,
        "fields": fields,
    }
    return {key: value for key, value in made.items() if value}


def _rows(buttons: Sequence[Button]) -> list[dict[str, Any]]:
    return [
        {"type": _ROW, "components": [_button(button) for button in row]}
        for row in batched(buttons, _ROW_BUTTONS)
    ]


def _button(button: Button) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": _BUTTON,
        "style": _DANGER if button.is_danger else _SECONDARY,
        "custom_id": button.id,
        "disabled": not button.is_enabled,
    }
    if button.label:
        made["label"] = button.label
    if button.emoji:
        made["emoji"] = {"name": button.emoji}
    return made
