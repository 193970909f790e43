"""A summary as messages: its points with links to what was said, by whom, and what it cost."""

from collections.abc import Iterable, Iterator, Sequence

from palabre.contracts.v1.turns_pb2 import Usage
from palabre.discord.figures import money, number
from palabre.discord.files import kind
from palabre.discord.markup import escaped, harmless
from palabre.discord.messages import Body, Embed, Message, Place
from palabre.discord.splitting import pieces
from palabre.discord.summaries import Point, Summary
from palabre.discord.texts import say

COLOUR = 0x2F6F5E
# Of an embed's text 4,096 characters may be, of its title 256, of its footer 2,048, of all 6,000.
_TEXT_MOST, _FOOTER_MOST = 3_700, 1_500
_NAMES, _NAME_MOST, _TITLE_MOST, _OPENED_MOST = 3, 32, 80, 10


def shown(summary: Summary, language: str, notice: str, notes: Sequence[str] = ()) -> list[Body]:
    """One embed a message. `notice` says that a machine wrote it; `notes` what went otherwise."""
    blocks = [_about(summary, language), *_themes(summary.points)]
    if summary.transcript.opened:
        blocks.append(_opened(summary, language))
    if told := [*_notes(summary, language), *notes]:
        blocks.append("\n".join(f"*{escaped(note)}*" for note in told))
    texts = pieces("\n\n".join(blocks), _TEXT_MOST)
    title = say("summaries.title", language, name=_named(summary.place, language))
    footer = "\n".join([_figures(summary.end.usage, language), notice]).strip()[:_FOOTER_MOST]
    last = len(texts) - 1
    return [
        Body(
            embeds=(
                Embed(
                    text=text,
                    title=title if place == 0 else "",
                    colour=COLOUR,
                    footer=footer if place == last else "",
                ),
            )
        )
        for place, text in enumerate(texts)
    ]


def _about(summary: Summary, language: str) -> str:
    """How much was read, of when. Discord shows times in each person's own zone."""
    transcript = summary.transcript
    first, last = transcript.messages[0], transcript.messages[-1]
    line = say(
        "summaries.about",
        language,
        messages=number(len(transcript.messages), language),
        people=number(len(transcript.people), language),
        first=_time(first),
        last=_time(last),
    )
    if not summary.focus:
        return line
    return f"{line}\n{say('summaries.focus', language, focus=escaped(summary.focus))}"


def _themes(points: Iterable[Point]) -> Iterator[str]:
    by_theme: dict[str, list[str]] = {}
    for point in points:
        by_theme.setdefault(point.theme, []).append(_point(point))
    for theme, lines in by_theme.items():
        yield "\n".join([f"**{escaped(theme)}**", *lines] if theme else lines)


def _point(point: Point) -> str:
    """Who said it is named where its text does not do so."""
    text = harmless(" ".join(point.text.split()))
    names = dict.fromkeys(_short(source.author.name, _NAME_MOST) for source in point.sources)
    said_by = [name for name in names if name.casefold() not in point.text.casefold()]
    by = ", ".join(escaped(name) for name in said_by[:_NAMES])
    links = " ".join(f"[↗]({source.link})" for source in point.sources)
    return f"• {text} {f'— *{by}* ' if by else ''}{links}"


def _opened(summary: Summary, language: str) -> str:
    opened = summary.transcript.opened
    listed = [
        f"[{escaped(_short(each.name, _TITLE_MOST))}]({each.link})"
        for each in opened[:_OPENED_MOST]
    ]
    if left := len(opened[_OPENED_MOST:]):
        listed.append(say("summaries.more", language, count=left))
    return say("summaries.opened", language, threads=", ".join(listed))


def _notes(summary: Summary, language: str) -> Iterator[str]:
    end = summary.end
    if summary.transcript.is_cut:
        count = number(summary.transcript.read, language)
        yield say("summaries.cut", language, count=count)
    shown_there = [f for m in summary.transcript.messages for f in m.files if kind(f) == "image"]
    if (unseen := len(shown_there) - end.images) > 0:
        yield say("summaries.unseen", language, count=number(unseen, language))
    if end.parts_without_model and end.calls:
        without, parts = end.parts_without_model, end.parts
        yield say("summaries.without_model", language, count=without, parts=parts)
    elif end.parts_without_model:
        yield say("summaries.quoted", language)


def _figures(usage: Sequence[Usage], language: str) -> str:
    """`mistral-small · 12 000 + 800 jetons · 0,0012 €`, without a price that is not known."""
    calls = [each for each in usage if each.prompt_tokens or each.completion_tokens]
    if not calls:
        return ""
    told = list(dict.fromkeys(call.model for call in calls))
    prompt = number(sum(call.prompt_tokens for call in calls), language)
    completion = number(sum(call.completion_tokens for call in calls), language)
    told.append(say("rendering.tokens", language, prompt=prompt, completion=completion))
    currencies = {call.currency for call in calls}
    if all(call.cost_known for call in calls) and len(currencies) == 1:
        micros = sum(call.cost_micros for call in calls)
        told.append(money(micros, currencies.pop() or "EUR", language))
    return " · ".join(told)


def _named(place: Place, language: str) -> str:
    name = escaped(_short(place.name, _TITLE_MOST))
    return f"#{name}" if place.kind == "text" else say("summaries.quotation", language, words=name)


def _time(message: Message) -> str:
    return f"<t:{int(message.sent_at.timestamp())}:f>"


def _short(text: str, most: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 1]}…"
