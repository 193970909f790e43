"""What may be varied when documents are searched in this process."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from palabre.cli.server import Trouble
from palabre.retriever import search, vectors


@dataclass(frozen=True, slots=True)
class Setting:
    """The defaults are those of the retriever."""

    floor: float = search.FLOOR
    fields: tuple[str, ...] = vectors.FIELDS

    def varied(self, changes: Iterable[str]) -> Self:
        """By words such as `floor=0.4`. Raises Trouble."""
        varied = self
        for change in changes:
            name, equals, value = change.partition("=")
            if name not in _PARSERS or not equals:
                known = ", ".join(f"{known}=…" for known in _PARSERS)
                raise Trouble(f"{change}: no such setting: choose among {known}")
            try:
                varied = replace(varied, **{name: _PARSERS[name](value)})
            except ValueError as error:
                raise Trouble(f"{change}: {error}") from None
        return varied

    def described(self) -> dict[str, Any]:
        return asdict(self)


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError("choose a number from 0 to 1")
    return value


def _fields(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if not set(names) <= set(vectors.FIELDS):
        raise ValueError(f"choose among {', '.join(vectors.FIELDS)}, joined by commas")
    return names


_PARSERS: dict[str, Callable[[str], Any]] = {"floor": _share, "fields": _fields}
