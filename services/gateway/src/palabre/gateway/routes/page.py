"""The web page's routes, given what this gateway knows."""

import grpc
from fastapi import APIRouter, Request, Response

from palabre.chassis.spaces import Space
from palabre.contracts.v1.retriever_pb2 import GetDocumentRequest, GetDocumentResponse
from palabre.gateway import pages
from palabre.gateway.callers import open_to_visitors
from palabre.gateway.state import State
from palabre.gateway.visitors import COOKIE, MAX_AGE_S


def router(gateway: State) -> APIRouter:
    def spaces() -> dict[str, Space]:
        return {n: s for n, s in gateway.spaces.all().items() if open_to_visitors(s)}

    async def document(request: Request, space: str, name: str) -> GetDocumentResponse:
        """As the public may read it. Raises KeyError."""
        try:
            return await gateway.retriever.GetDocument(
                GetDocumentRequest(space=space, document=name, groups=["public"])
            )
        except grpc.aio.AioRpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:
                raise KeyError(name) from None
            raise

    def welcome(request: Request, response: Response) -> None:
        """Whoever comes for the first time becomes a visitor."""
        if gateway.visitors.read(request.cookies.get(COOKIE, "")) is None:
            response.set_cookie(
                COOKIE,
                gateway.visitors.issue(),
                max_age=MAX_AGE_S,
                httponly=True,
                samesite="strict",
                secure=request.url.scheme == "https",
            )

    return pages.router(spaces, document, welcome)
