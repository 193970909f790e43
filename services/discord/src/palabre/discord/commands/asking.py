"""/demander: a question, answered below the command or for its asker alone."""

from dataclasses import replace

from palabre.discord.commands import choosing
from palabre.discord.commands.defining import Call, Command, Option
from palabre.discord.interactions import Interaction
from palabre.discord.markup import escaped
from palabre.discord.messages import Body
from palabre.discord.posts import Post, conversation_of, turn_of
from palabre.discord.questions import said_by_command
from palabre.discord.rendering import Manner, placeholder
from palabre.discord.routing import Ask

# As Discord's own longest option, less than what a question may have.
_MOST = 4_000


def _is_private(asked: Interaction) -> bool:
    return bool(asked.values.get("privé"))


async def _ask(call: Call) -> None:
    ask = await call.decide()
    if ask is None:
        return
    words = call.asked.text("question").strip()
    if not words:
        await call.show(call.say("empty-question"))
    elif chosen := await _with_persona(call, ask):
        post = _post(call, chosen)
        shown = await call.replies.show(_placeholder(call, post, words))
        post = replace(post, answers=(shown,))
        await call.desk.conversations.ask(post, [said_by_command(post, words)])


async def _with_persona(call: Call, ask: Ask) -> Ask | None:
    """The one that was asked for; None: there is none of that name, and the person was told."""
    word, known = call.asked.text("persona"), choosing.personas(call, ask)
    key = choosing.named(word, known)
    if word and key is None:
        named, listed = escaped(word[:100]), choosing.listed(known)
        await call.show(call.say("unknown-persona", name=named, known=listed))
        return None
    return replace(ask, persona=key) if key else ask


def _placeholder(call: Call, post: Post, words: str) -> Body:
    language = post.ask.language or call.space(post.ask).languages[0]
    return placeholder(Manner(post.conversation, post.turn, language, asked=words))[0]


def _post(call: Call, ask: Ask) -> Post:
    asked, author = call.asked, call.person.id
    return Post(
        conversation=conversation_of(ask, asked.channel, author, asked.id, call.desk.erased),
        turn=turn_of(asked.channel, asked.id),
        bot=call.desk.bot,
        channel=asked.channel,
        message=asked.id,
        author=author,
        ask=ask,
        state="asked",
        token=asked.token,
        is_private=_is_private(asked),
    )


ASK = Command(
    "demander",
    "ask",
    _ask,
    options=(
        Option("question", "question", is_required=True, most=_MOST),
        Option("persona", "persona", completes=True, most=100),
        Option("privé", "private", type="yes-no"),
    ),
    is_private=_is_private,
    complete=choosing.suggest_personas,
)
