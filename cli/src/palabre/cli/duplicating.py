"""`palabre duplicates`."""

from typing import Annotated, Any

import typer

from palabre.cli.asking import Space, first_space
from palabre.cli.screen import console
from palabre.cli.server import checked, http
from palabre.cli.settings import CliSettings


def duplicates(
    space: Space = "",
    threshold: Annotated[float, typer.Option(min=0.5, max=1, help="How alike.")] = 0.7,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many groups.")] = 20,
) -> None:
    """Passages that say the same, and where they stand."""
    with http(CliSettings(), timeout_s=150) as client:
        name = space or first_space(client)
        parameters = {"threshold": str(threshold), "limit": str(limit)}
        found = checked(client.get(f"/api/v1/spaces/{name}/duplicates", params=parameters)).json()
    for group in found["groups"]:
        _show(group)
    shown, total = len(found["groups"]), found["groups_total"]
    console.print(f"{shown} of {total} groups" if total else "no duplicates", markup=False)


def _show(group: dict[str, Any]) -> None:
    head = f"{group['passages_total']} passages, {group['similarity']:.0%} alike at least"
    console.print(head, style="bold", markup=False, highlight=False)
    for passage in group["passages"]:
        where = " › ".join(dict.fromkeys([passage["document"], *passage["heading_path"]]))
        page = f", page {passage['page']}" if passage.get("page") else ""
        console.print(f"  {where}{page}", markup=False, highlight=False)
    text = " ".join(group["passages"][0]["text"].split())
    brief = text if len(text) <= 160 else f"{text[:159]}…"
    console.print(f"  {brief}\n", style="dim", markup=False, highlight=False)
