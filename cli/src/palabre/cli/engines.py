"""`palabre engines`: the models that answer, and whether they do."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import httpx
import typer

from palabre.cli.screen import console, errors, table
from palabre.cli.server import Trouble, checked, http
from palabre.cli.settings import CliSettings

app = typer.Typer(help="The models that answer, and whether they do.", no_args_is_help=True)

CHECK_S = 900.0
Json = Annotated[bool, typer.Option("--json", help="For programs: JSON, one trial a line.")]
Names = Annotated[list[str] | None, typer.Argument(help="Which engines; none: all.")]


@app.command("list")
def list_(json_: Json = False) -> None:
    """List what is set up; nobody is asked."""
    with http(CliSettings()) as client:
        found = checked(client.get("/api/v1/engines")).json()
    if json_:
        console.print_json(data=found)
        return
    rows = [_row(engine, model) for engine in found["engines"] for model in _models(engine)]
    table("engine", "preset", "address", "key", "model", "used by", "left alone", rows=rows)
    for model in found["lost"]:
        users = ", ".join(model["used_by"])
        errors.print(f"{model['name']} names no endpoint that is set up; used by {users}")


@app.command()
def check(names: Names = None, json_: Json = False) -> None:
    """Try each engine and model with a few tokens: what works, what it costs, how fast it is.

    Ends with 1 when a model does not answer.
    """
    trials = []
    with http(CliSettings(), timeout_s=CHECK_S) as client:
        for trial in _trials(client, names or []):
            trials.append(trial)
            if json_:
                print(json.dumps(trial, ensure_ascii=False), flush=True)
            else:
                errors.print(f"{_name(trial)}: {trial['kind']}…", highlight=False)
    if not json_:
        _show(trials)
    if any(trial["kind"] == "stream" and not trial["works"] for trial in trials):
        raise typer.Exit(1)


def _trials(client: httpx.Client, names: list[str]) -> Iterator[dict[str, Any]]:
    """As they are done. Raises Trouble."""
    accept, body = {"Accept": "application/x-ndjson"}, {"engines": names}
    with client.stream("POST", "/api/v1/engines/check", headers=accept, json=body) as response:
        for line in checked(response).iter_lines():
            said = json.loads(line)
            if (problem := said.get("problem")) and isinstance(problem, dict):
                raise Trouble(problem["detail"])
            yield said


def _show(trials: list[dict[str, Any]]) -> None:
    table(
        "engine", "what", "", "first token", "tokens/s", "tokens", "cost", "note",
        rows=(
            (
                _name(trial),
                trial["kind"],
                "works" if trial["works"] else "fails",
                f"{trial['first_token_ms']:.0f} ms" if trial["first_token_ms"] else "",
                f"{trial['tokens_per_s']:.0f}" if trial["tokens_per_s"] else "",
                _tokens(trial["usage"]),
                _cost(trial["usage"]),
                trial["note"] or "",
            )
            for trial in trials
        ),
    )  # fmt: skip
    for trial in trials:
        if not trial["works"]:
            errors.print(
                f"\n[red]{_name(trial)}, {trial['kind']}:[/red] {trial['problem']}\n"
                f"  {trial['remedy']}",
                highlight=False,
            )


def _name(trial: dict[str, Any]) -> str:
    return "@".join(filter(None, (trial["model"], trial["engine"])))


def _tokens(usage: dict[str, Any] | None) -> str:
    if usage is None:
        return ""
    counted = f"{usage['prompt_tokens']} + {usage['completion_tokens']}"
    return counted if usage["measured"] else f"~ {counted}"


def _cost(usage: dict[str, Any] | None) -> str:
    if usage is None:
        return ""
    cost = usage["cost"]
    return f"{cost['amount']:.6f} {cost['currency']}" if cost else "price unknown"


def _models(engine: dict[str, Any]) -> list[dict[str, Any]]:
    return engine["models"] or [{"name": "", "used_by": []}]


def _key(engine: dict[str, Any]) -> str:
    if not engine["preset"]:
        return ""
    return "yes" if engine["has_key"] else "no"


def _row(engine: dict[str, Any], model: dict[str, Any]) -> tuple[str, ...]:
    return (
        engine["name"],
        engine["preset"] or "",
        engine["base_url"] or "",
        _key(engine),
        model["name"],
        ", ".join(model["used_by"]),
        str(engine["left_alone"] or ""),
    )
