"""What a question brings along: files, and what was said before it; on the stand-in of Discord."""

import io

from PIL import Image

from palabre.channels.testing import ScriptedAnswers
from palabre.chassis.service import Context
from palabre.chassis.testing import NatsServer
from palabre.contracts.v1.turns_pb2 import Utterance
from tests.integration.discord_service import Community, running
from tests.standins.discord import Message


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 20), (9, 0, 0)).save(out, "PNG")
    return out.getvalue()


def last_asked(llm: ScriptedAnswers) -> Utterance:
    return llm.heard[-1].utterance_received.utterance


async def answered(community: Community, question: Message) -> Message:
    return await community.discord.seen(
        question.channel, lambda m: m.reference == question.id and "Guide" in m.shown
    )


async def test_a_reply_brings_what_it_replies_to(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    alice, bob = community.alice, community.server.person("bob")
    name = community.bot.user.mention
    first = await alice.say(community.general, f"{name} quand payer ?")
    answer = await answered(community, first)
    await bob.say(community.general, "Rien à voir.")
    second = await bob.say(community.general, "Et si je ne peux pas ?", reply_to=answer)
    await answered(community, second)
    asked = last_asked(llm)
    assert asked.text == "Et si je ne peux pas ?"
    assert asked.carries_history
    assert [(e.question, e.answer) for e in asked.carried_history] == [
        ("alice: quand payer ?", "Le loyer est dû le cinq [1].")
    ]


async def test_our_name_below_somebody_s_message_asks_what_it_says(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    bob = community.server.person("bob")
    question = await bob.say(community.general, "Quand payer le loyer ?")
    await answered(
        community,
        await community.alice.say(community.general, community.bot.user.mention, reply_to=question),
    )
    asked = last_asked(llm)
    assert (asked.text, len(asked.carried_history)) == ("Quand payer le loyer ?", 0)


async def test_what_was_left_out_is_said_below_the_answer(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> None:
    space = community.space(context_messages=2)
    async with running(nats, community.discord, {"demo": space}):
        await community.discord.until(lambda: community.bot.online)
        last = await community.alice.say(community.general, "0")
        for n in range(1, 4):
            last = await community.alice.say(community.general, f"{n}", reply_to=last)
        name = community.bot.user.mention
        question = await community.alice.say(community.general, f"{name} alors ?", reply_to=last)
        answer = await answered(community, question)
        assert "Je n’ai lu que les 2 derniers messages." in answer.shown
        assert [e.question for e in last_asked(llm).carried_history] == ["2", "3"]


async def test_images_and_texts_of_a_post_go_with_its_question(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    files = [("fuite.png", png()), ("journal.log", "Erreur 42".encode("utf-16"))]
    post = await community.alice.post(community.forum, "Fuite", "Que faire ?", files=files)
    await community.discord.seen(post, lambda m: "Guide" in m.shown)
    asked = last_asked(llm)
    assert asked.text == "Fuite\n\nQue faire ?\n\n[journal.log]\nErreur 42"
    (image,) = asked.attachments
    assert (image.name, image.width, image.media_type) == ("fuite.png", 40, "image/jpeg")


async def test_an_image_of_the_message_that_is_replied_to_goes_along(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    bob, name = community.server.person("bob"), community.bot.user.mention
    files = [("fuite.png", png()), ("notes.pdf", b"%PDF")]
    shown = await bob.say(community.general, "Regardez.", files=files)
    question = await community.alice.say(
        community.general, f"{name} qu'est-ce que c'est ?", reply_to=shown
    )
    await answered(community, question)
    (before,) = last_asked(llm).carried_history
    assert before.question == "bob: Regardez."
    assert [image.name for image in before.attachments] == ["fuite.png"]


async def test_a_file_that_cannot_be_read_is_refused_before_anything_is_asked(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    files = [("plans.zip", b"PK\x03\x04 and so on")]
    post = await community.alice.post(community.forum, "Plans", "Que faire ?", files=files)
    answer = await community.discord.seen(
        post, lambda m: m.author is community.bot.user and "plans.zip" in m.shown
    )
    assert "joignez une image (PNG, JPEG, WebP ou GIF) ou un fichier texte" in answer.shown
    assert llm.heard == []


async def test_a_mention_in_somebody_s_post_brings_the_post(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    post = await community.alice.post(community.forum, "Fuite", "Sous l'évier.", tags=["chauffage"])
    await community.discord.seen(post, lambda m: "Guide" in m.shown)
    bob = community.server.person("bob")
    question = await bob.say(post, f"{community.bot.user.mention} et au plafond ?")
    await answered(community, question)
    history = last_asked(llm).carried_history
    assert [(e.question, e.answer) for e in history] == [
        ("alice: Fuite\n\nSous l'évier.", "Le loyer est dû le cinq [1].")
    ]
