"""OpenAI's shapes."""

import json
from typing import Any

import pytest

from palabre.contracts.v1 import turns_pb2
from palabre.gateway import chat
from palabre.gateway.problems import Problem

ME = turns_pb2.Author(id="me")


def request(**fields: Any) -> chat.ChatRequest:
    body = {"model": "demo/camille", "messages": [{"role": "user", "content": "Quand ?"}]}
    return chat.parse(json.dumps(body | fields).encode())


def utterance(*messages: tuple[str, Any], **fields: Any) -> turns_pb2.Utterance:
    said = [{"role": role, "content": content} for role, content in messages]
    return chat.utterance(request(messages=said, **fields), ME, "camille")


def test_neutral_values_of_unsupported_parameters_pass() -> None:
    wanted = request(
        n=1, logprobs=False, tools=None, response_format={"type": "text"}, presence_penalty=0
    )
    assert (wanted.space, wanted.persona) == ("demo", "camille")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"model":"a","messages":[]}'])
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(Problem) as refusal:
        chat.parse(body)
    assert refusal.value.status == 400


def test_a_refusal_does_not_repeat_the_users_words() -> None:
    with pytest.raises(Problem) as refusal:
        request(messages=[{"role": "user", "content": {"secret": "mes mots"}}])
    assert "mes mots" not in refusal.value.detail


def test_consecutive_messages_of_a_person_are_one_question() -> None:
    made = utterance(("user", "Bonjour."), ("user", "Quand ?"))
    assert made.text == "Bonjour.\n\nQuand ?"


def test_every_system_message_is_an_instruction() -> None:
    made = utterance(("system", "A"), ("user", "?"), ("developer", "B"))
    assert made.instructions == "A\n\nB"


@pytest.mark.parametrize("last", ["assistant", "system"])
def test_a_request_without_a_question_is_refused(last: str) -> None:
    with pytest.raises(Problem, match="last message"):
        utterance((last, "Bonjour"))


def test_a_tool_message_is_refused_by_name() -> None:
    with pytest.raises(Problem, match="tool"):
        utterance(("tool", "42"))


def test_of_a_long_history_the_newest_is_kept() -> None:
    said = [(role, f"{n}" * 20_000) for n in range(1, 5) for role in ("user", "assistant")]
    made = utterance(*said, ("user", "Quand ?"))
    assert [exchange.question[0] for exchange in made.carried_history] == ["4"]


def test_an_answer_that_is_streamed_cannot_be_replaced() -> None:
    assert utterance(("user", "?")).replaceable
    assert not utterance(("user", "?"), stream=True).replaceable


def test_annotations_point_to_the_numbers_in_the_text() -> None:
    reply = chat.Reply("t", request(), "https://palabre.example/sources/demo")
    sources = [
        {"number": 1, "title": "A", "url": "https://a.example", "document": "a.md"},
        {"number": 2, "title": "B", "url": None, "document": "b c.md"},
    ]
    found = reply.annotations({"text": "Oui [2], et [1] ; voir [9].", "sources": sources})
    cited = [one["url_citation"] for one in found]
    assert [(c["start_index"], c["end_index"], c["title"]) for c in cited] == [
        (4, 7, "B"),
        (12, 15, "A"),
    ]
    assert [c["url"] for c in cited] == [
        "https://palabre.example/sources/demo/b%20c.md",
        "https://a.example",
    ]


def test_an_answer_as_long_as_allowed_was_cut() -> None:
    reply = chat.Reply("t", request(max_tokens=5), "")
    assert reply.finish({"usage": {"completion_tokens": 5}}) == "length"
    assert reply.finish({"usage": {"completion_tokens": 4}}) == "stop"


def test_every_chunk_is_whole_json() -> None:
    reply = chat.Reply("t", request(stream_options={"include_usage": True}), "")
    for chunk in (reply.opening(), reply.text('« "ç" »\n')):
        data = json.loads(chunk.removeprefix(b"data: "))
        assert data["object"] == "chat.completion.chunk"
        assert data["usage"] is None
        assert data["choices"][0]["finish_reason"] is None


def test_an_annotation_names_the_page() -> None:
    source = {"number": 1, "document": "guide.pdf", "title": "Guide", "url": None, "page": 12}
    event = {"text": "Trois mois [1].", "sources": [source], "mode": "grounded"}
    [annotation] = chat.Reply("turn", request(), "/sources/demo").annotations(event)
    assert annotation["url_citation"]["title"] == "Guide, p. 12"
