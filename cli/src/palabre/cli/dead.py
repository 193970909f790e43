"""`palabre dead`: events that could not succeed."""

import asyncio
import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToJson
from rich.progress import track

from palabre.chassis import dead_letters, events
from palabre.chassis.bus import Bus
from palabre.chassis.dead_letters import AlreadyAsked, Letter, Wanted
from palabre.chassis.errors import Erased, Reject
from palabre.cli.screen import console, errors, table
from palabre.cli.server import Trouble, bus
from palabre.cli.settings import CliSettings
from palabre.cli.wordless import without_words

app = typer.Typer(help="Dead letters.", no_args_is_help=True)

EACH = 30  # so many are listed one by one; more are grouped by their cause

Number = Annotated[int, typer.Argument(help="The letter's number, as `list` shows it.")]
Numbers = Annotated[
    list[int] | None, typer.Argument(help="Numbers of letters, as `list` shows them.")
]
Stage = Annotated[str, typer.Option(help="Only of this stage.")]
Error = Annotated[str, typer.Option(help="Only those whose error has these words.")]
Space = Annotated[str, typer.Option("--space", "-s", help="Only of this space.")]
Since = Annotated[
    dt.datetime | None,
    typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Only since this day or time, UTC."),
]
Everything = Annotated[bool, typer.Option("--all", help="All letters.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command("list")
def list_(
    stage: Stage = "",
    error: Error = "",
    space: Space = "",
    since: Since = None,
    each: Annotated[bool, typer.Option(help="One by one, however many there are.")] = False,
) -> None:
    """List dead letters, oldest first; many are grouped by their cause."""
    letters = asyncio.run(_found(_wanted([], stage, error, space, since)))
    if len(letters) > EACH and not each:
        _show_groups(letters)
    else:
        rows = ((r.number, _time(r.at), r.stage, r.subject, r.error, _state(r)) for r in letters)
        table("number", "at", "stage", "subject", "error", "", rows=rows)


@app.command()
def show(
    number: Number,
    words: Annotated[bool, typer.Option(help="With what people said.")] = False,
) -> None:
    """Show one, without what people said unless you ask for it."""
    letter, data = asyncio.run(_one(number))
    console.print(
        f"{letter.subject}\n{_time(letter.at)} {letter.stage}: {letter.error}", markup=False
    )
    if state := _state(letter):
        console.print(state, markup=False)
    try:
        event = events.decode(data)
    except Reject:
        console.print(f"{len(data)} bytes that are no event")
        return
    console.print_json(MessageToJson(event if words else without_words(event)))


@app.command()
def retry(
    numbers: Numbers = None,
    stage: Stage = "",
    error: Error = "",
    space: Space = "",
    since: Since = None,
    everything: Everything = False,
    again: Annotated[bool, typer.Option(help="Also those that were asked again before.")] = False,
    per_second: Annotated[float, typer.Option(min=0.1, max=100, help="At most so many.")] = 5,
    yes: Yes = False,
) -> None:
    """Ask again: new turns that name the old ones. Nothing is asked twice without --again."""
    wanted = _some(numbers, stage, error, space, since, everything)

    async def one(connection: Bus, letter: Letter) -> str:
        await asyncio.sleep(1 / per_second)
        return f"asked again as turn {await dead_letters.retry(connection, letter, again=again)}"

    _each(wanted, "Ask {} again?", "Asking again", one, yes=yes or bool(numbers))


@app.command()
def drop(
    numbers: Numbers = None,
    stage: Stage = "",
    error: Error = "",
    space: Space = "",
    since: Since = None,
    everything: Everything = False,
    yes: Yes = False,
) -> None:
    """Delete letters for good, their bytes on disk too."""
    wanted = _some(numbers, stage, error, space, since, everything)

    async def one(connection: Bus, letter: Letter) -> str:
        await dead_letters.drop(connection, letter)
        return "dropped"

    _each(wanted, "Delete {} for ever?", "Dropping", one, yes=yes)


Doing = Callable[[Bus, Letter], Coroutine[None, None, str]]


def _each(wanted: Wanted, question: str, title: str, do: Doing, *, yes: bool) -> None:
    """Exits with 1 when something could not be done, or a number is of no letter."""
    letters = asyncio.run(_found(wanted))
    if missing := sorted(wanted.numbers - {letter.number for letter in letters}):
        raise Trouble(f"no dead letter {missing[0]}: see `palabre dead list`")
    if not letters:
        console.print("(none)")
        return
    if not yes:
        typer.confirm(question.format(_counted(len(letters))), abort=True, err=True)
    raise typer.Exit(1 if asyncio.run(_done(letters, title, do)) else 0)


async def _done(letters: Sequence[Letter], title: str, do: Doing) -> int:
    """How many could not be done; each is told."""
    failed = 0
    async with bus(CliSettings()) as connection:
        await connection.refresh_erased()
        for letter in track(letters, title, console=errors, disable=len(letters) == 1):
            try:
                said = await do(connection, letter)
            except AlreadyAsked as error:
                said = f"was asked again before, as turn {error.turn}: --again asks once more"
            except (Reject, Erased, KeyError) as error:
                said, failed = _reason(error), failed + 1
            console.print(f"{letter.number}: {said}", markup=False, highlight=False)
    return failed


def _reason(error: Exception) -> str:
    match error:
        case Erased():
            return "its conversation was erased: drop it"
        case KeyError():
            return "is gone"
        case _:
            return f"{error}: look at it with `palabre dead show`, then drop it"


async def _found(wanted: Wanted) -> list[Letter]:
    async with bus(CliSettings()) as connection:
        return await dead_letters.found(connection, wanted)


async def _one(number: int) -> tuple[Letter, bytes]:
    """Raises Trouble."""
    async with bus(CliSettings()) as connection:
        for letter in await dead_letters.found(connection, Wanted(frozenset({number}))):
            return letter, await dead_letters.content(connection, letter)
    raise Trouble(f"no dead letter {number}: see `palabre dead list`")


def _some(
    numbers: Sequence[int] | None,
    stage: str,
    error: str,
    space: str,
    since: dt.datetime | None,
    everything: bool,
) -> Wanted:
    """Raises Trouble where nothing says which letters are meant."""
    wanted = _wanted(numbers or (), stage, error, space, since)
    if wanted == Wanted() and not everything:
        raise Trouble(
            "which letters? Name their numbers, --stage, --error, --space, --since or --all"
        )
    return wanted


def _wanted(
    numbers: Sequence[int], stage: str, error: str, space: str, since: dt.datetime | None
) -> Wanted:
    utc = since.replace(tzinfo=dt.UTC) if since else None
    return Wanted(frozenset(numbers), stage, error, space, utc)


def _show_groups(letters: Sequence[Letter]) -> None:
    """By stage and cause, the most frequent first."""
    groups: defaultdict[tuple[str, str], list[Letter]] = defaultdict(list)
    for letter in letters:
        groups[letter.stage, letter.cause].append(letter)
    table(
        "letters", "asked again", "stage", "cause", "first", "last", "such as",
        rows=(
            (len(g), sum(bool(r.retried) for r in g), stage, cause, _time(g[0].at), _time(g[-1].at),
             g[-1].number)
            for (stage, cause), g in sorted(groups.items(), key=lambda item: -len(item[1]))
        ),
    )  # fmt: skip
    errors.print(
        f"\n{_counted(len(letters))}. Narrow them with --stage, --error, --space or --since,"
        " or list them with --each.",
        highlight=False,
    )


def _state(letter: Letter) -> str:
    return f"asked again as turn {letter.retried[-1]}" if letter.retried else ""


def _counted(letters: int) -> str:
    return f"{letters} dead letter{'s' if letters > 1 else ''}"


def _time(at: dt.datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
