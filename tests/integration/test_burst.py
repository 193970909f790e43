"""deploy/k8s/tests/burst.py, which looks for lost answers on a cluster, against a gateway here."""

import asyncio

import httpx

from deploy.k8s.tests import burst
from palabre.channels.testing import ScriptedAnswers
from palabre.gateway import testing
from palabre.gateway.testing import RunningGateway


class Renewed(httpx.AsyncHTTPTransport):
    """As while pods are renewed: every third connection breaks, half of them after the request."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = 0
        self.asked = 0  # questions that arrived, the same again included

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        if self.requests % 6 == 3:
            raise httpx.ConnectError("refused")
        reply = await super().handle_async_request(request)
        self.asked += request.url.path.endswith("/utterances") and reply.status_code == 202
        if self.requests % 6 == 0:
            await reply.aclose()
            raise httpx.ReadError("reset")
        return reply


async def test_a_question_whose_connection_broke_is_asked_again_and_answered_once(
    gateway: RunningGateway, llm: ScriptedAnswers
) -> None:
    broken, many = Renewed(), asyncio.Semaphore(3)
    async with httpx.AsyncClient(
        base_url=gateway.url, headers=testing.AUTH, transport=broken
    ) as client:
        ended = await asyncio.gather(*(burst.ask(client, "demo", many) for _ in range(9)))
    assert ended == ["completed"] * 9
    assert broken.asked > 9, "some questions arrived more than once"
    facts = await gateway.bus.js.stream_info("TURNS", subjects_filter="palabre.v1.turns.demo.>")
    assert sum((facts.state.subjects or {}).values()) == 9 * 2  # a question and its answer
