"""Options of `palabre ingest` that are about web pages."""

from typing import Annotated

import typer

_PANEL = "Web pages"
_Patterns = list[str] | None

Depth = Annotated[
    int, typer.Option(min=0, help="Links to follow from a page.", rich_help_panel=_PANEL)
]
Pages = Annotated[int, typer.Option(min=1, help="Pages, at most.", rich_help_panel=_PANEL)]
Sitemap = Annotated[
    bool, typer.Option("--sitemap", help="Read what its sitemap lists.", rich_help_panel=_PANEL)
]
Files = Annotated[
    bool, typer.Option("--files", help="Also PDF and other documents.", rich_help_panel=_PANEL)
]
Include = Annotated[
    _Patterns, typer.Option(help="Paths to follow, as /guides/*.", rich_help_panel=_PANEL)
]
Exclude = Annotated[_Patterns, typer.Option(help="Paths to leave.", rich_help_panel=_PANEL)]
Delay = Annotated[
    float, typer.Option(min=0, help="Seconds between requests.", rich_help_panel=_PANEL)
]
AllowPrivate = Annotated[
    _Patterns, typer.Option(help="Your intranet's host or network.", rich_help_panel=_PANEL)
]
