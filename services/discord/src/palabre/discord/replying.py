"""Interactions as nextcord has them, and the answers that Discord takes to them.

Source: https://discord.com/developers/docs/interactions/receiving-and-responding
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import nextcord
from nextcord.http import Route
from nextcord.webhook.async_ import async_context

from palabre.discord import calls, payloads
from palabre.discord.interactions import FIRST_S, Form, Interaction, Kind, Suggestion
from palabre.discord.messages import Body, Person

_KINDS: dict[nextcord.InteractionType, Kind] = {
    nextcord.InteractionType.application_command: "command",
    nextcord.InteractionType.application_command_autocomplete: "completion",
    nextcord.InteractionType.component: "button",
    nextcord.InteractionType.modal_submit: "form",
}
_DEFERRED, _NOTHING, _UPDATE, _CHOICES, _FORM = 5, 6, 7, 8, 9  # kinds of a first answer
_PRIVATE = 64  # a flag of messages: ephemeral
_ANSWERED_BEFORE = 40060


def interaction_of(asked: nextcord.Interaction[Any]) -> Interaction | None:
    """None for what is neither a slash command, a button nor a form."""
    data: dict[str, Any] = dict(asked.data or {})
    kind = _KINDS.get(asked.type)
    if kind is None or asked.user is None or asked.channel_id is None:
        return None
    fields = list(_fields(data))
    focused = next((each["name"] for each in fields if each.get("focused")), "")
    return Interaction(
        id=asked.id,
        token=asked.token,
        kind=kind,
        name=data.get("name") or data.get("custom_id", ""),
        person=_person(asked),
        channel=asked.channel_id,
        server=asked.guild_id,
        locale=asked.locale or "fr",
        values={each.get("name") or each["custom_id"]: each["value"] for each in fields},
        focused=focused,
        message=asked.message.id if asked.message else None,
    )


def _fields(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Options of a command, and fields of a form, wherever they are nested."""
    if "value" in data:
        yield data
    inner = [*(data.get("options") or ()), *(data.get("components") or ())]
    for each in [*inner, *([data["component"]] if "component" in data else [])]:
        yield from _fields(each)


def _person(asked: nextcord.Interaction[Any]) -> Person:
    user: Any = asked.user
    may = asked.permissions  # as Discord has computed them for the place
    return Person(
        id=user.id,
        name=user.display_name,
        roles=tuple(role.id for role in getattr(user, "roles", ())),
        is_bot=user.bot,
        manages_messages=may.manage_messages,
        manages_threads=may.manage_threads,
        manages_server=may.manage_guild,
    )


@dataclass(slots=True)
class NextcordReplies:
    """By the interaction's token, which after a restart is as good as before."""

    session: Any  # nextcord's own
    application: int
    bot: str
    interaction: int
    token: str

    async def defer(self, *, private: bool) -> bool:
        return await self._first(_DEFERRED, {"flags": _PRIVATE if private else 0})

    async def update(self, body: Body) -> bool:
        return await self._first(_UPDATE, payloads.shown(body))

    async def acknowledge(self) -> bool:
        return await self._first(_NOTHING, {})

    async def ask(self, form: Form) -> bool:
        return await self._first(_FORM, payloads.asking(form))

    async def complete(self, suggestions: Sequence[Suggestion]) -> bool:
        return await self._first(_CHOICES, {"choices": [each._asdict() for each in suggestions]})

    async def show(self, body: Body) -> int:
        return await self._write(self._route("PATCH", "@original"), payloads.shown(body), body)

    async def withdraw(self) -> None:
        await self._delete("@original")

    async def add(self, body: Body, *, private: bool) -> int:
        payload = payloads.shown(body) | {"flags": _PRIVATE if private else 0}
        return await self._write(self._route("POST"), payload, body)

    async def edit(self, message: int, body: Body) -> None:
        await self._write(self._route("PATCH", str(message)), payloads.shown(body), body)

    async def delete(self, message: int) -> None:
        await self._delete(str(message))

    async def _delete(self, message: str) -> None:
        with contextlib.suppress(calls.Gone):
            route = self._route("DELETE", message)
            await calls.insist(lambda: self._request(route), self.bot)

    async def _first(self, kind: int, data: dict[str, Any]) -> bool:
        """An answer that was lost on its way, and is given again, is ours all the same."""
        tries = 0

        async def answer() -> bool:
            nonlocal tries
            tries += 1
            try:
                await self._request(self._callback(), {"type": kind, "data": data})
            except nextcord.HTTPException as error:
                if error.code != _ANSWERED_BEFORE:
                    raise
                return tries > 1
            return True

        return await calls.insist(answer, self.bot, within_s=FIRST_S)

    def _callback(self) -> Route:
        path = "/interactions/{webhook_id}/{webhook_token}/callback"
        return Route("POST", path, webhook_id=self.interaction, webhook_token=self.token)

    def _route(self, method: str, message: str = "") -> Route:
        path = "/webhooks/{webhook_id}/{webhook_token}" + (message and f"/messages/{message}")
        return Route(method, path, webhook_id=self.application, webhook_token=self.token)

    async def _write(self, route: Route, payload: dict[str, Any], body: Body) -> int:
        query = {"wait": "true"} if route.method == "POST" else None
        form = payloads.form(payload, body.files) if body.files else None

        async def write() -> Any:
            return await self._request(route, None if form else payload, form, query)

        made = await calls.insist(write, self.bot)
        return int(made["id"])

    async def _request(
        self,
        route: Route,
        payload: dict[str, Any] | None = None,
        form: list[dict[str, Any]] | None = None,
        query: dict[str, Any] | None = None,
    ) -> Any:
        """By nextcord's own path for interactions, whose limits are each interaction's own."""
        return await async_context.get().request(
            route, self.session, payload=payload, multipart=form, params=query
        )
