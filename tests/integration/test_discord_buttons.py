"""Buttons below answers, by real nextcord on the stand-in, over a real bus and archive."""

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import pytest

from palabre.channels.testing import ScriptedAnswers, completed, delta, plain_answer, source
from palabre.chassis import rpc
from palabre.chassis.service import Context
from palabre.chassis.testing import until
from palabre.contracts.v1 import archive_pb2, events_pb2 as pb
from palabre.contracts.v1.archive_pb2_grpc import ArchiveServiceStub
from palabre.discord.posts import person_of
from palabre.gateway.testing import RunningGateway
from tests.integration.discord_commands import Replicas
from tests.integration.discord_service import Community
from tests.standins.discord import Message, Thread


@pytest.fixture
def script() -> Callable[[pb.Event], Iterable[Any]]:
    """A question that says « longtemps » is answered slowly, another one at once."""

    def answer(event: pb.Event) -> Iterable[Any]:
        if "longtemps" not in event.utterance_received.utterance.text:
            return plain_answer(event)
        return [delta("Le loyer", 0), 30, completed("Le loyer [1].", source())]

    return answer


@pytest.fixture
async def service(replicas: Replicas) -> AsyncIterator[Context]:
    async with replicas.one() as context:
        yield context


async def answered(community: Community, text: str = "Quand payer ?") -> tuple[Thread, Message]:
    post = await community.alice.post(community.forum, "Loyer", text)
    return post, await community.discord.seen(post, lambda m: "👍" in m.buttons)


async def ratings(gateway: RunningGateway, user: int) -> list[tuple[int, str]]:
    """Scores and comments, as the archive exports them."""
    async with rpc.channel(gateway.address) as channel:
        stub: Any = ArchiveServiceStub(channel)
        asked = archive_pb2.ExportRequest(channel="discord", person=person_of(user))
        return [
            (turn.score, turn.comment)
            async for part in stub.Export(asked)
            for turn in part.conversation.turns
        ]


async def clicked(community: Community, message: Message, button: str, **more: Any) -> Message:
    person = more.get("by", community.alice)
    return await community.discord.answer(await person.click(message, button))


async def test_thumbs_reach_the_archive(
    community: Community, service: Context, gateway: RunningGateway
) -> None:
    _, answer = await answered(community)
    thanks = await clicked(community, answer, "👍")
    assert (thanks.content, thanks.ephemeral) == ("Merci, c’est noté.", True)
    assert await ratings(gateway, community.alice.id) == [(1, "")]
    asked = await community.alice.click(answer, "👎")
    await community.discord.until(lambda: asked.modal)
    handed_in = await community.alice.fill_in(asked, comment="C'est le six.")
    assert (await community.discord.answer(handed_in)).content.startswith("Merci")
    assert await ratings(gateway, community.alice.id) == [(-1, "C'est le six.")]


async def test_buttons_work_after_a_restart(
    replicas: Replicas, community: Community, gateway: RunningGateway
) -> None:
    async with replicas.one():
        _, answer = await answered(community)
    await community.discord.until(lambda: not community.bot.online)
    async with replicas.one():
        assert (await clicked(community, answer, "👍")).content == "Merci, c’est noté."
        assert await ratings(gateway, community.alice.id) == [(1, "")]
        quoted = await clicked(community, answer, "Sources")
        assert "Le loyer est dû le cinq." in quoted.shown


async def test_another_person_s_click_is_answered_privately(
    community: Community, service: Context, gateway: RunningGateway
) -> None:
    _, answer = await answered(community)
    bob = community.server.person("bob")
    said = await clicked(community, answer, "👎", by=bob)
    assert said.ephemeral
    assert said.content == "Seule la personne qui a posé la question peut faire cela."
    assert await ratings(gateway, community.alice.id) == [(0, "")]


async def test_an_answer_is_replaced_once_however_often_it_is_clicked(
    community: Community, service: Context, llm: ScriptedAnswers
) -> None:
    post, answer = await answered(community)
    for _ in range(2):
        await community.alice.click(answer, "Refaire")
    await until(lambda: len(llm.heard) == 2)
    first, second = (event.turn for event in llm.heard)
    assert llm.heard[1].utterance_received.utterance.retries == first
    await community.discord.seen(post, lambda m: any(second in b for b in _ids(m)))
    assert len([m for m in post.history() if m.author is community.bot.user]) == 1
    await community.alice.click(answer, "Refaire")
    await until(lambda: len(llm.heard) == 3)


async def test_a_running_answer_is_stopped_and_stays_as_it_was(
    community: Community, service: Context, llm: ScriptedAnswers
) -> None:
    post = await community.alice.post(community.forum, "Loyer", "Expliquez longtemps.")
    running_answer = await community.discord.seen(post, lambda m: "Le loyer" in m.content)
    asked = await community.alice.click(running_answer, "Arrêter")
    stopped = await community.discord.seen(post, lambda m: "Réponse arrêtée." in m.shown)
    assert stopped.content == "Le loyer"
    assert [event.turn_cancelled.reason for event in llm.cancelled] == ["stop"]
    assert asked.answers == [stopped]  # no word of ours: one sees what happened
    assert "Refaire" in stopped.buttons


async def test_a_click_that_discord_tells_twice_counts_once(
    community: Community, service: Context, llm: ScriptedAnswers
) -> None:
    _, answer = await answered(community)
    community.discord.deliveries.twice("INTERACTION_CREATE")
    await community.alice.click(answer, "Refaire")
    await until(lambda: len(llm.heard) == 2)
    thanks = await community.alice.click(answer, "👍")
    assert (await community.discord.answer(thanks)).content
    assert len(thanks.answers) == 1


def _ids(message: Message) -> list[str]:
    return [each["custom_id"] for row in message.components for each in row["components"]]
