"""`palabre usage`: what was spent, by whom and on which models."""

import csv
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from palabre.cli.screen import console, table
from palabre.cli.server import checked, http
from palabre.cli.settings import CliSettings

_COLUMNS = {
    "turns": "turns",
    "calls": "calls",
    "prompt_tokens": "prompt",
    "cached_tokens": "cached",
    "completion_tokens": "written",
}


def usage(
    space: Annotated[str, typer.Option(help="Only this space.")] = "",
    since: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            help="day, space, channel, persona, person, engine, model, price_source; several."
        ),
    ] = "day",
    as_json: Annotated[bool, typer.Option("--json", help="As the server tells it.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="For a spreadsheet.")] = False,
) -> None:
    """Show turns, tokens and costs of the last 30 days, or others."""
    asked = {"space": space, "by": by}
    asked |= {"from": f"{since:%Y-%m-%d}"} if since else {}
    asked |= {"to": f"{until:%Y-%m-%d}"} if until else {}
    with http(CliSettings()) as client:
        told = checked(client.get("/api/v1/usage", params=asked)).json()
    if as_json:
        print(json.dumps(told, ensure_ascii=False, indent=1))
    elif as_csv:
        _write_csv(told)
    else:
        _show(told)


def _show(told: dict[str, Any]) -> None:
    keys = told["by"]
    rows = [(*_names(row, keys), *_cells(row)) for row in told["rows"]] if keys else []
    total = ("total", *[""] * (len(keys) - 1)) if keys else ()
    table(
        *(*keys, *_COLUMNS.values(), "estimated", "cost"),
        rows=[*rows, (*total, *_cells(told["total"]))],
    )
    if unknown := told["total"]["calls_of_unknown_cost"]:
        console.print(
            f"\nNobody knows what {unknown} of these calls cost: give their models a price"
            " (docs/costs.md)."
        )


def _names(row: dict[str, Any], keys: Sequence[str]) -> list[str]:
    named = row | {"person": row.get("person_name") or row.get("person", "")}
    return [str(named[key]) or "–" for key in keys]


def _cells(row: dict[str, Any]) -> list[object]:
    tokens = row["prompt_tokens"] + row["completion_tokens"]
    share = f"{row['estimated_tokens'] / tokens:.0%}" if tokens else "–"
    return [*(row[name] for name in _COLUMNS), share, _cost(row)]


def _cost(row: dict[str, Any]) -> str:
    """What is known, and that there is more; a price that nobody knows is not 0."""
    known = [f"{amount}\N{NO-BREAK SPACE}{currency}" for currency, amount in row["cost"].items()]
    unknown = ["unknown"] if row["calls_of_unknown_cost"] else []
    return " + ".join(known + unknown) or "0"


def _write_csv(told: dict[str, Any]) -> None:
    """A line for each currency: amounts in one column must be of one kind."""
    counts = [name for name in told["total"] if name != "cost"]
    writer = csv.writer(sys.stdout)
    writer.writerow([*told["by"], *counts, "cost", "currency"])
    for row in told["rows"]:
        for currency, amount in row["cost"].items() or [("", "")]:
            keys = [row[key] for key in told["by"]]
            writer.writerow([*keys, *(row[name] for name in counts), amount, currency])
