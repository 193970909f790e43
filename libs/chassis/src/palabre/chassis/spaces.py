"""A space: one organisation's set-up, read from a folder, kept in the bucket `spaces`."""

import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from itertools import chain, product
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator, model_validator

from palabre.chassis.discord_rules import Discord
from palabre.chassis.errors import Reject
from palabre.chassis.keys import Language, Name, Strict

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]  # ISO 4217
MICROS = 10**6  # money is counted in millionths
Texts = dict[Language, Annotated[str, Field(min_length=1, max_length=4000)]]


class UnknownSpace(Reject):
    """No such space has been applied."""


class InvalidSpace(ValueError):
    """A space's files are wrong. The message names file, key and remedy, a line each."""


class Voice(Strict):
    """`engine` speaks first; empty: the deployment's order. `voices` are names for the others.

    `filter` is how the voice is heard; empty: as it was spoken.
    """

    engine: str = ""
    name: str = ""
    voices: dict[str, str] = {}
    words_per_minute: int = Field(default=170, ge=80, le=450)
    pitch: int = Field(default=50, ge=0, le=99)
    filter: Literal["", "telephone", "radio", "hall"] = ""


class Avatar(Strict):
    colour: str = Field(default="#2f6f5e", pattern=r"^#[0-9a-fA-F]{6}$")
    initials: str = Field(default="", max_length=2)


class Persona(Strict):
    """Who speaks. `models` is an ordered list of fall-backs; empty means the deployment's own.

    A persona of the mode `answer` says what passages say; one of `story` makes up a story that
    they inspire.
    """

    name: str = Field(min_length=1, max_length=80)
    identity: Texts
    audience: str = ""
    address: Literal["vous", "tu"] = "vous"
    mode: Literal["answer", "story"] = "answer"
    guidelines: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int = Field(default=800, ge=1, le=32_000)
    tier: Name = "public"
    voice: Voice = Voice()
    avatar: Avatar = Avatar()


class Guard(Strict):
    lexical: bool = True
    model: str = "none"


class Knowledge(Strict):
    paths: tuple[str, ...] = ("knowledge",)
    passages: int = Field(default=6, ge=1, le=12)
    # Share of the question's weight that a passage must cover; None: the measured default.
    floor: float | None = Field(default=None, ge=0, le=1)


class Channel(Strict):
    enabled: bool = True
    persona: str = ""


