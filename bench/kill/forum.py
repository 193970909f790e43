"""People in a forum of Discord's stand-in: each opens posts, and goes on talking in them."""

import contextlib
import random
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.kill.asker import PATIENCE_S
from palabre.discord.posts import turn_of
from tests.standins.discord import Discord, Message, Thread

FOLLOW_UPS = 2  # at most, in one post


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody wrote in a post, and what was said below it."""

    post: Thread
    message: Message

    @property
    def turn(self) -> str:
        return turn_of(self.post.id, self.message.id)

    @property
    def answers(self) -> list[Message]:
        said = [message for message in self.post.history() if message.author.bot]
        return [message for message in said if message.reference == self.message.id]

    @property
    def is_ended(self) -> bool:
        """No answer that is still being written can be asked for again."""
        return any("again" in actions(answer) for answer in self.answers)

    @property
    def seconds(self) -> float:
        """To the last edit; infinite without an answer."""
        ends = [answer.versions[-1].at for answer in self.answers]
        return max(ends, default=float("inf")) - self.message.created_at

    def is_answered(self, text: str) -> bool:
        """Whole: as the fact has it, and to be rated."""
        return any(text in a.content and "up" in actions(a) for a in self.answers)


def actions(message: Message) -> set[str]:
    """What its buttons do."""
    ids = [button["custom_id"] for button in message.buttons.values()]
    return {id_.split(":")[1] for id_ in ids}


class Forum:
    """A forum with one bot, whose clients are the system's."""

    def __init__(self, discord: Discord) -> None:
        self.discord = discord
        self.server = discord.server("Locataires")
        self.channel = self.server.forum("questions")
        self.bot = discord.bot("token", "Camille", servers=[self.server])

    @property
    def settings(self) -> Mapping[str, str]:
        return {"PALABRE_DISCORD_TOKEN": "token", "PALABRE_DISCORD_API": self.discord.api}

    def spaces(self, given: Path, folder: Path) -> Path:
        """A copy of these spaces whose "logement" answers here."""
        shutil.copytree(given, folder)
        with (folder / "logement" / "space.toml").open("a", encoding="utf-8") as file:
            file.write(f'\n[channels.discord]\n[discord]\nservers = ["{self.server.id}"]\n')
            file.write(f'[[discord.forums]]\nchannel = "{self.channel.id}"\n')
        return folder

    async def ask(self, texts: list[str], turns: int, seed: int) -> AsyncIterator[Question]:
        """One question after the other, each once the one before has its answer."""
        chance, person = random.Random(seed), self.server.person(f"person{seed}")
        post, left = None, 0
        for _ in range(turns):
            text = chance.choice(texts)
            if post is None or not left:
                post, left = await person.post(self.channel, text, text), FOLLOW_UPS
                question = Question(post, post.messages[post.id])
            else:
                question, left = Question(post, await person.say(post, text)), left - 1
            await self._ended(question)
            yield question

    async def _ended(self, question: Question) -> None:
        with contextlib.suppress(TimeoutError):
            await self.discord.until(lambda: question.is_ended, PATIENCE_S)

    def strays(self, asked: list[Question]) -> int:
        """Messages of the bot that answer nothing which was asked, or a second time."""
        firsts = {question.answers[0].id for question in asked if question.answers}
        posts = {question.post.id: question.post for question in asked}.values()
        said = [m for post in posts for m in post.history() if m.author.bot]
        return sum(message.id not in firsts for message in said)
