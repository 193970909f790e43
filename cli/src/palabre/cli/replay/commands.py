"""`palabre replay`: conversations from the log, beside what the archive keeps, or asked again."""

import asyncio
import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from palabre.cli.server import Trouble

Since = Annotated[
    dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="With --all: since this day, UTC.")
]
Lines = Annotated[
    Path | None, typer.Option("--json", help="Keep the results here; a run is taken up again.")
]
Page = Annotated[Path | None, typer.Option("--html", help="Write what changed as a page.")]
OfThen = Annotated[
    list[str],
    typer.Option(
        metavar="WHEN|DOCUMENT@VERSION",
        help="Ask again, of the documents as they were then (2026-11-20, 2026-11-20T14:30; UTC),"
        " or of some in another version; 'recorded': with the passages that were found then.",
    ),
]


def replay(
    conversation: Annotated[str, typer.Argument(help="The conversation's id.")] = "",
    turn: Annotated[str, typer.Option(help="Only this turn.")] = "",
    again: Annotated[bool, typer.Option("--again", help="Ask the same again.")] = False,
    model: Annotated[
        str, typer.Option(help="Ask again, of this model (as personas name it).")
    ] = "",
    persona: Annotated[str, typer.Option(help="Ask again, of this persona.")] = "",
    knowledge: OfThen = [],  # noqa: B006 (typer makes one of its own)
    space_version: Annotated[
        int, typer.Option(min=0, help="Ask again, of the space as it was in this revision.")
    ] = 0,
    everything: Annotated[bool, typer.Option("--all", help="All turns of the log.")] = False,
    space: Annotated[str, typer.Option("--space", "-s", help="With --all: of this space.")] = "",
    since: Since = None,
    limit: Annotated[
        int, typer.Option(min=1, help="With --all: ask so many again, at most.")
    ] = 100,
    json_file: Lines = None,
    html_file: Page = None,
    max_cost: Annotated[
        float, typer.Option(min=0, help="Stop once the answers have cost this.")
    ] = 1.0,
    unpriced: Annotated[
        bool, typer.Option("--unpriced", help="Go on where nobody knows a price.")
    ] = False,
    at_once: Annotated[int, typer.Option(min=1, max=32, help="Turns asked at a time.")] = 4,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Rebuild conversations from the log of events, and check that the archive has the same.

    With --again, --model, --persona, --knowledge or --space-version they are asked again, and
    both answers are shown side by side; nobody hears of it, and nothing remembers it.
    """
    from palabre.cli.replay import checking, comparing
    from palabre.cli.replay.again import Variation
    from palabre.cli.replay.knowledge import Knowledge, built

    if bool(conversation) == everything:
        raise Trouble("name a conversation, or --all for those of the log")
    if space_version and everything and not space:
        raise Trouble("--space-version needs --space: revisions are of one space")
    of_then = Knowledge.of(knowledge)
    if of_then.is_past and everything and not space:
        raise Trouble("--knowledge needs --space: documents are of one space")
    variation = Variation(model, persona, of_then.name, space_version)
    if not again and variation == Variation():
        which = checking.all_turns(space, since) if everything else checking.one(conversation, turn)
        raise typer.Exit(asyncio.run(which))
    wanted = comparing.Wanted(conversation, turn, space, since, limit)
    outputs = comparing.Outputs(json_file, html_file)
    bounds = comparing.Bounds(max_cost, unpriced, at_once)
    if everything and not yes:
        question = f"Ask up to {limit} turns again, for {max_cost} at most?"
        typer.confirm(question, abort=True, err=True)
    place = asyncio.run(comparing.space(wanted)) if of_then.is_past else ""
    with built(of_then, place) as snapshot:
        code = asyncio.run(comparing.run(variation, wanted, outputs, bounds, snapshot))
    raise typer.Exit(code)
