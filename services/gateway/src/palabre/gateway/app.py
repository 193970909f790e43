"""The HTTP application."""

from collections.abc import Callable

from fastapi import FastAPI
from starlette.types import ASGIApp

from palabre.gateway import problems, reference
from palabre.gateway.http import Edge
from palabre.gateway.routes import (
    answer,
    archive,
    blobs,
    conversations,
    documents,
    duplicates,
    engines,
    generate,
    knowledge,
    manifests,
    openai,
    page,
    snapshots,
    spaces,
    speech,
    tokens,
    turns,
    usage,
    voices,
)
from palabre.gateway.settings import GatewaySettings
from palabre.gateway.state import State

# The ones that must be quick come first: routes are tried in order.
_ROUTERS = (
    openai,
    turns,
    blobs,
    conversations,
    speech,
    spaces,
    knowledge,
    snapshots,
    documents,
    duplicates,
    answer,
    generate,
    tokens,
    engines,
    voices,
    manifests,
    usage,
    archive,
)
_VOICE_BYTES = 64 << 20  # a proof and a few recordings


_CHAT = "/v1/chat/completions"
_FORM_BYTES = 4_096  # what a form says around a file


def create(gateway: State) -> ASGIApp:
    """All routes, behind the edge."""
    app = FastAPI(
        title="Palabre",
        summary="Answers from an organisation's own knowledge, with sources, in a voice.",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.gateway = gateway
    problems.install(app)
    for routes in _ROUTERS:
        app.include_router(routes.router)
    app.include_router(reference.router)
    app.include_router(page.router(gateway))
    return Edge(app, _limit(gateway.settings))


def _limit(settings: GatewaySettings) -> Callable[[str], int]:
    def limit(path: str) -> int:
        if path.startswith("/api/v1/spaces/") and path.endswith("/documents"):
            return settings.max_upload_bytes
        if path.startswith("/api/v1/spaces/") and path.endswith(("/voices", "/voices/check")):
            return _VOICE_BYTES
        if path.startswith("/api/v1/spaces/") and path.endswith("/blobs"):
            return settings.max_image_bytes + _FORM_BYTES
        return settings.max_chat_bytes if path == _CHAT else settings.max_body_bytes

    return limit