class Price(Strict):
    """What a model costs, per million tokens; 0 where it costs nothing, as on one's own server."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0)  # None: as any other input
    currency: Currency = "EUR"


Unit = Literal["turns", "cost"]
Scope = Literal["person", "persona", "space"]
Period = Literal["day", "month"]
_LIMITS: tuple[tuple[Scope, Unit, Period], ...] = tuple(
    product(get_args(Scope), get_args(Unit), get_args(Period))
)


class Limit(NamedTuple):
    """At most so many turns, or millionths of the currency, of one scope in one period."""

    unit: Unit
    scope: Scope
    period: Period
    most: int

    @property
    def name(self) -> str:
        """Its key in `[budgets]`."""
        return f"{self.unit}_per_{self.scope}_per_{self.period}"


class GroupBudgets(Strict):
    """What each member of a group may spend: 0 without limit, None as much as everybody."""

    turns_per_person_per_day: int | None = Field(default=None, ge=0)
    turns_per_person_per_month: int | None = Field(default=None, ge=0)
    cost_per_person_per_day: float | None = Field(default=None, ge=0)
    cost_per_person_per_month: float | None = Field(default=None, ge=0)


class Budgets(Strict):
    """0 means no limit. Costs are in `currency`; `rates` says what one unit of others is worth."""

    turns_per_person_per_day: int = Field(default=0, ge=0)
    turns_per_person_per_month: int = Field(default=0, ge=0)
    turns_per_persona_per_day: int = Field(default=0, ge=0)
    turns_per_persona_per_month: int = Field(default=0, ge=0)
    turns_per_space_per_day: int = Field(default=0, ge=0)
    turns_per_space_per_month: int = Field(default=0, ge=0)
    cost_per_person_per_day: float = Field(default=0, ge=0)
    cost_per_person_per_month: float = Field(default=0, ge=0)
    cost_per_persona_per_day: float = Field(default=0, ge=0)
    cost_per_persona_per_month: float = Field(default=0, ge=0)
    cost_per_space_per_day: float = Field(default=0, ge=0)
    cost_per_space_per_month: float = Field(default=0, ge=0)
    currency: Currency = "USD"
    rates: dict[Currency, Annotated[float, Field(gt=0)]] = {}
    when_spent: Literal["refuse", "step-down"] = "refuse"
    # The ladder below a spent budget; empty: the engine without a model.
    models: tuple[str, ...] = ()
    groups: dict[Name, GroupBudgets] = {}

    @model_validator(mode="after")
    def _dollars_are_known(self) -> "Budgets":
        costs = any(limit.unit == "cost" for limit in self.all)
        if costs and self.currency != "USD" and "USD" not in self.rates:
            raise ValueError(
                f"rates: prices that Palabre knows are in USD: say what a dollar is worth in"
                f" {self.currency}, such as rates = {{ USD = 0.9 }}"
            )
        return self

    def limits(self, groups: Iterable[str] = ()) -> tuple[Limit, ...]:
        """Those that hold for a person of these groups, the narrowest scope first.

        Of several groups each limit is the largest one; in none of them the person is everybody.
        """
        own = [self.groups[name] for name in groups if name in self.groups]
        return tuple(
            Limit(unit, scope, period, round(most * (MICROS if unit == "cost" else 1)))
            for scope, unit, period in _LIMITS
            if (most := self._most(f"{unit}_per_{scope}_per_{period}", own))
        )

    @property
    def all(self) -> tuple[Limit, ...]:
        """Those that hold for anybody; of a space without any no counter is touched."""
        return tuple(chain(self.limits(), *(self.limits([name]) for name in self.groups)))

    def _most(self, key: str, own: Sequence[GroupBudgets]) -> float:
        """0: without limit."""
        everybody: float = getattr(self, key)
        given = [getattr(group, key, None) for group in own] or [None]
        allowed = [everybody if most is None else most for most in given]
        return max(allowed) if all(allowed) else 0


# Article 50 of the AI Act: whoever hears a synthetic voice is told. A space may word it otherwise.
NOTICES = {
    "fr": "Cette voix est générée par une intelligence artificielle.",
    "en": "This voice is generated by artificial intelligence.",
    "es": "Esta voz ha sido generada por inteligencia artificial.",
    "pt": "Esta voz é gerada por inteligência artificial.",
    "de": "Diese Stimme wird von einer künstlichen Intelligenz erzeugt.",
    "it": "Questa voce è generata da un'intelligenza artificiale.",
    "nl": "Deze stem wordt gegenereerd door kunstmatige intelligentie.",
    "ro": "Această voce este generată de inteligența artificială.",
    "pl": "Ten głos jest generowany przez sztuczną inteligencję.",
    "tr": "Bu ses yapay zekâ tarafından üretilmektedir.",
    "ar": "هذا الصوت مُولَّد بواسطة الذكاء الاصطناعي.",
    "uk": "Цей голос створено штучним інтелектом.",
    "ru": "Этот голос создан искусственным интеллектом.",
    "zh": "此语音由人工智能生成。",
}


class VoiceRules(Strict):
    """What the space asks of voices (docs/voices-registry.md).

    `registered_only`: voices that engines bring need a record too. `notice`: before which turns of
    a conversation a voice says that it is artificial, and in which words (else in Palabre's own).
    """

    registered_only: bool = False
    notice: Literal["never", "first-turn", "always"] = "never"
    notice_text: Texts = {}


class Space(Strict):
    """The whole set-up; `personas` is filled from the files beside space.toml."""

    schema_: Literal[1] = Field(alias="schema")
    name: str = Field(min_length=1, max_length=120)
    # Its place among the spaces: where none is named, the first one is meant.
    order: int = 0
    languages: tuple[Language, ...] = Field(min_length=1)
    default_persona: Name
    greeting: Texts
    disclaimer: Texts = {}
    examples: dict[Language, tuple[str, ...]] = {}
    no_knowledge: Texts = {}
    comprehend: Literal["always", "follow-ups", "never"] = "follow-ups"
    guard: Guard = Guard()
    knowledge: Knowledge = Knowledge()
    channels: dict[Name, Channel] = {}
    # What `channels.discord` does beyond what every channel has.
    discord: Discord = Discord()
    budgets: Budgets = Budgets()
    voices: VoiceRules = VoiceRules()
    # By `model@endpoint`, as personas name models; they go before the deployment's and the table's.
    prices: dict[str, Price] = {}
    # Whose midnight ends a day of budgets and of the ledger.
    timezone: str = "Europe/Paris"
    personas: dict[Name, Persona]

    @field_validator("timezone")
    @classmethod
    def _timezone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"no time zone {name!r}: use a name such as Europe/Paris") from None
        return name

    @model_validator(mode="after")
    def _personas_exist(self) -> "Space":
        wanted = {"default_persona": self.default_persona}
        wanted |= {f"channels.{k}.persona": c.persona for k, c in self.channels.items()}
        wanted |= {f"discord.{key}": name for key, name in self.discord.personas()}
        for key, name in wanted.items():
            if name and name not in self.personas:
                known = ", ".join(sorted(self.personas)) or "none"
                raise ValueError(f"{key}: no persona {name!r} (there are: {known})")
        return self

    def persona(self, name: str = "", channel: str = "") -> Persona:
        """The named one, else the channel's, else the default; KeyError when it does not exist."""
        return self.personas[self.persona_name(name, channel)]

    def persona_name(self, name: str = "", channel: str = "") -> str:
        bound = self.channels.get(channel, Channel()).persona
        return name or bound or self.default_persona

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def text(self, texts: dict[str, str], language: str) -> str:
        """The text in this language, else in its parent, else in the space's first; or empty."""
        for candidate in (language, language.split("-")[0], *self.languages):
            if candidate in texts:
                return texts[candidate]
        return next(iter(texts.values()), "")

    def notice(self, language: str) -> str:
        """What a voice says of itself where it has to."""
        return self.text(NOTICES | self.voices.notice_text, language)

    def to_json(self) -> bytes:
        return self.model_dump_json(by_alias=True).encode()


def parse(data: dict[str, Any], origin: str = "space") -> Space:
    """Raises InvalidSpace with a line per mistake."""
    try:
        return Space.model_validate(data)
    except ValidationError as error:
        raise InvalidSpace("\n".join(_explain(e, origin) for e in error.errors())) from error


def from_json(data: bytes) -> Space:
    return parse(json.loads(data))


def read_folder(folder: Path) -> Space:
    """Reads `space.toml` and `personas/*.toml`. Raises InvalidSpace."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", folder.name):
        raise InvalidSpace(
            f"{folder}: the folder's name is the space's id: use only a-z, 0-9 and -, at most 40"
        )
    data = _read_toml(folder / "space.toml")
    if "personas" in data:
        raise InvalidSpace(f"{folder}/space.toml: personas: goes into personas/<name>.toml")
    files = sorted((folder / "personas").glob("*.toml"))
    data["personas"] = {file.stem: _read_toml(file) for file in files}
    return parse(data, origin=str(folder))


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidSpace(f"{file}: is missing: create it (see docs/spaces.md)") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSpace(f"{file}: is not valid TOML in UTF-8: {error}") from error


_REMEDIES = {
    "extra_forbidden": "no such key: remove it or check its spelling",
    "missing": "is missing: add it",
}


def _explain(error: Any, origin: str) -> str:
    path = [str(part) for part in error["loc"]]
    file = "space.toml"
    if path[:1] == ["personas"] and len(path) > 1:
        file, path = f"personas/{path[1]}.toml", path[2:]
    key = ".".join(path)
    reason = _REMEDIES.get(error["type"], error["msg"].removeprefix("Value error, "))
    return f"{origin}/{file}: {key + ': ' if key else ''}{reason}"
