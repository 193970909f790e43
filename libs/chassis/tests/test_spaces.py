"""Spaces: read from files, applied three ways, followed live."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.js.kv import KeyValue

from palabre.chassis import directory, spaces
from palabre.chassis.bus import Bus
from palabre.chassis.directory import LiveEdit, Spaces
from palabre.chassis.spaces import InvalidSpace, Space, UnknownSpace
from palabre.chassis.testing import NatsServer

SPACE = """
schema = 1
name = "Démo"
languages = ["fr", "en"]
default_persona = "ada"
greeting = {fr = "Bonjour", en = "Hello"}
"""
PERSONA = """
name = "Ada"
identity = {fr = "Vous êtes Ada."}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "demo"
    (folder / "personas").mkdir(parents=True)
    (folder / "space.toml").write_text(SPACE, encoding="utf-8")
    (folder / "personas" / "ada.toml").write_text(PERSONA, encoding="utf-8")
    return folder


@pytest.fixture
async def bucket(server: NatsServer) -> AsyncIterator[KeyValue]:
    bus = await server.bus("operator")
    yield await bus.js.key_value("spaces")
    await bus.close()


def renamed(space: Space, name: str) -> Space:
    return space.model_copy(update={"name": name})


def test_a_folder_is_read_with_its_personas(folder: Path) -> None:
    space = spaces.read_folder(folder)
    assert (space.name, space.persona().name) == ("Démo", "Ada")


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("space.toml", SPACE + "colour = 1\n", "space.toml: colour: no such key"),
        ("space.toml", SPACE.replace("schema = 1\n", ""), "space.toml: schema: is missing"),
        ("space.toml", "name = ", "space.toml: is not valid TOML"),
        ("space.toml", SPACE.replace('"ada"', '"bob"'), "no persona 'bob' (there are: ada)"),
        ("personas/ada.toml", PERSONA + "tempo = 3\n", "personas/ada.toml: tempo: no such key"),
        (
            "personas/ada.toml",
            PERSONA + "[voice]\npitch = 120\n",
            "personas/ada.toml: voice.pitch: Input should be less than or equal to 99",
        ),
    ],
)
def test_a_mistake_is_named_with_file_key_and_remedy(
    folder: Path, file: str, text: str, complaint: str
) -> None:
    (folder / file).write_text(text, encoding="utf-8")
    with pytest.raises(InvalidSpace) as caught:
        spaces.read_folder(folder)
    assert complaint in str(caught.value)


def test_a_folder_without_space_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpace, match=r"space\.toml: is missing"):
        spaces.read_folder(tmp_path.parent / "empty")


def test_spaces_come_in_their_order_and_then_by_name(folder: Path) -> None:
    space = spaces.read_folder(folder)
    later = space.model_copy(update={"order": 1})
    assert list(Spaces({"a": later, "c": space, "b": space}).all()) == ["b", "c", "a"]


async def test_an_applied_space_is_live_within_a_refresh(
    folder: Path, bucket: KeyValue, llm: Bus
) -> None:
    live = Spaces()
    with pytest.raises(UnknownSpace):
        live.get("demo")
    assert await directory.apply(bucket, "demo", spaces.read_folder(folder))
    await live.refresh(llm)
    assert live.get("demo").name == "Démo"


async def test_applying_the_same_files_again_changes_nothing(
    folder: Path, bucket: KeyValue
) -> None:
    space = spaces.read_folder(folder)
    await directory.apply(bucket, "demo", space)
    assert not await directory.apply(bucket, "demo", space)


async def test_a_live_edit_survives_an_apply_of_unchanged_files(
    folder: Path, bucket: KeyValue
) -> None:
    space = spaces.read_folder(folder)
    await directory.apply(bucket, "demo", space)
    await directory.edit(bucket, "demo", renamed(space, "Live"), "renamed")
    assert not await directory.apply(bucket, "demo", space)
    found = await directory.current(bucket, "demo")
    assert found
    assert found.space.name == "Live"


async def test_changes_of_different_keys_are_merged(folder: Path, bucket: KeyValue) -> None:
    space = spaces.read_folder(folder)
    await directory.apply(bucket, "demo", space)
    await directory.edit(bucket, "demo", renamed(space, "Live"), "renamed")
    (folder / "space.toml").write_text(SPACE.replace("Hello", "Hi"), encoding="utf-8")
    assert await directory.apply(bucket, "demo", spaces.read_folder(folder))
    found = await directory.current(bucket, "demo")
    assert found
    assert (found.space.name, found.space.greeting["en"]) == ("Live", "Hi")


async def test_changes_of_the_same_key_are_refused_unless_forced(
    folder: Path, bucket: KeyValue
) -> None:
    space = spaces.read_folder(folder)
    await directory.apply(bucket, "demo", space)
    await directory.edit(bucket, "demo", renamed(space, "Live"), "renamed")
    with pytest.raises(LiveEdit, match="name"):
        await directory.apply(bucket, "demo", renamed(space, "Files"))
    assert await directory.apply(bucket, "demo", renamed(space, "Files"), force=True)
    found = await directory.current(bucket, "demo")
    assert found
    assert found.space.name == "Files"


async def test_a_rollback_brings_an_old_revision_back_as_a_new_one(
    folder: Path, bucket: KeyValue
) -> None:
    space = spaces.read_folder(folder)
    await directory.apply(bucket, "demo", space)
    await directory.edit(bucket, "demo", renamed(space, "Live"), "renamed")
    first, _ = await directory.history(bucket, "demo")
    await directory.rollback(bucket, "demo", first.number)
    revisions = await directory.history(bucket, "demo")
    assert [r.space.name for r in revisions] == ["Démo", "Live", "Démo"]


async def test_two_people_who_change_a_space_at_once_do_not_overwrite_each_other(
    folder: Path, bucket: KeyValue
) -> None:
    space = spaces.read_folder(folder)
    await directory.apply(bucket, "demo", space)
    edits = [directory.edit(bucket, "demo", renamed(space, name), name) for name in "ab"]
    results = await asyncio.gather(*edits, return_exceptions=True)
    assert [type(r) for r in results if r].count(LiveEdit) <= 1
    assert len(await directory.history(bucket, "demo")) == 3 - sum(bool(r) for r in results)


def test_differences_name_the_key_and_both_values() -> None:
    old, new = {"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}
    assert directory.differences(old, new) == [("a.c", 2, 3)]
