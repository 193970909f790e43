"""`palabre voices`: whose voice may be used for what, and which files a machine spoke."""

import asyncio
import contextlib
import datetime as dt
import hashlib
import json
import mimetypes
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import typer

from palabre.cli.asking import first_space
from palabre.cli.screen import console, errors, table
from palabre.cli.server import Trouble, checked, http
from palabre.cli.settings import CliSettings

if TYPE_CHECKING:
    from palabre.audio.recordings import Fault

app = typer.Typer(
    help="Whose voice may be used for what; which files a machine spoke.", no_args_is_help=True
)

UPLOAD_S = 300.0

SpaceName = Annotated[str, typer.Option("--space", "-s", help="Of which space.")]
VoiceId = Annotated[str, typer.Argument(help="As `palabre voices list` shows it.")]
Recordings = Annotated[
    list[Path] | None, typer.Argument(exists=True, dir_okay=False, help="Recordings of the voice.")
]
Existing = typer.Option(exists=True, dir_okay=False)


@app.command("list")
def list_(space: SpaceName = "") -> None:
    """List the records of a space, those that permit nothing any more too."""
    with http(CliSettings()) as client:
        found = checked(client.get(_path(client, space))).json()["voices"]
    rows = (
        (v["id"], v["owner"], v["kind"], v["state"], ", ".join(v["uses"]), v["expires_at"] or "–")
        for v in found
    )
    table("id", "owner", "kind", "state", "permitted for", "until", rows=rows)


@app.command()
def show(voice: VoiceId, space: SpaceName = "") -> None:
    """Show a record as JSON, with its history."""
    with http(CliSettings()) as client:
        found = checked(client.get(f"{_path(client, space)}/{voice}")).json()
    console.print_json(json.dumps(found, ensure_ascii=False))


@app.command()
def add(
    record: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A TOML file.")],
    recordings: Recordings = None,
    proof: Annotated[Path | None, Existing] = None,
    space: SpaceName = "",
) -> None:
    """Register a voice, with the proof of consent and the recordings that it is cloned from.

    docs/voices-registry.md shows such a file. A record is never changed: to agree to something
    else is another record.
    """
    files = [("sample", (each.name, each.read_bytes())) for each in recordings or ()]
    parts: list[tuple[str, Any]] = list(files)
    if proof:
        media_type = mimetypes.guess_type(proof.name)[0] or "application/octet-stream"
        parts.append(("proof", (proof.name, proof.read_bytes(), media_type)))
    with http(CliSettings(), timeout_s=UPLOAD_S) as client:
        path = _path(client, space)
        reply = client.post(path, data={"record": _record(record)}, files=parts or None)
        made = checked(reply).json()
    name = f"clone:{made['id']}" if made["kind"] == "cloned" else made["id"]
    console.print(f"{name}: registered, {made['state']}", highlight=False)


@app.command()
def revoke(
    voice: VoiceId,
    reason: Annotated[str, typer.Option(help="Kept in the record's history.")],
    space: SpaceName = "",
) -> None:
    """Withdraw a voice for ever: within a minute nobody speaks with it. Its recordings go."""
    with http(CliSettings()) as client:
        path = f"{_path(client, space)}/{voice}/revoke"
        checked(client.post(path, json={"reason": reason}))
    console.print(f"{voice}: revoked", highlight=False)


@app.command()
def check(
    recordings: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False)],
) -> None:
    """Say whether a voice can be cloned from recordings. No server is needed, nothing is kept."""
    faults = asyncio.run(_faults(recordings))
    for fault in faults:
        errors.print(f"{fault.name}: {fault.message}", highlight=False, markup=False)
    if faults:
        raise typer.Exit(1)
    console.print("Good enough to clone from.")


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    manifest: Annotated[Path | None, Existing] = None,
    key: Annotated[Path | None, Existing] = None,
) -> None:
    """Say whether a machine here spoke a file, and when, with which voice.

    Its manifest and the public key (a JWK set) are asked of the server unless they are given.
    """
    from palabre.gateway.manifests import Forged, verified

    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    keys = json.loads(_text(key)) if key else _asked("/.well-known/palabre-audio-key")
    signed = _text(manifest) if manifest else _signed(sha256)
    try:
        said = verified(signed, keys)
    except Forged as error:
        raise Trouble(f"{file}: not proven: {error}") from None
    if said.get("sha256") != sha256:
        raise Trouble(f"{file}: the manifest is genuine, but it is that of another file")
    console.print_json(json.dumps(said, ensure_ascii=False))


def _path(client: httpx.Client, space: str) -> str:
    return f"/api/v1/spaces/{space or first_space(client)}/voices"


def _record(file: Path) -> str:
    """Raises Trouble."""
    try:
        values = tomllib.loads(_text(file))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Trouble(f"{file}: is not valid TOML in UTF-8: {error}") from error
    return json.dumps(values, ensure_ascii=False, default=_time)


def _time(value: object) -> str:
    assert isinstance(value, dt.date | dt.time)  # noqa: S101 (TOML has nothing else)
    return value.isoformat()


async def _faults(files: list[Path]) -> "list[Fault]":
    from palabre.gateway.examining import Examiner

    async with contextlib.aclosing(Examiner()) as examiner:
        examined, faults = await examiner.judge([file.read_bytes() for file in files])
    for file, each in zip(files, examined, strict=False):  # it ends at one that is unreadable
        found = each.measures
        console.print(
            f"{file.name}: {found.seconds:g} s, {found.rate} Hz, {found.loudness:g} LUFS,"
            f" {found.snr:g} dB above the background",
            highlight=False,
        )
    return faults


def _asked(path: str) -> dict[str, Any]:
    with http(CliSettings()) as client:
        reply: dict[str, Any] = checked(client.get(path)).json()
    return reply


def _signed(sha256: str) -> str:
    return str(_asked(f"/api/v1/audio/manifests/{sha256}")["manifests"][-1]["jws"])


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
