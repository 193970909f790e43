"""`palabre token`: API tokens."""

import datetime as dt
from typing import Annotated, Any

import typer

from palabre.cli.screen import console, errors, table
from palabre.cli.server import checked, http
from palabre.cli.settings import CliSettings

app = typer.Typer(help="API tokens.", no_args_is_help=True)


Scopes = Annotated[str, typer.Option(help="ask, search, documents:write, spaces:write, admin.")]
SpaceNames = Annotated[str, typer.Option(help="Which spaces, separated by commas; * for all.")]
Groups = Annotated[
    str, typer.Option(help="Tiers and groups that it may read, and with documents:write write.")
]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scopes: Scopes = "ask,search",
    spaces: SpaceNames = "*",
    groups: Groups = "",
    days: Annotated[int, typer.Option(min=0, help="Until it expires; 0: never.")] = 0,
) -> None:
    """Make a token. It is shown once."""
    body: dict[str, object] = {
        "name": name,
        "scopes": scopes.split(","),
        "spaces": spaces.split(","),
        "groups": [group for group in groups.split(",") if group],
    }
    if days:
        body["expires_at"] = (dt.datetime.now(dt.UTC) + dt.timedelta(days=days)).isoformat()
    with http(CliSettings()) as client:
        made = checked(client.post("/api/v1/tokens", json=body)).json()
    errors.print(f"Token {made['id']}, shown this once:")
    console.print(made["token"], markup=False, soft_wrap=True)


@app.command("list")
def list_() -> None:
    """List tokens; never their secrets."""
    with http(CliSettings()) as client:
        found = checked(client.get("/api/v1/tokens")).json()["tokens"]
    rows = (
        (t["id"], t["name"], ", ".join(t["scopes"]), ", ".join(t["spaces"]), _status(t))
        for t in found
    )
    table("id", "name", "scopes", "spaces", "status", rows=rows)


@app.command()
def revoke(token: Annotated[str, typer.Argument(help="The token's id.")]) -> None:
    """Make a token worthless, at once."""
    with http(CliSettings()) as client:
        checked(client.delete(f"/api/v1/tokens/{token}"))
    console.print(f"{token}: revoked")


def _status(token: dict[str, Any]) -> str:
    if token["revoked_at"]:
        return "revoked"
    until = token["expires_at"]
    if not until:
        return "valid"
    expired = dt.datetime.fromisoformat(until) < dt.datetime.now(dt.UTC)
    return f"{'expired' if expired else 'valid until'} {until[:10]}"
