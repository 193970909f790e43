"""Solved posts: real nextcord on the stand-in, a real bus, a real retriever."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from palabre.channels.testing import ScriptedAnswers
from palabre.chassis import rpc
from palabre.chassis.service import Context
from palabre.chassis.testing import NatsServer, until
from palabre.contracts.v1 import retriever_pb2 as pb
from palabre.contracts.v1.retriever_pb2_grpc import RetrieverServiceStub
from palabre.discord.knowledge import Document, GrpcKnowledge, Knowledge
from palabre.discord.testing import MemoryKnowledge
from tests.integration.discord_service import Community, running
from tests.integration.retriever_service import serving
from tests.standins.discord import Message, Permissions, Thread

ASKED = "Mon radiateur du salon est brûlant en bas et reste froid en haut, que faire ?"
AGAIN = "Bonjour, le radiateur de ma chambre est brulant en bas et froid en haut."
FOUND = "Purgez le radiateur avec la petite clé, de l'air y reste. Sinon appelez le 06 12 34 56 78."


@dataclass
class Forum:
    """A community whose forum is tended, and what its space knows."""

    community: Community
    nats: NatsServer
    address: str
    stub: Any

    @contextlib.asynccontextmanager
    async def replica(self, **rules: Any) -> AsyncIterator[Context]:
        space = self.community.space(forums=[self.rules(**rules)])
        async with running(
            self.nats, self.community.discord, {"demo": space}, retriever_address=self.address
        ) as context:
            await self.community.discord.until(lambda: self.community.bot.online)
            yield context

    def rules(self, **rules: Any) -> dict[str, Any]:
        channel = str(self.community.forum.id)
        return {"channel": channel, "solved_tag": "Résolu", "index_solved": True} | rules

    async def known(self) -> list[str]:
        """Documents of solved posts."""
        listed = await self.stub.ListDocuments(pb.ListDocumentsRequest(space="demo"))
        return [entry.document for entry in listed.documents]

    async def text(self, post: Thread) -> str:
        request = pb.GetDocumentRequest(space="demo", document=self.name(post))
        return "\n".join(p.text for p in (await self.stub.GetDocument(request)).passages)

    def name(self, post: Thread) -> str:
        return f"discord/{self.community.server.id}/{post.id}"

    async def is_known(self, post: Thread) -> bool:
        return self.name(post) in await self.known()

    async def is_unknown(self, post: Thread) -> bool:
        return not await self.is_known(post)

    async def solved_post(self) -> Thread:
        """Alice asked, Bruno answered, Alice says that it is solved."""
        community = self.community
        bruno = community.server.person("Bruno")
        post = await community.alice.post(community.forum, "Radiateur froid en haut", ASKED)
        await bruno.say(post, FOUND)
        await community.alice.say(post, "Merci Bruno, c’est résolu !")
        return post


@pytest.fixture
async def forum(
    tmp_path: Path, nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> AsyncIterator[Forum]:
    community.server.allow(community.forum, community.bot, Permissions.MANAGE_THREADS)
    spaces = {"demo": community.space()}
    async with serving(tmp_path / "index", spaces) as address, rpc.channel(address) as channel:
        yield Forum(community, nats, address, RetrieverServiceStub(channel))


def tags(post: Thread) -> list[str]:
    return [tag.name for tag in post.applied]


async def confirmation(forum: Forum, post: Thread) -> Message:
    return await forum.community.discord.seen(post, lambda m: "marquée comme résolue" in m.content)


async def test_a_post_whose_author_says_so_is_marked_told_and_known(forum: Forum) -> None:
    async with forum.replica():
        post = await forum.solved_post()
        told = await confirmation(forum, post)
        await until(lambda: forum.is_known(post))
    assert tags(post) == ["résolu"]
    assert "Elle aidera à répondre" in told.content
    text = await forum.text(post)
    assert "Purgez le radiateur" in text
    assert "brûlant en bas" in text
    for secret in ("Bruno", "alice", "06 12", str(forum.community.alice.id)):
        assert secret not in text


async def test_who_says_so_gets_no_answer(forum: Forum, llm: ScriptedAnswers) -> None:
    async with forum.replica():
        post = await forum.solved_post()
        await confirmation(forum, post)
    asked = [event.utterance_received.utterance.text for event in llm.heard]
    assert not any("résolu" in text for text in asked)


async def test_our_own_answer_becomes_knowledge_when_it_helped(forum: Forum) -> None:
    community = forum.community
    async with forum.replica():
        post = await community.alice.post(community.forum, "Loyer", "Quand payer mon loyer ?")
        await community.discord.seen(post, lambda m: "Guide" in m.shown)
        await community.alice.say(post, "Merci, ça répond à ma question !")
        await until(lambda: forum.is_known(post))
    assert "Le loyer est dû le cinq." in await forum.text(post)


async def test_a_post_in_which_nobody_answered_is_marked_and_said_to_help_nobody(
    forum: Forum,
) -> None:
    alice = forum.community.alice
    async with forum.replica(answer="never"):
        post = await alice.post(forum.community.forum, "Radiateur froid en haut", ASKED)
        await alice.say(post, "C’est résolu !")
        told = await confirmation(forum, post)
    assert "Elle aidera à répondre" not in told.content
    assert tags(post) == ["résolu"]


async def test_a_click_takes_it_back(forum: Forum) -> None:
    async with forum.replica():
        post = await forum.solved_post()
        told = await confirmation(forum, post)
        await until(lambda: forum.is_known(post))
        stranger = forum.community.server.person("carole")
        await stranger.click(told, "Ce n’est pas résolu")
        assert tags(post) == ["résolu"]
        await forum.community.alice.click(told, "Ce n’est pas résolu")
        await forum.community.discord.until(lambda: tags(post) == [])
        await until(lambda: forum.is_unknown(post))
        assert "n’est plus marquée" in told.content


async def test_a_tag_that_is_put_or_taken_off_by_hand_counts(forum: Forum) -> None:
    community = forum.community
    async with forum.replica():
        post = await community.alice.post(community.forum, "Radiateur froid en haut", ASKED)
        await community.server.person("bruno").say(post, FOUND)
        await community.alice.tag(post, "résolu")
        await until(lambda: forum.is_known(post))
        await community.alice.tag(post)
        await until(lambda: forum.is_unknown(post))


async def test_a_post_that_is_deleted_is_known_no_more(forum: Forum) -> None:
    async with forum.replica():
        post = await forum.solved_post()
        await until(lambda: forum.is_known(post))
        await forum.community.server.owner.remove(post)
        await until(lambda: forum.is_unknown(post))


async def test_what_happened_while_nobody_was_there_is_made_good(forum: Forum) -> None:
    async with forum.replica():
        post = await forum.solved_post()
        await until(lambda: forum.is_known(post))
        await confirmation(forum, post)
    await forum.community.alice.tag(post)
    other = await forum.solved_post()
    async with forum.replica():
        await until(lambda: forum.is_unknown(post))
        await until(lambda: forum.is_known(other))


async def test_archived_posts_are_looked_up_when_the_space_consents(forum: Forum) -> None:
    async with forum.replica(index_solved=False):
        post = await forum.solved_post()
        await confirmation(forum, post)
    await forum.community.server.owner.change(post, archived=True)
    assert await forum.is_unknown(post)
    async with forum.replica():
        await until(lambda: forum.is_known(post))
    async with forum.replica(index_solved=False):
        await until(lambda: forum.is_unknown(post))


async def test_a_consent_that_is_taken_back_counts_without_a_restart(forum: Forum) -> None:
    async with forum.replica() as context:
        post = await forum.solved_post()
        await until(lambda: forum.is_known(post))
        rules = forum.rules(index_solved=False)
        await forum.nats.apply("demo", forum.community.space(forums=[rules]))
        await context.spaces.refresh(context.bus)
        await until(lambda: forum.is_unknown(post))


async def test_a_new_post_is_shown_the_solved_one_that_it_resembles(forum: Forum) -> None:
    community = forum.community
    async with forum.replica():
        post = await forum.solved_post()
        await until(lambda: forum.is_known(post))
        again = await community.alice.post(community.forum, "radiateur a moitié froid", AGAIN)
        answer = await community.discord.seen(again, lambda m: "Déjà résolu" in m.shown)
        other = await community.alice.post(community.forum, "Parking", "Comment louer un box ?")
        plain = await community.discord.seen(other, lambda m: "Guide" in m.shown)
    link = f"https://discord.com/channels/{community.server.id}/{post.id}"
    assert f"[Radiateur froid en haut]({link})" in answer.shown
    assert "Déjà résolu" not in plain.shown


async def test_a_post_of_a_private_forum_is_shown_in_no_other(forum: Forum) -> None:
    community = forum.community
    async with forum.replica():
        post = await forum.solved_post()
        await until(lambda: forum.is_known(post))
    community.server.deny(community.forum, community.server.everyone, Permissions.VIEW_CHANNEL)
    open_ = community.server.forum("ouvert", tags=[])
    rules = [forum.rules(tier="public"), {"channel": str(open_.id)}]
    space = community.space(forums=rules)
    async with running(
        forum.nats, community.discord, {"demo": space}, retriever_address=forum.address
    ):
        await community.discord.until(lambda: community.bot.online)
        again = await community.alice.post(open_, "radiateur a moitié froid", AGAIN)
        answer = await community.discord.seen(again, lambda m: "Guide" in m.shown)
    assert "Déjà résolu" not in answer.shown


# The port


@pytest.fixture(params=["grpc", "memory"])
def knowledge(request: pytest.FixtureRequest, forum: Forum) -> Knowledge:
    return GrpcKnowledge(forum.stub) if request.param == "grpc" else MemoryKnowledge()


async def test_a_knowledge_takes_in_finds_and_forgets_documents(knowledge: Knowledge) -> None:
    names = ("discord/1/7", "discord/12/8")
    for name in names:
        text = f"# Radiateur\n\nLe radiateur {name[-1]} reste froid."
        document = Document(name, "Radiateur", "https://discord.com/x", "public", "fr", text)
        await knowledge.put("demo", document)
    (found,) = await knowledge.search("demo", "radiateur froid", ("public",), "discord/1", 5)
    assert (found.document, found.title) == ("discord/1/7", "Radiateur")
    assert found.url == "https://discord.com/x"
    assert found.relevance > 0
    for _ in range(2):
        await knowledge.remove("demo", "discord/1/7")
    assert not await knowledge.search("demo", "radiateur froid", (), "discord/1", 5)
    assert len(await knowledge.search("demo", "radiateur froid", (), "discord", 5)) == 1
