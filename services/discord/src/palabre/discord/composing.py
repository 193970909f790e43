"""A question of Discord as an utterance."""

from collections.abc import Callable, Collection, Sequence

from palabre.contracts.v1.turns_pb2 import Author, Utterance
from palabre.discord.markup import readable
from palabre.discord.messages import Message
from palabre.discord.posts import Post, person_of
from palabre.discord.questions import Composed
from palabre.discord.sending import Discord


class Composing:
    """`ours` are our bots: their names are no part of what is asked."""

    def __init__(self, ours: Callable[[], Collection[int]]) -> None:
        self._ours = ours

    async def compose(self, discord: Discord, post: Post, messages: Sequence[Message]) -> Composed:
        return Composed(
            Utterance(
                text=self._words(messages),
                author=Author(id=person_of(post.author), groups=post.ask.groups),
                language=post.ask.language,
                persona=post.ask.persona,
                model=post.ask.model,
                address=post.ask.address,
                may_ask=post.ask.may_ask,
                carries_history=post.ask.kind in {"mention", "command"},
                replaceable=True,
                retries=post.retries,
            )
        )

    def _words(self, messages: Sequence[Message]) -> str:
        """The title of a post is often the question itself."""
        titles = [m.place.name for m in messages if m.is_starter]
        said = [readable(message.text, omit=self._ours()) for message in messages]
        return "\n\n".join(filter(None, [*titles, *said]))
