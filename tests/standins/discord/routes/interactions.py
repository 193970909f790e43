"""Answers to interactions; they need no bot token, the interaction's own is enough.

https://docs.discord.com/developers/interactions/receiving-and-responding#endpoints
"""

from typing import Any

from tests.standins.discord import answering, payloads, writing
from tests.standins.discord.calls import Call
from tests.standins.discord.errors import Refusal
from tests.standins.discord.interactions import Interaction
from tests.standins.discord.routes import Routes
from tests.standins.discord.routes.finding import attachments
from tests.standins.discord.state import Json, Message
from tests.standins.discord.world import World


def callback(world: World, call: Call) -> Any:
    asked = world.interactions.get(call.ids["token"])
    if asked is None or str(asked.id) != call.ids["interaction"]:
        raise Refusal(10062)
    call.bot = asked.bot
    kind, data = call.body.get("type", 0), call.body.get("data") or {}
    uploads = Call(call.method, call.path, call.at, body=data, files=call.files)
    message = answering.respond(world, asked, kind, data, attachments(world, uploads))
    if call.query.get("with_response") != "true":
        return None
    return _callback_body(asked, kind, message)


def _callback_body(asked: Interaction, kind: int, message: Message | None) -> Json:
    told: Json = {"id": str(asked.id), "type": asked.kind}
    body: Json = {"interaction": told}
    if message:
        told |= {
            "response_message_id": str(message.id),
            "response_message_loading": message.loading,
            "response_message_ephemeral": message.ephemeral,
        }
        body["resource"] = {"type": kind, "message": payloads.message(message)}
    return body


def follow_up(world: World, call: Call) -> Any:
    asked = _asked(world, call)
    message = answering.follow_up(world, asked, call.body, attachments(world, call))
    return payloads.message(message)


def get_one(world: World, call: Call) -> Any:
    return payloads.message(answering.find(_asked(world, call), call.ids["message"]))


def edit(world: World, call: Call) -> Any:
    message = answering.find(_asked(world, call), call.ids["message"])
    files = attachments(world, call, message.attachments)
    answering.edit(world, message, call.body, files)
    return payloads.message(message)


def delete(world: World, call: Call) -> None:
    writing.delete(world, answering.find(_asked(world, call), call.ids["message"]))


def _asked(world: World, call: Call) -> Interaction:
    asked = answering.check_token(world.interactions.get(call.ids["token"]))
    if str(asked.bot.application_id) != call.ids["application"]:
        raise Refusal(50027)
    call.bot = asked.bot
    return asked


_WEBHOOK = "/webhooks/{application}/{token}"
ROUTES: Routes = {
    ("POST", "/interactions/{interaction}/{token}/callback"): callback,
    ("POST", _WEBHOOK): follow_up,
    ("GET", f"{_WEBHOOK}/messages/{{message}}"): get_one,
    ("PATCH", f"{_WEBHOOK}/messages/{{message}}"): edit,
    ("DELETE", f"{_WEBHOOK}/messages/{{message}}"): delete,
}
