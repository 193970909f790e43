"""The folder of Edge's shards says the same after a crash at any moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from palabre.retriever.index.generation import Generation, State
from palabre.retriever.index.shard_files import ShardFiles

FIRST, SECOND = Generation("demo", 1), Generation("demo", 2)


@contextmanager
def opened(folder: Path) -> Iterator[ShardFiles]:
    files = ShardFiles(folder)
    files.open()
    yield files
    files.close()


def make(files: ShardFiles, generation: Generation) -> None:
    files.begun(generation)
    files.finished(generation)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_was_made_and_serves_is_known_again(tmp_path: Path) -> None:
    with opened(tmp_path) as files:
        make(files, FIRST)
        files.serve(FIRST)
        make(files, SECOND)
    with opened(tmp_path) as files:
        assert files.states() == {"demo": State(FIRST, (SECOND,))}
        files.serve(SECOND)
    with opened(tmp_path) as files:
        assert files.states() == {"demo": State(SECOND, (FIRST,))}


def test_a_generation_whose_making_was_broken_off_is_cleared_away_and_made_again(
    tmp_path: Path,
) -> None:
    with opened(tmp_path) as files:
        (files.begun(FIRST) / "half").touch()
    with opened(tmp_path) as files:
        assert files.states() == {}
        (files.begun(FIRST) / "half").touch()
        make(files, FIRST)
        assert names(files.folder(FIRST)) == set()
    assert f"{FIRST.name}.new" not in names(tmp_path)


def test_what_is_dropped_leaves_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as files:
        make(files, FIRST)
        files.serve(FIRST)
        files.drop(FIRST)
        assert files.states() == {}
    assert names(tmp_path) == {"lock", "serving.json"}


def test_a_space_whose_pointer_leads_nowhere_is_served_by_its_oldest(tmp_path: Path) -> None:
    with opened(tmp_path) as files:
        make(files, FIRST)
        make(files, SECOND)
    (tmp_path / "serving.json").write_text('{"demo": "demo.9-00000000"}', encoding="utf-8")
    with opened(tmp_path) as files:
        assert files.states() == {"demo": State(FIRST, (SECOND,))}
