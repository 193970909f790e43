"""How far a long call of the server is, shown while it goes on."""

import json
from typing import Any

import httpx
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from palabre.cli.screen import errors
from palabre.cli.server import Trouble, checked

_ACCEPT = {"Accept": "application/x-ndjson"}


def followed(
    client: httpx.Client, path: str, title: str, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The last word of a call that counts documents, a line of JSON per step. Raises Trouble."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    said: dict[str, Any] = {}
    with (
        Progress(*columns, TimeRemainingColumn(), console=errors) as progress,
        client.stream("POST", path, json=body, headers=_ACCEPT) as response,
    ):
        task = progress.add_task(title, total=None)
        for line in checked(response).iter_lines():
            said = json.loads(line)
            if problem := said.get("problem"):
                raise Trouble(problem["detail"])
            total = said["documents_total"] or None
            progress.update(task, completed=said["documents"], total=total)
    return said
