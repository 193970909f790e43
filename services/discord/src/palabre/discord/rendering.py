"""An answer as messages: while it is looked for, as it is written, and as it stands."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from palabre.channels import answers
from palabre.chassis.spaces import Space
from palabre.contracts.v1 import events_pb2 as pb
from palabre.discord import actions, sources
from palabre.discord.figures import money, number, seconds as in_seconds
from palabre.discord.markdown import adapted
from palabre.discord.markup import WAITING, WITHHELD, escaped, harmless
from palabre.discord.messages import Body, Button, Embed
from palabre.discord.sources import Similar
from palabre.discord.splitting import MOST, pieces, tidy
from palabre.discord.texts import Speech, say

MOST_MESSAGES = 5
_SHOWN_MOST = (MOST_MESSAGES + 1) * MOST  # characters: more than the messages hold
GOES_ON = f" {WAITING}"
_COLOURS = {
    "grounded": 0x2F6F5E,
    "story": 0x7C4DBE,
    "asks": 0x2F6FB5,
    "no_knowledge": 0x8A8F98,
    "refused": 0xC77B16,
    "failed": 0xB3261E,
    "cancelled": 0x8A8F98,
}
# Of an embed's text 4,096 characters may be, of its footer 2,048, of all 6,000.
_TEXT_MOST, _NOTICE_MOST, _FOOTER_MOST, _QUOTED_MOST = 3_800, 1_500, 2_000, 300


@dataclass(frozen=True, slots=True)
class Manner:
    """How one answer is shown.

    `notice` says that a machine writes: of the first answer of a conversation; `notes` what was
    left out of the question. `footer`: model, tokens and cost too. `asked` is the question of a
    command, which people do not see otherwise.
    """

    conversation: str
    turn: str
    language: str
    footer: bool = True
    notice: str = ""
    notes: Sequence[str] = ()
    asked: str = ""

    @property
    def quotation(self) -> str:
        """Goes before the answer."""
        words = " ".join(self.asked.split())
        shown = words if len(words) <= _QUOTED_MOST else f"{words[:_QUOTED_MOST]}…"
        return f"> {escaped(shown)}\n" if words else ""


def ai_notice(space: Space, language: str, address: str = "") -> str:
    """That a machine writes: in the space's words, else in ours (AI Act, article 50)."""
    ours = Speech(language, address).say("rendering.by_ai")
    return space.text(space.disclaimer, language) or ours


def placeholder(manner: Manner) -> list[Body]:
    """What stands there until the first words come."""
    text = f"{manner.quotation}{WAITING} {say('rendering.searching', manner.language)}"
    return [Body(text, buttons=_running(manner))]


def so_far(text: str, manner: Manner, notice: str = "") -> list[Body]:
    """What has been written, with a mark that it goes on; `notice` says that it takes long."""
    embeds = _shown(Embed(notice, colour=_COLOURS["asks"]))
    readable = tidy(_readable(text))
    if not readable:
        return [replace(placeholder(manner)[0], embeds=embeds)]
    *whole, last = pieces(manner.quotation + readable)[:MOST_MESSAGES]
    running = Body(last + GOES_ON, buttons=_running(manner), embeds=embeds)
    return [*map(Body, whole), running]


def final(
    completed: pb.AnswerCompleted, took_s: float, manner: Manner, similar: Sequence[Similar] = ()
) -> list[Body]:
    """The answer as it stands, with its sources; `took_s` from the question on.

    Of solved posts that are `similar` the one that asks the same goes before it.
    """
    language = completed.language or manner.language
    cited = sources.cited(completed)
    links = sources.links(cited, language)
    same = [each for each in similar if each.is_same][:1]
    others = sources.solved([each for each in similar if each not in same], language)
    embed = Embed(
        text="\n".join([*links, *filter(None, [others]), *_notes(manner)])[:_TEXT_MOST],
        title=say("sources.title", language) if links else "",
        colour=_COLOURS[answers.mode(completed)],
        footer=_footer(completed, took_s, language, manner),
    )
    buttons = _done(manner, language, rated=True, again=True, sources=bool(cited))
    text = _readable(completed.text, [source.passage.url for source in cited])
    lead = f"{sources.solved(same, language)}\n\n" if same else ""
    bodies = _bounded(manner.quotation + lead + text, completed.text, language)
    return [*bodies[:-1], replace(bodies[-1], embeds=_shown(embed), buttons=buttons)]


