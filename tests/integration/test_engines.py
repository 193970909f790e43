"""palabre engines, through the gateway and llm as they run."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from palabre.chassis.testing import NatsServer, free_port, service_process
from palabre.gateway import testing
from tests.standins.model import Model


@dataclass
class System:
    url: str
    model: Model

    async def palabre(self, *arguments: str) -> tuple[int, str, str]:
        """Status, output and errors of the command line."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "palabre.cli", *arguments,
            env=os.environ | {
                "PALABRE_URL": self.url, "PALABRE_TOKEN": testing.TOKEN, "COLUMNS": "200"
            },
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, errors = await process.communicate()
        return process.returncode or 0, output.decode(), errors.decode()


@pytest.fixture
async def system(nats: NatsServer, tmp_path: Path) -> AsyncIterator[System]:
    model, port = Model(), free_port()
    async with model.serving() as url:
        endpoints = {"own": {"base_url": url, "api_key": "k", "concurrency": 4}}
        settings = {
            "PALABRE_LLM_MODEL": "mock-json@own,mock-error401@own",
            "PALABRE_LLM_ENDPOINTS": json.dumps(endpoints),
            "PALABRE_GRPC_PORT": str(port),
        }
        async with (
            service_process(nats, "llm", settings),
            testing.running(nats, tmp_path, llm_address=f"127.0.0.1:{port}") as gateway,
        ):
            yield System(gateway.url, model)


async def test_engines_are_listed_and_checked(system: System) -> None:
    status, output, _ = await system.palabre("engines", "list")
    assert status == 0
    assert "mock-json" in output
    assert "compatible" in output

    status, output, errors = await system.palabre("engines", "check")
    assert status == 1  # one model does not answer
    rows = {tuple(line.split()[:3]) for line in output.splitlines()}
    assert ("mock-json@own", "object", "works") in rows
    assert ("mock-error401@own", "stream", "fails") in rows
    assert "Set api_key of own in PALABRE_LLM_ENDPOINTS" in errors

    status, output, _ = await system.palabre("engines", "check", "extractive", "--json")
    assert status == 0
    [trial] = [json.loads(line) for line in output.splitlines()]
    assert (trial["engine"], trial["works"]) == ("extractive", True)
    assert trial["usage"]["cost"] == {"amount": 0.0, "currency": "EUR"}

    status, _, errors = await system.palabre("engines", "check", "mistral")
    assert status == 1
    assert "There is no engine 'mistral': there are extractive, own." in errors


async def test_only_an_administrator_of_all_spaces_checks_engines(system: System) -> None:
    async with httpx.AsyncClient(base_url=system.url, timeout=20) as client:
        for scopes, spaces in ((["ask"], ["*"]), (["admin"], ["demo"])):
            body = {"name": "n", "scopes": scopes, "spaces": spaces}
            made = await client.post("/api/v1/tokens", json=body, headers=testing.AUTH)
            headers = {"Authorization": f"Bearer {made.json()['token']}"}
            for answer in (
                await client.get("/api/v1/engines", headers=headers),
                await client.post("/api/v1/engines/check", headers=headers),
            ):
                assert answer.status_code == 403
        whole = await client.post(
            "/api/v1/engines/check", json={"engines": ["own"]}, headers=testing.AUTH
        )
        assert {trial["kind"] for trial in whole.json()["trials"]} == {
            "models", "stream", "object", "image",
        }  # fmt: skip
        assert system.model.asked["mock-error401"] == 1
