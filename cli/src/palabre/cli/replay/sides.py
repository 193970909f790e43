"""What came of a turn, as plain data: from the log, or from the archive once the log forgot it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Self

from palabre.channels import answers
from palabre.channels.phrases import reason_name
from palabre.chassis import events
from palabre.cli.replay.recorded import Turn


@dataclass(frozen=True, slots=True)
class Cited:
    """A source of an answer: `place` tells sources apart, whatever their numbers."""

    number: int
    document: str
    path: str

    @property
    def place(self) -> tuple[str, str]:
        return self.document, self.path

    @classmethod
    def of(cls, source: Mapping[str, Any]) -> Self:
        """From what `answers.sources` makes, and SQL and JSON keep."""
        parts = [source["title"], *source["heading_path"]]
        path = " › ".join(dict.fromkeys(filter(None, parts)))
        page = source.get("page")
        return cls(source["number"], source["document"], f"{path}, p. {page}" if page else path)


@dataclass(frozen=True, slots=True)
class Side:
    """One answer. `cost` is None where a price is unknown; `seconds` where the log forgot it."""

    turn: str
    status: str = "running"  # completed, failed or cancelled once it has ended
    reason: str = ""
    mode: str = ""
    text: str = ""
    sources: tuple[Cited, ...] = ()
    persona: str = ""
    model: str = ""
    tokens: int = 0
    cost: Decimal | None = None
    currency: str = ""
    seconds: float | None = None

    @property
    def knows(self) -> bool:
        return self.status == "completed" and self.mode != "no_knowledge"

    @classmethod
    def of(cls, turn: Turn) -> Self:
        calls = turn.calls
        known = all(call.cost_known for call in calls)
        common: dict[str, Any] = {
            "turn": turn.id,
            "tokens": sum(call.prompt_tokens + call.completion_tokens for call in calls),
            "cost": Decimal(sum(c.cost_micros for c in calls)).scaleb(-6) if known else None,
            "currency": next((call.currency for call in calls if call.cost_micros), ""),
            "seconds": turn.seconds,
        }
        if body := turn.completed:
            used = body.usage
            return cls(
                status="completed",
                mode=answers.mode(body),
                text=body.text,
                sources=tuple(Cited.of(source) for source in answers.sources(body)),
                persona=body.persona,
                model=used.model or used.engine,
                **common,
            )
        return cls(**_unanswered(turn), **common)

    @classmethod
    def archived(cls, row: Mapping[str, Any]) -> Self:
        """From a row of the archive, as JSON tells it."""
        usage = row.get("usage") or {}
        cost = usage.get("cost")
        return cls(
            turn=row["id"],
            status=row["status"],
            reason=row.get("reason") or "",
            mode=row.get("mode") or "",
            text=row.get("answer") or "",
            sources=tuple(Cited.of(source) for source in row.get("sources") or ()),
            persona=row.get("persona") or "",
            model=usage.get("model") or usage.get("engine") or "",
            tokens=usage.get("prompt_tokens", 0) + usage.get("completion_tokens", 0),
            cost=None if cost is None else Decimal(cost),
            currency=usage.get("currency") or "",
        )

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"cost": None if self.cost is None else format(self.cost, "f")}

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Self:
        """Raises KeyError and TypeError for what `plain` did not make."""
        sources = tuple(Cited(**each) for each in plain["sources"])
        cost = None if plain["cost"] is None else Decimal(plain["cost"])
        return cls(**{**plain, "sources": sources, "cost": cost})


def _unanswered(turn: Turn) -> dict[str, Any]:
    ended = turn.ended
    if ended is None:
        return {"status": "running"}
    if events.body_name(ended) == "turn_cancelled":
        return {"status": "cancelled", "reason": ended.turn_cancelled.reason}
    failed = ended.turn_failed
    return {"status": "failed", "reason": reason_name(failed.reason), "text": failed.shown}


def money(cost: Decimal | None, currency: str) -> str:
    """Enough digits that a small sum is not nothing; a price that nobody knows is not 0."""
    if cost is None:
        return "price unknown"
    return f"{format(cost.normalize(), 'f')}\N{NO-BREAK SPACE}{currency}".rstrip() if cost else "0"
