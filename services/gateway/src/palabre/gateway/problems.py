"""Every failure as a document: problem+json (RFC 9457), or OpenAI's shape below /v1/."""

import datetime as dt
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from grpc import StatusCode
from grpc.aio import AioRpcError
from nats.errors import Error as NatsError
from starlette.exceptions import HTTPException

from palabre.channels.attachments import InvalidAttachment
from palabre.chassis.errors import Erased, Reject, Unavailable
from palabre.chassis.spaces import UnknownSpace
from palabre.gateway import metrics


class Problem(Exception):
    """A request that is refused. `detail` is a sentence that says what to do.

    `param` and `code` name the parameter and the reason in OpenAI's shape; `refusal` is why what
    would be taken at another time is not, for who counts; `extra` are further members of the
    problem document.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        refusal: str = "",
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.param, self.code, self.refusal = param, code, refusal
        self.headers = dict(headers or {})
        self.extra = extra

    def document(self) -> dict[str, Any]:
        title = HTTPStatus(self.status).phrase
        fixed = {"type": "about:blank", "title": title, "status": self.status}
        return fixed | {"detail": self.detail} | self.extra

    def openai(self) -> dict[str, Any]:
        kind = _OPENAI_TYPES.get(self.status, "invalid_request_error")
        if self.status >= 500:
            kind = "server_error"
        error = {"message": self.detail, "type": kind, "param": self.param, "code": self.code}
        return {"error": error}


def retry_headers(opens: dt.datetime) -> dict[str, str]:
    """The official clients would try again at once, and wait."""
    left = (opens - dt.datetime.now(dt.UTC)).total_seconds()
    return {"Retry-After": str(max(1, round(left))), "x-should-retry": "false"}


_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_FROM_GRPC = {
    StatusCode.NOT_FOUND: 404,
    StatusCode.INVALID_ARGUMENT: 422,
    StatusCode.FAILED_PRECONDITION: 409,
    StatusCode.ALREADY_EXISTS: 409,
    StatusCode.PERMISSION_DENIED: 403,
    StatusCode.RESOURCE_EXHAUSTED: 413,
    StatusCode.DEADLINE_EXCEEDED: 504,
    StatusCode.UNAVAILABLE: 503,
}
_AWAY = {
    503: "The service that this needs is away: try again in a moment.",
    504: "The service that this needs took too long: try again.",
}


def of_rpc(error: AioRpcError) -> Problem:
    """A service's refusal; its sentence is passed on, its crash is not."""
    status = _FROM_GRPC.get(error.code(), 502)
    headers = {"Retry-After": "1"} if status == 503 else None
    fallback = "A service behind this one failed: try again, and tell the operator if it stays so."
    detail = _AWAY.get(status) or (status != 502 and error.details()) or fallback
    refusal = "unavailable" if status in _AWAY else ""
    return Problem(status, detail, headers=headers, refusal=refusal)


def response(problem: Problem, path: str) -> Response:
    """In the shape that clients of this path expect."""
    if path.startswith("/v1/"):
        status = 400 if problem.status == 422 else problem.status  # as OpenAI has it
        return JSONResponse(problem.openai(), status, problem.headers)
    return JSONResponse(
        problem.document(),
        problem.status,
        problem.headers,
        media_type="application/problem+json",
    )


def install(app: FastAPI) -> None:
    """Turns whatever a route may raise into a document."""
    for kind, translate in _TRANSLATIONS.items():
        app.add_exception_handler(kind, _handler(translate))


def _handler(translate: Any) -> Any:
    async def handle(request: Request, error: Exception) -> Response:
        problem = translate(error)
        if problem.refusal:
            metrics.REFUSALS.labels(problem.refusal).inc()
        return response(problem, request.url.path)

    return handle


def _of_http(error: HTTPException) -> Problem:
    detail = _SENTENCES.get(error.status_code, str(error.detail))
    return Problem(error.status_code, detail, headers=error.headers)


_SENTENCES = {
    404: "There is nothing at this address: see /docs for those that exist.",
    405: "This address does not take this method: see /docs for those that it takes.",
}


def _of_validation(error: RequestValidationError) -> Problem:
    """Names the fields, never their content."""
    errors = [
        {"at": ".".join(str(p) for p in e["loc"][1:]) or str(e["loc"][0]), "message": e["msg"]}
        for e in error.errors()
    ]
    first = errors[0]
    detail = f"Correct {first['at']!r}: {first['message']}."
    status = 400 if error.errors()[0]["type"] == "json_invalid" else 422
    return Problem(status, detail, param=first["at"], errors=errors)


def _of_unavailable(error: Unavailable | NatsError) -> Problem:
    wait = str(max(1, round(getattr(error, "retry_after", 1))))
    return Problem(
        503,
        "Palabre is busy or restarting: try again.",
        headers={"Retry-After": wait},
        refusal="unavailable",
    )


def _of_unknown_space(error: UnknownSpace) -> Problem:
    return Problem(404, "There is no such space: GET /api/v1/spaces lists them.", param="model")


def _of_attachment(error: InvalidAttachment) -> Problem:
    return Problem(422, str(error), param=error.param, code=error.code)


def _of_reject(error: Reject) -> Problem:
    return Problem(422, f"This cannot be processed: {error}.")


def _of_erased(error: Erased) -> Problem:
    return Problem(404, "This conversation was erased: begin another.")


def _unforeseen(error: Exception) -> Problem:
    return Problem(500, "Palabre made a mistake, which is in its log: try again.")


_TRANSLATIONS: dict[type[Exception], Any] = {
    Problem: lambda error: error,
    HTTPException: _of_http,
    RequestValidationError: _of_validation,
    Unavailable: _of_unavailable,
    NatsError: _of_unavailable,
    UnknownSpace: _of_unknown_space,
    InvalidAttachment: _of_attachment,
    Reject: _of_reject,
    Erased: _of_erased,
    AioRpcError: of_rpc,
    Exception: _unforeseen,
}
