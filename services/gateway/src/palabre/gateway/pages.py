"""The web pages: the shell at `/`, its static files, and a readable page per document."""

import gzip
import hashlib
import mimetypes
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from palabre.chassis.spaces import Space
from palabre.contracts.v1.retriever_pb2 import GetDocumentResponse

Documents = Callable[[Request, str, str], Awaitable[GetDocumentResponse]]

STATIC = Path(__file__).parent / "static"
LANGUAGES = ("fr", "en")
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' blob:",
        "media-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types lit-html",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cross-origin-opener-policy": "same-origin",
}
WORDS = {
    "fr": {
        "skip": "Aller à la question",
        "script": "Cette page a besoin de JavaScript pour vous répondre.",
        "talk": "Poser une question",
        "origin": "Voir la page d’origine",
        "empty": "Ce document ne contient aucun passage lisible.",
        "home": "Revenir à l’accueil",
        "no_space": "Cet espace n’existe pas ou n’est pas ouvert au public."
        " Vérifiez l’adresse de la page.",
        "no_document": "Ce document n’existe pas ou n’est pas public."
        " Il a peut-être été retiré depuis.",
    },
    "en": {
        "skip": "Skip to the question",
        "script": "This page needs JavaScript to answer you.",
        "talk": "Ask a question",
        "origin": "See the original page",
        "empty": "This document has no readable passage.",
        "home": "Back to the start",
        "no_space": "This space does not exist or is not open to the public."
        " Check the address of the page.",
        "no_document": "This document does not exist or is not public."
        " It may have been withdrawn since.",
    },
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A static file, read once. `zipped` is empty where gzip does not help."""

    body: bytes
    zipped: bytes
    media_type: str


def router(
    spaces: Callable[[], Mapping[str, Space]],
    document: Documents,
    welcome: Callable[[Request, Response], None],
) -> APIRouter:
    """The routes of the pages.

    `spaces` gives those open to visitors, by id. `document(request, space, document)` reads one as
    the visitor may; it raises KeyError when there is none for them. `welcome` sets the visitor's
    cookie where it is missing.
    """
    routes = APIRouter(include_in_schema=False)
    render = _Renderer(_assets())

    @routes.get("/")
    async def page(request: Request, space: str = "") -> Response:
        known = spaces()
        name = space or next(iter(known), "")
        language = preferred(request)
        if name not in known:
            return render.missing(language, "no_space")
        response = render.page(language, name, known[name])
        welcome(request, response)
        return response

    @routes.get("/sources/{space}/{name:path}")
    async def source(request: Request, space: str, name: str) -> Response:
        language = preferred(request)
        if space not in (known := spaces()):
            return render.missing(language, "no_space")
        try:
            found = await document(request, space, name)
        except KeyError:
            return render.missing(language, "no_document")
        return render.document(language, space, known[space], found)

    @routes.get("/static/{version}/{path:path}")
    async def static(request: Request, version: str, path: str) -> Response:
        return render.asset(request, version, path)

    return routes


def preferred(request: Request) -> str:
    """The first language of the browser's that we have; French otherwise."""
    wanted = request.headers.get("accept-language", "").lower().split(",")
    codes = (part.split(";")[0].strip().split("-")[0] for part in wanted)
    return next((code for code in codes if code in LANGUAGES), LANGUAGES[0])


class _Renderer:
    def __init__(self, assets: Mapping[str, Asset]) -> None:
        self._assets = assets
        # Addresses carry the content's hash: browsers keep files for good and never mix versions.
        digest = hashlib.sha256(b"".join(asset.body for asset in assets.values()))
        self._version = digest.hexdigest()[:12]
        self._modules = sorted(path for path in assets if path.endswith(".js"))
        self._templates = Environment(
            loader=PackageLoader("palabre.gateway"), autoescape=True, undefined=StrictUndefined
        )

    def page(self, language: str, name: str, space: Space) -> Response:
        greeting = space.text(space.greeting, language)
        modules = [path for path in self._modules if path != "js/document.js"]
        values = {"name": name, "space": space, "greeting": greeting, "modules": modules}
        return self._html("page.html", language, values)

    def document(
        self, language: str, name: str, space: Space, found: GetDocumentResponse
    ) -> Response:
        entry, passages = found.entry, found.passages
        values = {"name": name, "space": space, "document": entry, "passages": passages}
        address = entry.url if urlsplit(entry.url).scheme in ("http", "https") else ""
        return self._html("document.html", language, values | {"address": address})

    def missing(self, language: str, reason: str) -> Response:
        values = {"sentence": WORDS[language][reason]}
        return self._html("missing.html", language, values, status=404)

    def asset(self, request: Request, version: str, path: str) -> Response:
        asset = self._assets.get(path)
        if asset is None:
            return Response(status_code=404)
        lasting = version == self._version
        headers = {
            "cache-control": "public, max-age=31536000, immutable" if lasting else "no-cache",
            "x-content-type-options": "nosniff",
            "vary": "accept-encoding",
        }
        zipped = asset.zipped and "gzip" in request.headers.get("accept-encoding", "")
        if zipped:
            headers["content-encoding"] = "gzip"
        body = asset.zipped if zipped else asset.body
        return Response(body, headers=headers, media_type=asset.media_type)

    def _html(
        self, template: str, language: str, values: Mapping[str, Any], status: int = 200
    ) -> Response:
        text = self._templates.get_template(template).render(
            language=language,
            words=WORDS[language],
            static=f"/static/{self._version}",
            **values,
        )
        return HTMLResponse(text, status, HEADERS | {"vary": "accept-language"})


def _assets() -> dict[str, Asset]:
    """Everything below static/, by its path there: nothing else can be asked for."""
    files = sorted(file for file in STATIC.rglob("*") if file.is_file())
    return {file.relative_to(STATIC).as_posix(): _asset(file) for file in files}


def _asset(file: Path) -> Asset:
    body = file.read_bytes()
    zipped = gzip.compress(body, 9, mtime=0)
    # The system's own table may say otherwise of JavaScript, and browsers insist.
    known = {".js": "text/javascript", ".md": "text/plain"}
    media_type = known.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "text/plain"
    return Asset(body, zipped if len(zipped) < len(body) else b"", media_type)
