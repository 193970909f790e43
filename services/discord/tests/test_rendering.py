"""Answers as messages of Discord."""

import re
from typing import Any

import pytest
from hypothesis import given, strategies as st

from palabre.contracts.v1 import events_pb2 as pb, turns_pb2 as turns
from palabre.discord.actions import Pressed
from palabre.discord.messages import Body
from palabre.discord.rendering import (
    GOES_ON,
    MOST_MESSAGES,
    Manner,
    ai_notice,
    cancelled,
    failed,
    final,
    placeholder,
    so_far,
)
from palabre.discord.sources import Similar

from .said import space

MANNER = Manner("conversation", "turn", "fr")
NARROW, WIDE = "\u202f", "\u00a0"


def source(number: int = 1, **passage: Any) -> turns.Source:
    values: dict[str, Any] = {
        "title": "Réparations",
        "url": f"https://habitat.example/{number}",
    } | passage
    return turns.Source(number=number, passage=turns.Passage(**values))


def answer(
    text: str = "Le bailleur paie [1].", *sources: turns.Source, **more: Any
) -> pb.AnswerCompleted:
    usage = turns.Usage(
        model="mistral-small",
        prompt_tokens=1812,
        completion_tokens=64,
        cost_micros=1234,
        currency="EUR",
        cost_known=True,
    )
    values: dict[str, Any] = {
        "mode": turns.ANSWER_MODE_GROUNDED,
        "usage": usage,
        "language": "fr",
    } | more
    return pb.AnswerCompleted(text=text, sources=sources or [source()], **values)


def actions(body: Body) -> list[str]:
    return [pressed.action for button in body.buttons if (pressed := Pressed.parse(button.id))]


def test_the_placeholder_can_be_stopped() -> None:
    (body,) = placeholder(MANNER)
    assert body.content == "⏳ Je cherche la réponse…"
    assert actions(body) == ["stop"]


def test_what_is_being_written_has_a_mark_that_it_goes_on() -> None:
    (body,) = so_far("Le bailleur", MANNER)
    assert body.content == f"Le bailleur{GOES_ON}"
    assert actions(body) == ["stop"]


@pytest.mark.parametrize("text", ["", " \n", "```", "---"])
def test_what_shows_nothing_yet_is_no_empty_message(text: str) -> None:
    assert so_far(text, MANNER) == placeholder(MANNER)
    (body,) = final(answer(text), 1, Manner("c", "t", "fr", footer=False))
    assert body.content == "…"


def test_a_notice_stands_below_what_was_written() -> None:
    (body,) = so_far("", MANNER, notice="Encore un peu.")
    assert (body.content, body.embeds[0].text) == ("⏳ Je cherche la réponse…", "Encore un peu.")


def test_a_grounded_answer_has_its_sources_its_figures_and_its_buttons() -> None:
    (body,) = final(answer("Oui [2].", source(1), source(2, page=3)), 3.42, MANNER)
    (embed,) = body.embeds
    assert body.content == "Oui [2]."
    assert embed.title == "Sources"
    assert embed.text == "**[2]** [Réparations, p. 3](https://habitat.example/2)"
    figures = f"1{NARROW}812 + 64 jetons · 0,0012{WIDE}€ · 3,4{WIDE}s"
    assert embed.footer == f"mistral-small · {figures}"
    assert actions(body) == ["up", "down", "again", "sources"]


def test_passages_of_one_document_are_one_line_below_an_answer() -> None:
    one = {"url": "https://habitat.example/a", "document": "a"}
    found = [source(1, **one), source(2), source(3, **one), source(4, page=2, **one)]
    (body,) = final(answer("Oui [1], [2], [3] et [4].", *found), 3.42, MANNER)
    assert body.embeds[0].text.splitlines() == [
        "**[1] [3]** [Réparations](https://habitat.example/a)",
        "**[2]** [Réparations](https://habitat.example/2)",
        "**[4]** [Réparations, p. 2](https://habitat.example/a)",
    ]


