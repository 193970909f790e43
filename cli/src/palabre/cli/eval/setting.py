"""What may be varied when documents are searched in this process."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Self

from pydantic import SecretStr, ValidationError

from palabre.cli.eval.outcomes import PLACES
from palabre.cli.server import Trouble
from palabre.retriever import passages, search, vectors
from palabre.retriever.index.port import DENSE
from palabre.retriever.settings import RetrieverSettings

FIELDS = (*vectors.FIELDS, DENSE)
# Which of the retriever's settings shape what is found.
_ENGINES = ("embedding_", "reranker_")
_SHORTEST = 100


@dataclass(frozen=True, slots=True)
class Setting:
    """The defaults are those of the retriever; its engines are set up as a server's are."""

    floor: float = search.FLOOR
    fields: tuple[str, ...] = FIELDS
    passage_characters: int = passages.TARGET
    documents: int = search.DOCUMENTS
    retriever: RetrieverSettings = field(default_factory=RetrieverSettings)

    def varied(self, changes: Iterable[str]) -> Self:
        """By words such as `floor=0.4` or `reranker_engine=words`. Raises Trouble."""
        varied = self
        for change in changes:
            name, equals, value = change.partition("=")
            if not equals or name not in (*_PARSERS, *_engine_settings()):
                known = ", ".join((*_PARSERS, *_engine_settings()))
                raise Trouble(f"{change}: no such setting: write NAME=VALUE, with one of {known}")
            try:
                varied = varied._with(name, value)
            except ValidationError as error:
                raise Trouble(f"{change}: {error.errors()[0]['msg']}") from None
            except ValueError as error:
                raise Trouble(f"{change}: {error}") from None
        return varied

    def described(self) -> dict[str, Any]:
        """Without secrets, and without engine settings that are as they are by default."""
        engines = self.retriever.model_dump(
            mode="json", include=set(_engine_settings()), exclude_defaults=True
        )
        floor = self.retriever.reranker_floor if self.reranks else self.floor
        own = {name: getattr(self, name) for name in ("passage_characters", "documents")}
        return {"floor": floor, "fields": list(self.fields)} | own | engines

    @property
    def reranks(self) -> bool:
        settings = self.retriever
        return bool(settings.reranker_engine or settings.reranker_base_url or settings.reranks)

    def _with(self, name: str, value: str) -> Self:
        """Raises ValueError and ValidationError."""
        if name in _PARSERS:
            return replace(self, **{name: _PARSERS[name](value)})
        given = self.retriever.model_dump() | {name: value}
        return replace(self, retriever=RetrieverSettings(**given))


def _engine_settings() -> list[str]:
    """Without keys, which belong into the environment."""
    fields = RetrieverSettings.model_fields.items()
    return [
        name
        for name, info in fields
        if name.startswith(_ENGINES) and info.annotation is not SecretStr
    ]


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError("choose a number from 0 to 1")
    return value


def _fields(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if not set(names) <= set(FIELDS):
        raise ValueError(f"choose among {', '.join(FIELDS)}, joined by commas")
    return names


def _characters(text: str) -> int:
    if (value := int(text)) < _SHORTEST:
        raise ValueError(f"choose at least {_SHORTEST}")
    return value


def _documents(text: str) -> int:
    if not 0 <= (value := int(text)) <= PLACES:
        raise ValueError(f"choose 0 to {PLACES}")
    return value


_PARSERS: dict[str, Callable[[str], Any]] = {
    "floor": _share,
    "fields": _fields,
    "passage_characters": _characters,
    "documents": _documents,
}
