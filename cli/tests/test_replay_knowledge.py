import datetime as dt

import pytest

from palabre.cli.replay.knowledge import Knowledge
from palabre.cli.server import Trouble


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("2026-11-20", dt.datetime(2026, 11, 20, tzinfo=dt.UTC)),
        ("2026-11-20T14:30", dt.datetime(2026, 11, 20, 14, 30, tzinfo=dt.UTC)),
        ("2026-11-20T14:30+01:00", dt.datetime(2026, 11, 20, 13, 30, tzinfo=dt.UTC)),
    ],
)
def test_a_time_is_utc_where_it_names_no_other(said: str, at: dt.datetime) -> None:
    assert Knowledge.of([said]).at == at


def test_documents_have_their_versions_whatever_their_names_are() -> None:
    wanted = Knowledge.of(["b@c/guide.md@abcd", "2026-11-20", "a.md@1234"])
    assert wanted.versions == {"b@c/guide.md": "abcd", "a.md": "1234"}
    assert wanted.name == "2026-11-20T00:00:00+00:00 a.md@1234 b@c/guide.md@abcd"
    assert wanted.is_past


def test_what_was_found_then_and_what_is_there_now_need_no_building() -> None:
    assert Knowledge.of(["recorded"]).name == "recorded"
    assert Knowledge.of([]).name == ""
    assert not Knowledge.of(["recorded"]).is_past
    assert not Knowledge.of([]).is_past


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        (["hier"], "say recorded, a time"),
        (["recorded", "2026-11-20"], "stands alone"),
        (["2026-11-20", "2026-11-21"], "takes one time"),
        (["a.md@1234", "a.md@abcd"], "one version of a document"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_advice(said: list[str], advice: str) -> None:
    with pytest.raises(Trouble, match=advice):
        Knowledge.of(said)