def test_figures_are_written_as_in_the_answer_s_language() -> None:
    (body,) = final(answer(language="en"), 12.3, MANNER)
    assert body.embeds[0].footer == (f"mistral-small · 1,812 + 64 tokens · €0.0012 · 12{WIDE}s")


def test_the_footer_can_be_switched_off_but_for_the_notice() -> None:
    manner = Manner("c", "t", "fr", footer=False, notice="Une machine écrit.")
    (body,) = final(answer(), 1, manner)
    assert body.embeds[0].footer == "Une machine écrit."


def test_tokens_and_cost_are_those_of_all_calls() -> None:
    call = answer().usage
    image = turns.Usage(
        model="vision", prompt_tokens=188, cost_micros=2000, currency="EUR", cost_known=True
    )
    (body,) = final(answer(calls=[image, call]), 1, MANNER)
    assert f"2{NARROW}000 + 64 jetons · 0,0032{WIDE}€" in body.embeds[0].footer


def test_a_cost_that_is_not_known_is_not_told() -> None:
    unknown = turns.Usage(model="local", prompt_tokens=10, completion_tokens=2)
    (body,) = final(answer(usage=unknown), 1, MANNER)
    assert body.embeds[0].footer == f"local · 10 + 2 jetons · 1,0{WIDE}s"


def test_without_a_model_only_the_time_is_told() -> None:
    words = turns.Usage(
        engine="extractive", prompt_tokens=900, completion_tokens=40, cost_known=True
    )
    (body,) = final(answer(usage=words), 0.2, MANNER)
    assert body.embeds[0].footer == f"0,2{WIDE}s"


def test_every_mode_has_its_colour() -> None:
    modes = set(turns.AnswerMode.values()) - {turns.ANSWER_MODE_UNSPECIFIED}
    colours = {final(answer(mode=mode), 1, MANNER)[0].embeds[0].colour for mode in modes}
    colours |= {body.embeds[0].colour for body in failed("Non.", "", MANNER, retryable=True)}
    assert len(colours) == len(modes) + 1


def test_a_story_names_all_that_inspired_it() -> None:
    told = answer("Il était une fois.", source(1), source(2), mode=turns.ANSWER_MODE_STORY)
    (body,) = final(told, 1, MANNER)
    assert body.embeds[0].text.count("https://") == 2


def test_an_answer_without_anything_to_tell_has_no_empty_frame() -> None:
    (body,) = final(answer("Bonjour !"), 1, Manner("c", "t", "fr", footer=False))
    assert body.embeds == ()


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("", "**[1]** Réparations"),
        ("javascript:alert(1)", "**[1]** Réparations"),
        ("https://a.example/" + "x" * 600, "**[1]** Réparations"),
        ("https://a.example/b_(c)", "**[1]** [Réparations](https://a.example/b_%28c%29)"),
        (
            "https://discord.com/channels/1/2/3",
            "**[1]** [Réparations](https://discord.com/channels/1/2/3)",
        ),
    ],
)
def test_a_source_is_a_link_where_it_has_an_address(url: str, text: str) -> None:
    assert final(answer("Oui [1].", source(1, url=url)), 1, MANNER)[0].embeds[0].text == text


def test_a_source_s_title_cannot_be_markup() -> None:
    title = "](https://evil.example) @everyone **x**"
    (body,) = final(answer("Oui [1].", source(1, title=title)), 1, MANNER)
    assert r"\]" in body.embeds[0].text
    assert re.findall(r"(?<!\\)\]\(([^)]*)", body.embeds[0].text) == ["https://habitat.example/1"]


def test_notes_say_what_was_left_out() -> None:
    manner = Manner("c", "t", "fr", notes=("Je n’ai lu que les 25 derniers messages.",))
    (body,) = final(answer(), 1, manner)
    assert body.embeds[0].text.endswith("\n*Je n’ai lu que les 25 derniers messages.*")


