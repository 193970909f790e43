"""`palabre ask` and `palabre search`."""

from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.live import Live
from rich.markdown import Markdown

from palabre.cli.screen import console, table
from palabre.cli.server import Trouble, checked, events, http
from palabre.cli.settings import CliSettings

Space = Annotated[str, typer.Option("--space", "-s", help="The space; the first by default.")]


def ask(
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    space: Space = "",
    persona: Annotated[str, typer.Option(help="Who answers.")] = "",
    image: Annotated[
        list[Path] | None,
        typer.Option("--image", "-i", exists=True, dir_okay=False, help="An image to ask about."),
    ] = None,
) -> None:
    """Ask a question; the answer streams, its sources below."""
    with http(CliSettings(), timeout_s=310) as client:
        name = space or first_space(client)
        attached = [_send(client, name, path) for path in image or ()]
        conversation = _begin(client, name, persona)
        body = {"text": question, "attachments": attached}
        turn = checked(client.post(f"/api/v1/conversations/{conversation}/utterances", json=body))
        path = f"/api/v1/conversations/{conversation}/events"
        with client.stream("GET", path, params={"turn": turn.json()["turn"]}) as response:
            _show(checked(response))


def search(
    question: Annotated[str, typer.Argument(help="Words to look for.")],
    space: Space = "",
    limit: Annotated[int, typer.Option(min=1, max=50, help="How many passages.")] = 5,
) -> None:
    """Search the knowledge of a space."""
    with http(CliSettings()) as client:
        name = space or first_space(client)
        parameters = {"q": question, "limit": str(limit)}
        found = checked(client.get(f"/api/v1/spaces/{name}/search", params=parameters))
    rows = ((f"{p['relevance']:.2f}", p["document"], _path(p), _brief(p["text"]))
            for p in found.json()["passages"])  # fmt: skip
    table("relevance", "document", "heading", "text", rows=rows)


def first_space(client: httpx.Client) -> str:
    """Raises Trouble when there is none."""
    found = checked(client.get("/api/v1/spaces")).json()["spaces"]
    if not found:
        raise Trouble("no space yet: make one with `palabre spaces apply FOLDER`")
    return str(found[0]["id"])


def _send(client: httpx.Client, space: str, path: Path) -> dict[str, str]:
    """Raises Trouble with the server's sentence when it is no image, or too large."""
    files = {"file": (path.name, path.read_bytes())}
    try:
        kept = checked(client.post(f"/api/v1/spaces/{space}/blobs", files=files))
    except Trouble as trouble:
        raise Trouble(f"{path}: {trouble}") from trouble
    return {"blob": kept.json()["blob"], "name": path.name}


def _begin(client: httpx.Client, space: str, persona: str) -> str:
    body = {"persona": persona} if persona else {}
    made = checked(client.post(f"/api/v1/spaces/{space}/conversations", json=body))
    return str(made.json()["id"])


def _show(response: httpx.Response) -> None:
    text, final = "", {}
    with Live(console=console, refresh_per_second=12, vertical_overflow="visible") as live:
        for name, data in events(response):
            if name == "delta":
                text += data["text"]
            elif name == "restarted":
                text = ""
            elif name == "completed":
                text, final = data["text"], data
            elif name == "failed":
                raise Trouble(data["message"])
            live.update(Markdown(text))
    _show_sources(final)


def _show_sources(answer: dict[str, Any]) -> None:
    if answer.get("sources"):
        console.print("\nSources", style="bold")
    for source in answer.get("sources", []):
        where = source.get("url") or source["document"]
        console.print(f"[{source['number']}] {_path(source)} ({where})", markup=False)
    usage = answer.get("usage") or {}
    if usage:
        known = usage.get("cost")
        cost = f", {known} {usage['currency']}" if known else ", price unknown"
        model = usage.get("model") or usage.get("engine")
        tokens = f"{usage['prompt_tokens']} + {usage['completion_tokens']} tokens"
        console.print(f"\n{model}, {tokens}{cost}", style="dim", markup=False)


def _path(passage: dict[str, Any]) -> str:
    parts = [passage["title"], *passage["heading_path"]]
    path = " › ".join(dict.fromkeys(filter(None, parts)))
    return f"{path}, p. {passage['page']}" if passage.get("page") else path


def _brief(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 160 else flat[:159] + "…"
