"""A question of Discord as an utterance: its words, its files, and what was said before."""

from collections.abc import Callable, Collection, Sequence

from palabre.chassis.directory import Spaces
from palabre.contracts.v1.turns_pb2 import Attachment, Author, Utterance
from palabre.discord import context
from palabre.discord.context import Context
from palabre.discord.files import QUESTION, Files, Read
from palabre.discord.messages import Message
from palabre.discord.posts import Post, person_of
from palabre.discord.questions import Composed
from palabre.discord.sending import Discord
from palabre.discord.texts import Speech


class Composing:
    """`ours` are our bots: their names are no part of what is asked."""

    def __init__(self, ours: Callable[[], Collection[int]], spaces: Spaces, files: Files) -> None:
        self._ours, self._spaces, self._files = ours, spaces, files

    async def compose(self, discord: Discord, post: Post, messages: Sequence[Message]) -> Composed:
        """Raises InvalidAttachment and Unavailable."""
        ours, space = self._ours(), self._spaces.get(post.space)
        speech = Speech(post.ask.language or space.languages[0], post.ask.address)
        before = Context()
        if post.ask.kind == "mention":
            most = space.discord.context_messages
            before = await context.before(discord, messages[-1], ours, most)
        asked, said = _asked(messages, before.messages, ours)
        text = "\n\n".join(filter(None, (context.words(m, ours, QUESTION) for m in asked)))
        files = [file for message in asked for file in message.files]
        read = await self._files.read(post.space, files, speech, len(text))
        images = await self._images(post.space, said, self._files.most - len(read.images))
        return Composed(
            Utterance(
                text="\n\n".join(filter(None, [text, read.texts])),
                author=Author(id=person_of(post.author), groups=post.ask.groups),
                attachments=read.images,
                language=post.ask.language,
                persona=post.ask.persona,
                model=post.ask.model,
                address=post.ask.address,
                may_ask=post.ask.may_ask,
                carries_history=post.ask.kind in {"mention", "command"},
                carried_history=context.exchanges(said, ours, post.author, images),
                replaceable=True,
                retries=post.retries,
            ),
            tuple(_notes(before, said, read, speech)),
        )

    async def _images(
        self, space: str, said: Sequence[Message], room: int
    ) -> dict[int, Sequence[Attachment]]:
        """The newest that are shown in what was said before."""
        found: dict[int, Sequence[Attachment]] = {}
        for message in reversed(said):
            found[message.id] = await self._files.seen(space, message.files, room)
            room -= len(found[message.id])
        return found


def _asked(
    messages: Sequence[Message], before: Sequence[Message], ours: Collection[int]
) -> tuple[Sequence[Message], Sequence[Message]]:
    """What is asked, and what was said before it.

    Where somebody only names us below a message of a person, that message is what is asked.
    """
    is_mute = not any(context.words(m, ours) or m.files for m in messages)
    if is_mute and before and before[-1].author.id not in ours:
        return before[-1:], before[:-1]
    return messages, before


def _notes(before: Context, said: Sequence[Message], read: Read, speech: Speech) -> list[str]:
    """What was left out of the question."""
    notes = list(read.notes)
    if before.is_unread:
        notes.append(speech.say("context.unread"))
    elif before.is_cut:
        key = "context.cut" if len(said) > 1 else "context.cut_one"
        notes.append(speech.say(key, count=len(said)))
    return notes