def test_a_failure_keeps_what_was_shown_and_can_be_tried_again() -> None:
    (body,) = failed("Désolé.", "Le bail", MANNER, retryable=True)
    assert (body.content, body.embeds[0].text) == ("Le bail", "Désolé.")
    assert actions(body) == ["again"]
    (body,) = failed("Revenez demain.", "", MANNER, retryable=False)
    assert (body.content, body.buttons) == ("", ())


def test_a_stopped_answer_keeps_what_was_shown() -> None:
    (body,) = cancelled("Le bail", MANNER)
    assert (body.content, body.embeds[0].text) == ("Le bail", "Réponse arrêtée.")


def test_a_long_answer_has_its_sources_and_buttons_below_its_last_message() -> None:
    bodies = final(answer("Une phrase. " * 400 + "[1]"), 1, MANNER)
    assert len(bodies) == 3
    assert all(not body.embeds and not body.buttons for body in bodies[:-1])
    assert bodies[-1].embeds
    assert bodies[-1].buttons


def test_a_very_long_answer_is_whole_in_a_file() -> None:
    text = "Une phrase. " * 2000 + "[1]"
    bodies = final(answer(text), 1, MANNER)
    assert len(bodies) == MOST_MESSAGES
    assert bodies[-1].content.endswith("La réponse entière est dans le fichier joint.*")
    assert bodies[-1].files == (("reponse.md", text.encode()),)
    assert len(so_far(text, MANNER)) == MOST_MESSAGES


def test_what_is_long_is_in_a_file_though_little_of_it_is_shown() -> None:
    text = "discord.gg/habitat " * 2000
    bodies = final(answer(text), 1, MANNER)
    assert bodies[-1].files == (("reponse.md", text.encode()),)


def test_nobody_is_named_by_an_answer() -> None:
    text = "@everyone <@123456789012345678> [1]"
    for body in (*final(answer(text), 1, MANNER), *so_far(text, MANNER), *cancelled(text, MANNER)):
        assert not re.search(r"@everyone|<@", body.content)


def test_solved_posts_stand_below_an_answer_and_the_same_question_before_it() -> None:
    links = [f"https://discord.com/channels/1/{n}" for n in range(3)]
    found = [Similar("Radiateur [froid] @here", links[0], is_same=True), Similar("Purge", links[1])]
    (body,) = final(answer("Purgez [1].", source(title="Guide")), 1, MANNER, found)
    first, *_ = body.content.splitlines()
    assert first.startswith("**Déjà résolu\u00a0:** [Radiateur \\[froid\\] ")
    assert first.endswith(f"({links[0]})")
    assert "\\@here" in first
    assert "Purgez" in body.content
    assert f"**Déjà résolu\u00a0:** [Purge]({links[1]})" in body.embeds[0].text


def test_a_machine_says_so_in_the_space_s_words() -> None:
    worded = space().model_copy(update={"disclaimer": {"fr": "Une machine."}})
    assert ai_notice(worded, "fr") == "Une machine."
    assert ai_notice(space(), "fr").startswith("Réponse rédigée par une intelligence artificielle")


@given(
    st.lists(st.text(max_size=2000), max_size=12),
    st.text(max_size=5000),
    st.text(max_size=4000),
    st.lists(st.text(max_size=500), max_size=5),
)
def test_whatever_comes_is_within_the_limits(
    titles: list[str], text: str, notice: str, notes: list[str]
) -> None:
    numbers = "".join(f"[{n}]" for n in range(1, len(titles) + 1))
    sources = [source(n, title=title) for n, title in enumerate(titles, 1)]
    manner = Manner("c" * 36, "t" * 36, "fr", notice=notice, notes=notes)
    completed = answer(f"{text} {numbers}", *sources)
    for body in (*final(completed, 1, manner), *so_far(text, manner)):
        assert len(body.content) <= 2000
        assert body.content.strip() or body.embeds
        assert all(len(button.id) <= 100 for button in body.buttons)
        for embed in body.embeds:
            assert len(embed.text) <= 4096
            assert len(embed.footer) <= 2048
            assert len(embed.text) + len(embed.footer) + len(embed.title) <= 6000