def failed(message: str, shown: str, manner: Manner, *, retryable: bool) -> list[Body]:
    """What was shown by then, and a sentence that says what happened."""
    buttons = _done(manner, manner.language, rated=False, again=retryable, sources=False)
    return _ended(shown, "failed", message, manner, buttons)


def cancelled(shown: str, manner: Manner) -> list[Body]:
    buttons = _done(manner, manner.language, rated=False, again=True, sources=False)
    return _ended(shown, "cancelled", say("rendering.stopped", manner.language), manner, buttons)


def _readable(text: str, known: Sequence[str] = ()) -> str:
    """A model's Markdown as Discord shows it; `known` are the addresses of its sources."""
    return harmless(adapted(text[:_SHOWN_MOST]), known)


def _running(manner: Manner) -> tuple[Button, ...]:
    return actions.while_running(manner.conversation, manner.turn, manner.language)


def _done(
    manner: Manner, language: str, *, rated: bool, again: bool, sources: bool
) -> tuple[Button, ...]:
    return actions.when_done(
        manner.conversation, manner.turn, language, rated=rated, again=again, sources=sources
    )


def _ended(
    shown: str, mode: str, message: str, manner: Manner, buttons: tuple[Button, ...]
) -> list[Body]:
    text = manner.quotation + _readable(shown)
    bodies = _bounded(text, shown, manner.language) if text.strip() else [Body()]
    embed = Embed(text="\n".join([harmless(message), *_notes(manner)]), colour=_COLOURS[mode])
    return [*bodies[:-1], replace(bodies[-1], embeds=(embed,), buttons=buttons)]


def _bounded(text: str, whole: str, language: str) -> list[Body]:
    """At most MOST_MESSAGES; what is longer is whole in a file below the last one."""
    found = pieces(text)
    bodies = [Body(piece) for piece in found[:MOST_MESSAGES]] or [Body(WITHHELD)]
    if len(found) <= MOST_MESSAGES and len(whole) <= _SHOWN_MOST:
        return bodies
    name = f"{say('rendering.file_name', language)}.md"
    note = f"{bodies[-1].content}\n*{say('rendering.in_file', language)}*"
    return [*bodies[:-1], Body(note, files=((name, whole.encode()),))]


def _shown(embed: Embed) -> tuple[Embed, ...]:
    """None that is empty: Discord refuses it."""
    return (embed,) if embed.text or embed.footer else ()


def _notes(manner: Manner) -> Iterator[str]:
    yield from (f"*{escaped(note)}*" for note in manner.notes)


def _footer(completed: pb.AnswerCompleted, took_s: float, language: str, manner: Manner) -> str:
    lines = [manner.notice[:_NOTICE_MOST]]
    if manner.footer:
        lines.append(_figures(completed, took_s, language))
    return "\n".join(filter(None, lines))[:_FOOTER_MOST]


def _figures(completed: pb.AnswerCompleted, took_s: float, language: str) -> str:
    """`mistral-small · 812 + 164 jetons · 0,0012 € · 3,4 s`: of all calls of a model."""
    calls = [call for call in completed.calls or [completed.usage] if call.model]
    prompt = sum(call.prompt_tokens for call in calls)
    completion = sum(call.completion_tokens for call in calls)
    told = [completed.usage.model]
    if prompt or completion:
        counted = {"prompt": number(prompt, language), "completion": number(completion, language)}
        told += [say("rendering.tokens", language, **counted), _cost(completed, language)]
    return " · ".join(filter(None, [*told, in_seconds(took_s, language)]))


def _cost(completed: pb.AnswerCompleted, language: str) -> str:
    """Empty where a price is not known."""
    micros, currency = answers.cost(completed)
    return "" if micros is None else money(micros, currency or "EUR", language)
