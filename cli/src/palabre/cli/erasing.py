"""`palabre erase`: forget a conversation everywhere."""

from typing import Annotated

import typer

from palabre.cli.screen import console, errors
from palabre.cli.server import checked, http
from palabre.cli.settings import CliSettings


def erase(
    conversation: Annotated[str, typer.Argument(help="The conversation's id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget a conversation: streams, buckets, archive. It cannot be undone."""
    if not yes:
        typer.confirm(f"Erase conversation {conversation} for ever?", abort=True, err=True)
    with http(CliSettings(), timeout_s=60) as client, errors.status("Erasing…"):
        checked(client.delete(f"/api/v1/conversations/{conversation}"))
    console.print(f"{conversation}: erased")
