"""REST and the CDN over HTTP: what surrounds the routes.

https://docs.discord.com/developers/reference
"""

import asyncio
import contextlib
import json
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import BodyPartReader, web

from tests.standins.discord.calls import Call
from tests.standins.discord.drafts import Upload
from tests.standins.discord.errors import Refusal
from tests.standins.discord.faults import Fault
from tests.standins.discord.gateway import Connection
from tests.standins.discord.limits import Limited
from tests.standins.discord.routes import Route, commands, interactions, messages, threads, users
from tests.standins.discord.world import World

API = "/api/v10"
ROUTES = {
    **messages.ROUTES,
    **threads.ROUTES,
    **users.ROUTES,
    **commands.ROUTES,
    **interactions.ROUTES,
}
REQUEST_LIMIT = 25 << 20
_TOKENS_OF_THEIR_OWN = ("/interactions/", "/webhooks/")
type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(world: World) -> web.Application:
    made = web.Application(client_max_size=REQUEST_LIMIT)
    for (method, route), act in ROUTES.items():
        made.router.add_route(method, API + route, _handler(world, route, act))
    made.router.add_route("*", f"{API}/{{rest:.*}}", _handler(world, "", _nowhere))
    made.router.add_get("/gateway/", _gateway(world))
    made.router.add_get("/cdn/{path:.*}", _cdn(world))
    return made


def _nowhere(_: World, call: Call) -> Any:
    raise Refusal(0)


def _handler(world: World, route: str, act: Route) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        path = request.path.removeprefix(API)
        call = Call(request.method, path, world.clock.now(), dict(request.query), route=route)
        call.ids = dict(request.match_info)
        call.reason = request.headers.get("X-Audit-Log-Reason", "")
        world.calls.append(call)
        fault = world.faults.take(call.method, path)
        world.changed()
        if fault and fault.delay:
            await asyncio.sleep(fault.delay)
        if fault and not fault.after and (failed := _failed(world, request, call, fault)):
            return failed
        answer = await _answer(world, request, call, act)
        if fault and fault.after and (failed := _failed(world, request, call, fault)):
            return failed
        world.changed()
        return answer

    return handle


async def _answer(world: World, request: web.Request, call: Call, act: Route) -> web.Response:
    """Everything that Discord checks, in its order: the ban, the token, limits, the route's own."""
    headers: dict[str, str] = {}
    try:
        world.limits.check_ban()
        await _read(request, call)
        call.bot = _sender(world, request)
        headers = world.limits.take(_who(call), call.method, call.route, _major(call))
        call.answer = act(world, call)
        call.status = call.status or (204 if call.answer is None else 200)
    except Refusal as refused:
        call.status, call.answer = refused.status, refused.body
    except Limited as limited:
        return _limited(world, call, limited)
    world.limits.note(call.status)
    return reply(call.status, call.answer, headers)


def _sender(world: World, request: web.Request) -> Any:
    """None where the path carries a token of its own. Raises Refusal 401."""
    if request.path.removeprefix(API).startswith(_TOKENS_OF_THEIR_OWN):
        return None
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind != "Bot" or token not in world.bots:
        raise Refusal(0, status=401)
    return world.bots[token]


def _who(call: Call) -> str:
    return call.bot.token if call.bot else call.ids.get("token", "")


def _major(call: Call) -> str:
    """https://docs.discord.com/developers/topics/rate-limits#header-format"""
    return call.ids.get("channel") or call.ids.get("guild") or call.ids.get("token", "")


def _limited(world: World, call: Call, limited: Limited) -> web.Response:
    """Cloudflare's answer has no Via and no JSON: the whole address is banned."""
    call.status = 429
    world.limits.note(429, shared=limited.scope == "shared")
    world.changed()
    if limited.banned:
        headers = {"Retry-After": str(int(limited.retry_after)), "Content-Type": "text/html"}
        return web.Response(status=429, text="error code: 1015", headers=headers)
    whole = limited.scope == "global"
    body = {"message": "You are being rate limited.", "retry_after": round(limited.retry_after, 3)}
    return reply(429, body | {"global": whole}, limited.all_headers)


def reply(status: int, body: Any, headers: dict[str, str] | None = None) -> web.Response:
    """Discord's media type has no charset, and a reply from its own servers has Via."""
    head = {"Via": "1.1 google", **(headers or {})}
    if status == 204:
        return web.Response(status=204, headers=head)
    head["Content-Type"] = "application/json"
    return web.Response(body=json.dumps(body).encode(), status=status, headers=head)


def _failed(world: World, request: web.Request, call: Call, fault: Fault) -> web.Response | None:
    """None when the fault is only a delay."""
    if fault.reset:
        call.status = 0
        _reset(request)
        world.changed()
        return web.Response()
    if fault.status == 429:
        who = request.headers.get("Authorization", "").removeprefix("Bot ")
        key = (who or call.ids.get("token", ""), call.method, call.route, _major(call))
        return _limited(world, call, world.limits.used_up(*key, fault.retry_after, fault.scope))
    if not fault.status:
        return None
    call.status = fault.status
    world.changed()
    text = {500: "500: Internal Server Error"}.get(fault.status, f"{fault.status}: Bad Gateway")
    return reply(fault.status, {"message": text, "code": 0})


def _reset(request: web.Request) -> None:
    """The client reads ECONNRESET, not the end of a stream."""
    if request.transport:
        opened = request.transport.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()


async def _read(request: web.Request, call: Call) -> None:
    """The body, and the files that came with it. Raises Refusal 50109, 40005."""
    call.body = {}
    try:
        if request.content_type.startswith("multipart/"):
            await _read_parts(request, call)
        elif request.can_read_body and (data := await request.read()):
            call.body = json.loads(data)
    except (json.JSONDecodeError, UnicodeDecodeError) as broken:
        raise Refusal(50109) from broken
    except web.HTTPRequestEntityTooLarge as large:
        raise Refusal(40005) from large


async def _read_parts(request: web.Request, call: Call) -> None:
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        data = bytes(await part.read())
        if part.name == "payload_json":
            call.body = json.loads(data)
        elif part.filename:
            number = re.search(r"\d+", part.name or "")
            kind = part.headers.get("Content-Type", "application/octet-stream")
            place = int(number[0]) if number else len(call.files)
            call.files.append(Upload(place, part.filename, kind, data))


def _gateway(world: World) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        fault = world.faults.take("GET", request.path)
        if fault and fault.status:
            return web.Response(status=fault.status)
        ws = web.WebSocketResponse(max_msg_size=0, autoclose=True)
        await ws.prepare(request)
        with contextlib.suppress(ConnectionError):
            await Connection(world, ws, request).run()
        return ws

    return handle


def _cdn(world: World) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        fault = world.faults.take("GET", request.path)
        if fault and fault.delay:
            await asyncio.sleep(fault.delay)
        if fault and fault.reset:
            _reset(request)
        if fault and fault.status:
            return web.Response(status=fault.status)
        found = world.files.get(request.match_info["path"])
        if found is None:
            return web.Response(status=404)
        return web.Response(body=found.data, headers={"Content-Type": found.content_type})

    return handle
