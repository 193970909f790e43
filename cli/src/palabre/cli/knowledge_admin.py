"""`palabre knowledge`: the index of a space, and the versions of its documents."""

from typing import Annotated
from urllib.parse import quote

import httpx
import typer

from palabre.cli.asking import first_space
from palabre.cli.following import followed
from palabre.cli.screen import console, errors, table
from palabre.cli.server import checked, http
from palabre.cli.settings import CliSettings

app = typer.Typer(help="The index of a space, and its documents' versions.", no_args_is_help=True)

SpaceName = Annotated[str, typer.Option("--space", "-s", help="Of which space.")]
Document = Annotated[str, typer.Argument(help="The document's name, as `palabre ingest` gave it.")]


@app.command()
def rebuild(space: SpaceName = "") -> None:
    """Index all documents anew from their originals; what serves goes on until then."""
    with http(CliSettings(), timeout_s=60) as client:
        name = space or first_space(client)
        done = followed(client, f"/api/v1/spaces/{name}/rebuild", f"Indexing {name} anew")
    console.print(f"{done['documents']} documents: generation {done['generation']} serves.")
    if done["lost"]:
        errors.print("No original any more, so as they were: ingest them again.")
        table("document", rows=[(document,) for document in done["lost"]])
        raise typer.Exit(1)


@app.command()
def generations(space: SpaceName = "") -> None:
    """List the generations of the index: which one serves, and with which embeddings."""
    with http(CliSettings()) as client:
        name = space or first_space(client)
        found = checked(client.get(f"/api/v1/spaces/{name}/generations")).json()["generations"]
    rows = ((g["name"], g["state"], g["passages"], g["embedder"] or "none") for g in found)
    table("generation", "state", "passages", "embedder", rows=rows)


@app.command()
def history(document: Document, space: SpaceName = "") -> None:
    """List the versions of a document that are kept, the current one first."""
    with http(CliSettings()) as client:
        found = checked(client.get(f"{_path(client, space, document)}/versions")).json()
    rows = (
        (v["version"][:12], v["ingested_at"], v["title"], v["tier"], v["size_bytes"], v["passages"])
        for v in found["versions"]
    )
    table("version", "ingested", "title", "tier", "bytes", "passages", rows=rows)


@app.command()
def rollback(
    document: Document,
    version: Annotated[str, typer.Argument(help="As `palabre knowledge history` shows it.")],
    space: SpaceName = "",
) -> None:
    """Make an earlier version of a document current again, with the tier that it had."""
    with http(CliSettings(), timeout_s=600) as client:
        path = f"{_path(client, space, document)}/rollback"
        entry = checked(client.post(path, json={"version": version})).json()
    console.print(
        f"{document}: version {entry['version'][:12]} is current,"
        f" {entry['passages']} passages, tier {entry['tier']}"
    )


def _path(client: httpx.Client, space: str, document: str) -> str:
    return f"/api/v1/spaces/{space or first_space(client)}/documents/{quote(document)}"
