"""A space that is pulled reads as it was."""

import tomllib
from pathlib import Path

from palabre.chassis import directory, spaces, toml_text

DEMO = Path("spaces/logement")


def test_the_demo_space_written_as_files_is_the_same_space(tmp_path: Path) -> None:
    space = spaces.read_folder(DEMO.resolve())
    folder = tmp_path / "logement"
    for name, text in toml_text.files(directory.plain(space)).items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert spaces.read_folder(folder) == space


def test_quotes_newlines_and_tables_survive() -> None:
    values = {
        "a": 'dit « "oui" »\nà\tla fin \\',
        "n": 3,
        "yes": True,
        "t": {"u": {"v": ["x", "y"]}},
    }
    assert tomllib.loads(toml_text.text(values)) == values


def test_names_that_toml_does_not_take_bare_are_quoted() -> None:
    values = {"prices": {"llama3.2@ollama": {"input": 0.0}}, "rates": {"USD": 0.9}}
    assert tomllib.loads(toml_text.text(values)) == values


def test_tables_in_a_list_are_written_one_after_the_other_as_people_write_them() -> None:
    forum = {"channel": "1", "tags": {"à part": {"answer": "never"}}, "answer": "once"}
    values = {"discord": {"forums": [forum, {"channel": "2"}], "servers": []}}
    written = toml_text.text(values)
    assert tomllib.loads(written) == values
    assert written.count("[[discord.forums]]") == 2
