"""`palabre voices` against a running gateway."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from palabre.audio.testing import encoded, voice
from palabre.cli.app import application
from palabre.contracts.v1 import tts_pb2
from palabre.gateway import testing
from palabre.gateway.testing import RunningGateway

RECORD = """
id = "marie"
name = "Marie"
owner = "Marie Martin"
kind = "cloned"
uses = ["answers", "files"]
channels = ["web", "api"]
languages = ["fr"]
expires_at = 2099-01-01T00:00:00Z

[consent]
given_by = "Marie Martin"
given_at = 2026-10-01
words = "J'accepte que ma voix soit reproduite."
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "voice"
    folder.mkdir()
    (folder / "marie.toml").write_text(RECORD, encoding="utf-8")
    (folder / "consent.pdf").write_bytes(b"%PDF signed")
    (folder / "good.flac").write_bytes(encoded(tts_pb2.AUDIO_FORMAT_FLAC, voice()))
    (folder / "short.mp3").write_bytes(encoded(tts_pb2.AUDIO_FORMAT_MP3, voice(3)))
    return folder


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    error: str


async def run(gateway: RunningGateway, *words: str | Path) -> Said:
    environment = {"PALABRE_URL": gateway.url, "PALABRE_TOKEN": testing.TOKEN, "COLUMNS": "200"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "palabre.cli", "voices", *map(str, words),
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, error = await process.communicate()
    return Said(process.returncode or 0, out.decode(), error.decode())


async def test_a_voice_is_added_shown_listed_and_revoked(
    gateway: RunningGateway, folder: Path
) -> None:
    files = (folder / "marie.toml", folder / "good.flac", "--proof", folder / "consent.pdf")
    added = await run(gateway, "add", *files)
    assert "clone:marie: registered, valid" in added.out
    assert "Marie Martin" in (await run(gateway, "list")).out
    assert (await run(gateway, "revoke", "marie", "--reason", "demande")).code == 0
    shown = json.loads((await run(gateway, "show", "marie")).out)
    assert (shown["state"], shown["consent"]["media_type"]) == ("revoked", "application/pdf")
    assert [change["what"] for change in shown["changes"]] == ["added", "revoked"]


async def test_what_is_missing_is_told(gateway: RunningGateway, folder: Path) -> None:
    refused = await run(gateway, "add", folder / "marie.toml")
    assert (refused.code, "'proof'" in refused.error) == (1, True)
    (folder / "marie.toml").write_text("id =", encoding="utf-8")
    refused = await run(gateway, "add", folder / "marie.toml")
    assert "is not valid TOML" in refused.error


def test_recordings_are_checked_without_a_server(folder: Path) -> None:
    runner = CliRunner()
    good = runner.invoke(application(), ["voices", "check", str(folder / "good.flac")])
    assert (good.exit_code, "Good enough" in good.output) == (0, True)
    bad = runner.invoke(application(), ["voices", "check", str(folder / "short.mp3")])
    assert (bad.exit_code, "at least 6 s" in bad.output) == (1, True)
    none = runner.invoke(application(), ["voices", "check", str(folder / "consent.pdf")])
    assert "unreadable: it is no sound" in none.output


async def test_a_file_that_was_made_here_is_verified(
    gateway: RunningGateway, http: httpx.AsyncClient, folder: Path
) -> None:
    wanted = {"model": "demo", "input": "Bonjour à tous.", "voice": "alloy"}
    file = folder / "bonjour.mp3"
    file.write_bytes((await http.post("/v1/audio/speech", json=wanted)).content)
    said = json.loads((await run(gateway, "verify", file)).out)
    assert (said["ai_generated"], said["space"]) == (True, "demo")
    file.write_bytes(file.read_bytes() + b"!")
    refused = await run(gateway, "verify", file)
    assert "No file with these bytes" in refused.error


async def test_a_file_is_verified_without_a_server_by_its_manifest_and_the_key(
    gateway: RunningGateway, http: httpx.AsyncClient, folder: Path
) -> None:
    wanted = {"model": "demo", "input": "Bonjour à tous.", "voice": "alloy"}
    file, key, manifest = folder / "b.mp3", folder / "key.json", folder / "b.jws"
    file.write_bytes((await http.post("/v1/audio/speech", json=wanted)).content)
    key.write_bytes((await http.get("/.well-known/palabre-audio-key")).content)
    stored = await gateway.bus.raw("KV_manifests", {"multi_last": ["$KV.manifests.>"]})
    manifest.write_bytes(stored[-1].data)
    words = ["voices", "verify", str(file), "--manifest", str(manifest), "--key", str(key)]
    nowhere = CliRunner(env={"PALABRE_URL": "http://127.0.0.1:1"})
    assert (await asyncio.to_thread(nowhere.invoke, application(), words)).exit_code == 0
    file.write_bytes(b"another")
    refused = await asyncio.to_thread(nowhere.invoke, application(), words)
    assert "that of another file" in str(refused.exception)
