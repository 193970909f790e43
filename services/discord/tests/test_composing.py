"""Questions of Discord become utterances."""

import dataclasses
from collections.abc import AsyncIterator

import pytest

from palabre.chassis.directory import Spaces
from palabre.chassis.testing import MemoryObjects
from palabre.discord.composing import Composing
from palabre.discord.files import Files, Unreadable
from palabre.discord.messages import File, Message
from palabre.discord.posts import Post, person_of
from palabre.discord.questions import Composed
from palabre.discord.routing import Ask, Asking
from palabre.discord.settings import DiscordSettings
from palabre.discord.testing import MemoryDiscord

from .said import ASKER, DEFAULT, POST_PLACE, TEXT_PLACE, named, post, said, space

VOICE = File(1, "voice-message.ogg", "https://cdn.example/1", 10, "audio/ogg")


@pytest.fixture
async def composing() -> AsyncIterator[Composing]:
    files = Files.of(DiscordSettings(), MemoryObjects())
    yield Composing(lambda: {DEFAULT}, Spaces({"demo": space()}), files)
    await files.close()


async def compose(composing: Composing, *messages: Message, kind: Asking = "post") -> Composed:
    ask = Ask(kind, "demo", "default", "camille", "large", "fr", "tu", ("public", "staff"), False)
    last = messages[-1]
    record = Post("c", "t", "default", last.place.channel, last.id, ASKER, ask, retries="earlier")
    discord = MemoryDiscord(said={message.id: message for message in messages})
    return await composing.compose(discord, record, messages)


async def test_a_post_s_question_begins_with_its_title(composing: Composing) -> None:
    place = dataclasses.replace(POST_PLACE, name="Radiateur froid")
    starter = dataclasses.replace(post(f"<@{DEFAULT}> que faire ?"), place=place)
    asked = (await compose(composing, starter)).utterance
    assert asked.text == "Radiateur froid\n\nque faire ?"
    assert (asked.persona, asked.model, asked.language, asked.address) == (
        *("camille", "large", "fr", "tu"),
    )
    assert (asked.author.id, list(asked.author.groups)) == (person_of(ASKER), ["public", "staff"])
    assert (asked.replaceable, asked.may_ask, asked.carries_history) == (True, False, False)
    assert asked.retries == "earlier"


async def test_what_was_said_meanwhile_is_one_question(composing: Composing) -> None:
    messages = [said("Et là ?", POST_PLACE, id=1), said("Vite !", POST_PLACE, id=2)]
    assert (await compose(composing, *messages)).utterance.text == "Et là ?\n\nVite !"


async def test_a_mention_carries_its_history_even_where_there_is_none(
    composing: Composing,
) -> None:
    asked = (await compose(composing, named(DEFAULT), kind="mention")).utterance
    assert asked.carries_history
    assert not asked.carried_history


async def test_a_voice_message_beside_words_is_passed_over_and_it_is_said(
    composing: Composing,
) -> None:
    composed = await compose(composing, said("Qui paie ?", TEXT_PLACE, files=(VOICE,)))
    assert composed.utterance.text == "Qui paie ?"
    assert composed.notes == ("Je n’écoute pas les messages vocaux et ne regarde pas les vidéos.",)


async def test_a_voice_message_alone_is_refused_in_the_form_of_address(
    composing: Composing,
) -> None:
    with pytest.raises(Unreadable, match="Écris ta question"):
        await compose(composing, said("", TEXT_PLACE, files=(VOICE,)))
