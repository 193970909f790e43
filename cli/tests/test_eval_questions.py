"""Files of questions are read, and refused by line."""

import json
from pathlib import Path

import pytest

from palabre.cli.eval import questions
from palabre.cli.server import Trouble


def written(folder: Path, *lines: str) -> Path:
    file = folder / "questions.jsonl"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def refusal(file: Path) -> str:
    with pytest.raises(Trouble) as caught:
        questions.read(file)
    return str(caught.value)


def test_a_line_may_say_who_asks_and_what_answers(tmp_path: Path) -> None:
    one = {"question": "Qui paie ?", "document": "a.md", "groups": ["agents"], "tier": "agents"}
    two = {"question": "Et sinon ?", "document": ["b.md", "c.md"], "passage": "le bailleur"}
    none = {"question": "Quel temps fait-il ?", "document": None, "kind": "ailleurs"}
    file = written(tmp_path, *(json.dumps(line) for line in (one, two, none)), "", "")
    first, second, third = questions.read(file)
    assert (first.documents, first.groups, first.tier) == (("a.md",), ("agents",), "agents")
    assert (second.documents, second.passages) == (("b.md", "c.md"), ("le bailleur",))
    assert (third.documents, third.kind, third.line) == ((), "ailleurs", 3)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"question": "Qui paie ?", "document": "a.md"', "line 2: is not JSON: Expecting"),
        ('["Qui paie ?"]', "line 2: is no object"),
        ('{"document": "a.md"}', 'line 2: has no "question"'),
        ('{"question": "  ", "document": "a.md"}', 'line 2: has no "question"'),
        ('{"question": "Qui ?"}', 'line 2: has no "document": name the one that answers, or null'),
        ('{"question": "Qui ?", "document": 3}', 'line 2: "document" must be a name'),
        ('{"question": "Qui ?", "document": []}', 'line 2: "document" is an empty list'),
        ('{"question": "Qui ?", "document": [""]}', 'line 2: "document" must be a name'),
        ('{"question": "Qui ?", "document": null, "tier": 1}', 'line 2: "tier" must be a string'),
        (' { "document": null, "question":"QUI  paie ?"}', "line 2: asks the same as line 1"),
    ],
)
def test_a_line_that_is_wrong_is_refused_by_its_number(
    tmp_path: Path, line: str, reason: str
) -> None:
    said = refusal(written(tmp_path, '{"question": "Qui paie ?", "document": "a.md"}', line))
    assert reason in said
    assert "questions.jsonl" in said


def test_all_mistakes_are_told_at_once_the_first_ten_in_full(tmp_path: Path) -> None:
    said = refusal(written(tmp_path, *["{"] * 12))
    assert "line 1:" in said
    assert "line 10:" in said
    assert "line 11:" not in said
    assert said.endswith("and 2 more")


def test_the_same_question_of_another_person_is_another_question(tmp_path: Path) -> None:
    one = {"question": "Qui paie ?", "document": "a.md"}
    file = written(tmp_path, json.dumps(one), json.dumps(one | {"groups": ["agents"]}))
    assert len({asked.key for asked in questions.read(file)}) == 2


def test_a_file_without_a_question_is_refused(tmp_path: Path) -> None:
    assert "has no question" in refusal(written(tmp_path, "", "  "))


def test_what_is_no_text_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "image.png").write_bytes(b"\x89PNG\xff\xfe")
    assert "is not UTF-8 text" in refusal(tmp_path / "image.png")
    assert "is a folder" in refusal(tmp_path)
    assert "there is no such file" in refusal(tmp_path / "missing.jsonl")


def test_a_document_that_is_not_there_is_named_with_the_nearest_name(tmp_path: Path) -> None:
    file = written(tmp_path, '{"question": "Qui ?", "document": "guides/loyers.md"}')
    with pytest.raises(Trouble, match=r"line 1: no document 'guides/loyers.md' here: did you mean"):
        questions.check_documents(file, questions.read(file), {"guides/loyer.md", "x.md"})
