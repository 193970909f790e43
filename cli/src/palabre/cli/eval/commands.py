"""`palabre eval`, `palabre eval compare`, `palabre eval make`."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from palabre.cli.screen import errors
from palabre.cli.server import Trouble, http
from palabre.cli.settings import CliSettings

# What measures (numpy, the retriever) takes a second to load: each command loads it for itself.
if TYPE_CHECKING:
    from palabre.cli.eval.questions import Asked
    from palabre.cli.eval.reports import Report

MEASURE = "measure"


class _Group(TyperGroup):
    """`palabre eval QUESTIONS` needs no further word."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [MEASURE, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    help="How well questions find their documents: palabre eval QUESTIONS [DOCUMENTS]...",
)

Questions = Annotated[Path, typer.Argument(help="A line of JSON each: question, document.")]
Documents = Annotated[list[Path] | None, typer.Argument(help="Files and folders to search.")]
Space = Annotated[str, typer.Option("--space", "-s", help="The running space to ask.")]
Languages = Annotated[str, typer.Option(help="Of the documents, the main one first.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="Vary a setting, as in floor=0.4.")]
Against = Annotated[list[str] | None, typer.Option(help="Compare with this further variation.")]
LeaveOut = Annotated[
    int,
    typer.Option(min=0, help="Ask again without the documents that answer, in so many groups."),
]
Misses = Annotated[int, typer.Option(min=0, help="How many of the worst questions to list.")]
JsonFile = Annotated[
    Path | None, typer.Option("--json", help="Keep the result here: of --against, if given.")
]
Chart = Annotated[Path | None, typer.Option(help="Draw the same, as SVG.")]


@app.command(MEASURE)
def measure(
    questions: Questions,
    documents: Documents = None,
    space: Space = "",
    languages: Languages = "fr",
    set_: Set = None,
    against: Against = None,
    leave_out: LeaveOut = 0,
    misses: Misses = 0,
    json_file: JsonFile = None,
    chart: Chart = None,
) -> None:
    """Ask every question; report recall, abstention and latency, and how sure they are.

    Documents are searched in this process; without any, a running space is.
    """
    from palabre.cli.eval import questions as files, tables

    first, second = list(set_ or ()), list(against or ())
    _refuse_both(documents, space, [*first, *second], leave_out)
    asked = files.read(questions)
    if documents:
        variations = [first, [*first, *second]] if second else [first]
        reports = _of_documents(questions, asked, documents, languages, variations, leave_out)
    else:
        reports = [_of_space(questions, asked, space)]
    tables.show(reports[0])
    tables.show_misses(reports[0].outcomes, misses)
    if json_file:
        reports[-1].write(json_file)
    if chart:
        _draw(reports[-1], chart)
    if second:
        _compare(reports[0], reports[1], misses)


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(help="An earlier result (--json).")],
    b: Annotated[Path, typer.Argument(help="Another one, of the same questions.")],
    misses: Misses = 5,
) -> None:
    """Say what changed from A to B, and whether so few questions can show it."""
    from palabre.cli.eval.reports import Report

    _compare(Report.read(a), Report.read(b), misses)


def _refuse_both(
    documents: list[Path] | None, space: str, changes: list[str], leave_out: int
) -> None:
    """Raises Trouble."""
    if documents and space:
        raise Trouble("name documents or --space, not both: documents have an index of their own")
    if (changes or leave_out) and not documents:
        raise Trouble(
            "--set, --against and --leave-out need documents: a running space has its own"
        )


def _of_documents(
    file: Path,
    asked: list["Asked"],
    paths: list[Path],
    languages: str,
    variations: list[list[str]],
    folds: int,
) -> list["Report"]:
    from palabre.cli.eval import runs
    from palabre.cli.eval.local import collect
    from palabre.cli.eval.setting import Setting

    settings, files = [Setting().varied(some) for some in variations], collect(paths)
    spoken = tuple(languages.split(","))
    return [asyncio.run(runs.of_documents(file, asked, files, spoken, s, folds)) for s in settings]


def _of_space(file: Path, asked: list["Asked"], space: str) -> "Report":
    from palabre.cli.asking import first_space
    from palabre.cli.eval import runs
    from palabre.cli.eval.searched import RunningSpace

    with http(CliSettings()) as client:
        searched = RunningSpace(client, space or first_space(client))
        return asyncio.run(runs.of(searched, file, asked))


def _compare(a: "Report", b: "Report", misses: int) -> None:
    from palabre.cli.eval import comparing

    comparing.show(a, b, misses)


def _draw(report: "Report", file: Path) -> None:
    from palabre.cli.eval import chart

    file.write_text(chart.drawn(report), encoding="utf-8")


@app.command()
def make(
    documents: Annotated[list[Path], typer.Argument(help="Files and folders.")],
    out: Annotated[Path, typer.Option(help="Where the questions go; a run is taken up again.")],
    each: Annotated[int, typer.Option(min=0, max=20, help="Questions of each document.")] = 4,
    unanswerable: Annotated[
        int, typer.Option(min=0, max=5, help="Besides, close by but without an answer.")
    ] = 1,
    limit: Annotated[int, typer.Option(min=1, help="Calls of the model, at most.")] = 200,
    seed: Annotated[int, typer.Option(help="Of all that is drawn.")] = 1,
    languages: Languages = "fr",
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask whether it may cost that.")
    ] = False,
) -> None:
    """Draft questions from documents with the model of PALABRE_LLM_MODEL.

    Read them before you trust a figure: a model asks otherwise than people do.
    """
    from palabre.chassis.settings import read
    from palabre.cli.eval import runs
    from palabre.cli.eval.local import collect
    from palabre.cli.eval.making import Wanted
    from palabre.llm.settings import Settings

    def agreed(cost: str) -> bool:
        errors.print(cost, markup=False, highlight=False)
        return yes or typer.confirm("Go on?", err=True)

    files, spoken, settings = collect(documents), languages.split(","), read(Settings)
    wanted = Wanted(each, unanswerable, seed)
    asyncio.run(runs.make(files, spoken, settings, limit, wanted, out, agreed))
