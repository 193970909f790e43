"""Answers that are long, or written to do harm, as people see them on the stand-in of Discord."""

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import pytest

from palabre.channels.testing import ScriptedAnswers, completed, delta, source
from palabre.chassis.service import Context
from palabre.chassis.testing import NatsServer
from palabre.contracts.v1 import events_pb2 as pb
from tests.integration.discord_service import Community, running
from tests.standins.discord import Message

LONG = "Le loyer est dû le cinq du mois. " * 150 + "[1]"
VERY_LONG = "Le loyer est dû le cinq du mois. " * 900 + "[1]"
HOSTILE = "@everyone <@{user}> [ici](https://evil.example/x) discord.gg/evil [1]"


@pytest.fixture
def script(community: Community) -> Callable[[pb.Event], Iterable[Any]]:
    """The question names its answer."""

    def answer(event: pb.Event) -> Iterable[Any]:
        asked = event.utterance_received.utterance.text
        user = community.alice.id
        text = {"long": LONG, "très long": VERY_LONG}.get(asked.split("\n")[-1])
        text = text or HOSTILE.format(user=user)
        whole = completed(text, source(url="https://h.example/1"))
        whole.language = "en" if asked.endswith("english") else ""
        return [delta(text[:3000], 0), 1.0, whole]

    return answer


@pytest.fixture
async def service(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> AsyncIterator[Context]:
    notices = {"fr": "Une machine répond.", "en": "A machine answers."}
    space = community.space().model_copy(update={"disclaimer": notices})
    async with running(nats, community.discord, {"demo": space}) as context:
        await community.discord.until(lambda: community.bot.online)
        yield context


async def answers(community: Community, question: str) -> list[Message]:
    """Ours, once the last one has its buttons."""
    post = await community.alice.post(community.forum, "Loyer", question)
    await community.discord.seen(post, lambda m: "👍" in m.buttons, timeout=10)
    return [m for m in post.history() if m.author is community.bot.user]


async def test_a_long_answer_is_several_messages(community: Community, service: Context) -> None:
    shown = await answers(community, "long")
    assert " ".join(m.content for m in shown).split() == LONG.split()
    assert [bool(m.buttons) for m in shown] == [False, False, True]
    assert "Guide" in shown[-1].shown
    assert len(shown[0].versions) < 5  # what is full is not edited again


async def test_a_very_long_answer_ends_in_a_file(community: Community, service: Context) -> None:
    shown = await answers(community, "très long")
    assert len(shown) == 5
    (file,) = shown[-1].attachments
    assert file.filename == "reponse.md"
    assert file.data.decode() == VERY_LONG


async def test_an_answer_names_nobody_and_hides_no_address(
    community: Community, service: Context
) -> None:
    (shown,) = await answers(community, "autre chose")
    assert not shown.pinged
    assert shown.content == (
        f"@\u200beveryone <\u200b@{community.alice.id}> ici (<https://evil.example/x>) … [1]"
    )
    assert shown.embeds[0]["description"] == "**[1]** [Guide](https://h.example/1)"


async def test_that_a_machine_writes_is_said_in_the_answer_s_language(
    service: Context, community: Community
) -> None:
    (answer,) = await answers(community, "english")
    assert "A machine answers." in answer.shown
