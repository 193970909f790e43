"""/persona and /modele: who answers in a channel, a post or direct messages, from now on."""

from collections.abc import Mapping

from palabre.discord.commands.defining import Call, Command, Option
from palabre.discord.interactions import Suggestion
from palabre.discord.markup import escaped
from palabre.discord.routing import Ask, Silence, decide_command
from palabre.discord.texts import LANGUAGES, say

_SUGGESTED, _LISTED = 25, 40


def is_default(word: str) -> bool:
    return word.casefold() in {say("commands.default", language) for language in LANGUAGES}


def named(word: str, known: Mapping[str, str]) -> str | None:
    """The key that somebody means, by the key or by what people call it."""
    wanted = word.strip().casefold()
    means = (key for key, name in known.items() if wanted in (key.casefold(), name.casefold()))
    return next(means, None)


def matching(typed: str, known: Mapping[str, str]) -> list[Suggestion]:
    wanted = typed.strip().casefold()
    found = [
        Suggestion(name[:100], key)
        for key, name in known.items()
        if wanted in key.casefold() or wanted in name.casefold()
    ]
    return found[:_SUGGESTED]


def listed(known: Mapping[str, str]) -> str:
    """What there is to choose from, as far as there is room."""
    names = [escaped(name) for name in known.values()]
    more = ["…"] if len(names) > _LISTED else []
    return ", ".join([*names[:_LISTED], *more])


def personas(call: Call, ask: Ask) -> dict[str, str]:
    """What people call them, by key."""
    return {key: each.name for key, each in call.space(ask).personas.items()}


def models(call: Call, ask: Ask) -> dict[str, str]:
    return {model: model for model in call.space(ask).discord.models}


def decided(call: Call) -> Ask | None:
    """Of the place, without a word to anybody."""
    choice = call.desk.choices.of(call.place)
    around, bot = call.desk.around(), call.desk.bot
    found = decide_command(call.person, call.place, around, bot, choice)
    return None if isinstance(found, Silence) else found


async def suggest_personas(call: Call) -> list[Suggestion]:
    ask = decided(call)
    return matching(call.asked.text("persona"), personas(call, ask)) if ask else []


async def _suggest_personas(call: Call) -> list[Suggestion]:
    return _with_default(call, "persona", await suggest_personas(call))


async def _suggest_models(call: Call) -> list[Suggestion]:
    ask = decided(call)
    found = matching(call.asked.text("modèle"), models(call, ask)) if ask else []
    return _with_default(call, "modèle", found)


def _with_default(call: Call, option: str, found: list[Suggestion]) -> list[Suggestion]:
    word = call.say("default")
    typed = call.asked.text(option).casefold()
    return [Suggestion(word, word), *found][:_SUGGESTED] if typed in word else found


async def _persona(call: Call) -> None:
    if ask := await call.decide():
        await _choose(call, "persona", personas(call, ask), call.asked.text("persona"))


async def _model(call: Call) -> None:
    ask = await call.decide()
    if ask is None:
        return
    known = models(call, ask)
    if not known:
        await call.show(call.say("no-models"))
        return
    await _choose(call, "model", known, call.asked.text("modèle"))


async def _choose(call: Call, part: str, known: Mapping[str, str], word: str) -> None:
    key = "" if is_default(word) else named(word, known)
    if not word:
        await call.show(call.say(f"{part}-here", name=_now(call, part, known), known=listed(known)))
    elif key is None:
        text = call.say(f"unknown-{part}", name=escaped(word[:100]), known=listed(known))
        await call.show(text)
    elif not _may_choose(call):
        await call.show(call.say("may-not-choose"))
    else:
        await call.desk.choices.choose(call.place.channel, **{part: key})
        text = f"chosen-{part}" if key else f"default-{part}"
        await call.show(call.say(text, name=_now(call, part, known)))


def _now(call: Call, part: str, known: Mapping[str, str]) -> str:
    """What answers there by now."""
    ask = decided(call)
    key = getattr(ask, part) if ask else ""
    return escaped(known.get(key, key)) or call.say("default")


def _may_choose(call: Call) -> bool:
    """The author of a post or thread there, and who may manage messages; anybody in private."""
    person, place = call.person, call.place
    return place.kind == "direct" or place.owner == person.id or person.manages_messages


PERSONA = Command(
    "persona",
    "persona",
    _persona,
    options=(Option("persona", "persona", completes=True, most=100),),
    complete=_suggest_personas,
)
MODEL = Command(
    "modele",
    "model",
    _model,
    options=(Option("modèle", "model", completes=True, most=100),),
    complete=_suggest_models,
)
