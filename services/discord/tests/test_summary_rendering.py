"""Summaries as messages, within Discord's limits."""

import datetime as dt
import re

from hypothesis import given, settings, strategies as st

from palabre.contracts.v1 import llm_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Usage
from palabre.discord.messages import Message, Person, Place
from palabre.discord.summaries import Point, Summary
from palabre.discord.summary_rendering import shown
from palabre.discord.transcript import Transcript

PLACE = Place("text", 10**18, server=10**18 + 1, name="général")
NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def message(number: int, name: str = "Paul") -> Message:
    return Message(10**18 + 100 + number, PLACE, Person(number, name), "Bonjour", NOW)


def summary(*points: Point, end: pb.SummaryEnd | None = None, **more: object) -> Summary:
    messages = tuple(dict.fromkeys(each for point in points for each in point.sources))
    transcript = Transcript(messages, read=len(messages), **more)  # type: ignore[arg-type]
    return Summary(PLACE, transcript, points, end or pb.SummaryEnd(parts=1))


names = st.text(max_size=40)
points = st.builds(
    lambda text, who: Point(text, tuple(message(n, name) for n, name in enumerate(who))),
    st.text(max_size=300),
    st.lists(names, min_size=1, max_size=3),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(points, min_size=1, max_size=20), st.sampled_from(["fr", "en"]))
def test_no_message_is_too_long_and_every_link_is_whole(told: list[Point], language: str) -> None:
    bodies = shown(summary(*told), language, "Une IA a écrit ceci.")
    for body in bodies:
        [embed] = body.embeds
        assert len(embed.text) <= 4096
        assert len(embed.title) <= 256
        assert len(embed.text) + len(embed.title) + len(embed.footer) <= 6000
    whole = "".join(body.embeds[0].text for body in bodies)
    linked = re.findall(r"\[↗\]\(https://discord\.com/channels/\d+/\d+/\d+\)", whole)
    assert len(linked) >= sum(len(point.sources) for point in told)


def test_what_people_and_models_write_mentions_nobody_and_masks_no_link() -> None:
    hostile = "@everyone <@123456789012345678> [ici](https://pirate.example)"
    [body] = shown(summary(Point(hostile, (message(1, "@here <@&1> *x*"),))), "fr", "")
    text = body.embeds[0].text
    assert "@everyone" not in text
    assert "@here" not in text.replace("\\@here", "")
    assert "<@1" not in text
    assert "](https://pirate" not in text


def test_who_said_it_is_named_unless_the_point_names_them() -> None:
    told = [
        Point("Paul viendra jeudi.", (message(1),)),
        Point("La réunion est décalée.", (message(2, "Nadia"), message(3, "Ali"))),
    ]
    text = shown(summary(*told), "fr", "")[0].embeds[0].text
    assert "• Paul viendra jeudi. [↗]" in text
    assert "• La réunion est décalée. — *Nadia, Ali* [↗]" in text


def test_themes_are_headings_of_their_points() -> None:
    told = [
        Point("Un.", (message(1),), "Ascenseur"),
        Point("Deux.", (message(2),), "Réunion"),
        Point("Trois.", (message(3),), "Ascenseur"),
    ]
    text = shown(summary(*told), "fr", "")[0].embeds[0].text
    assert re.search(r"\*\*Ascenseur\*\*\n• Un.*\n• Trois.*\n\n\*\*Réunion\*\*\n• Deux", text)


def test_the_footer_tells_what_it_cost_and_that_a_machine_wrote_it() -> None:
    usage = Usage(
        model="mistral-small",
        prompt_tokens=12_000,
        completion_tokens=800,
        cost_known=True,
        cost_micros=1_200,
        currency="EUR",
    )
    end = pb.SummaryEnd(usage=[usage], parts=3, calls=3)
    [body] = shown(summary(Point("Un.", (message(1),)), end=end), "fr", "Une IA a écrit ceci.")
    footer = body.embeds[0].footer.replace("\u202f", " ").replace("\u00a0", " ")
    assert footer == "mistral-small · 12 000 + 800 jetons · 0,0012 €\nUne IA a écrit ceci."


def test_what_was_left_out_is_said() -> None:
    end = pb.SummaryEnd(parts=4, parts_without_model=1, calls=3)
    [body] = shown(summary(Point("Un.", (message(1),)), end=end, is_cut=True), "fr", "", ["Note."])
    text = body.embeds[0].text.replace("\u00a0", " ")
    assert "Seuls les 1 derniers messages ont été lus." in text
    assert "par leurs phrases principales : 1 sur 4." in text
    assert "*Note.*" in text
