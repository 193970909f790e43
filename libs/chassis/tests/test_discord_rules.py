"""What a space may say of Discord."""

from typing import Any

import pytest

from palabre.chassis import spaces
from palabre.chassis.spaces import InvalidSpace, Space

SERVER, FORUM = "123456789012345678", "223456789012345678"


def space(discord: dict[str, Any]) -> Space:
    persona = {"name": "Camille", "identity": {"fr": "Camille."}}
    return spaces.parse(
        {
            "schema": 1,
            "name": "Habitat",
            "languages": ["fr"],
            "default_persona": "camille",
            "greeting": {"fr": "Bonjour."},
            "personas": {"camille": persona},
            "discord": discord,
        }
    )


def test_a_forum_is_found_by_its_id() -> None:
    rules = space({"servers": [SERVER], "forums": [{"channel": FORUM, "address": "tu"}]}).discord
    found = rules.forum(int(FORUM))
    assert found
    assert found.address == "tu"
    assert rules.forum(1) is None
    assert rules.forum(None) is None


def test_a_space_comes_back_from_the_bucket_as_it_was() -> None:
    tags = {"sans-bot": {"answer": "never"}}
    made = space({"servers": [SERVER], "forums": [{"channel": FORUM, "tags": tags}]})
    assert spaces.from_json(made.to_json()) == made


@pytest.mark.parametrize(
    ("discord", "said"),
    [
        ({"bots": {"hugo": "hugo"}}, "discord.bots.hugo: no persona 'hugo'"),
        ({"forums": [{"channel": FORUM, "persona": "hugo"}]}, "forums.0.persona: no persona"),
        (
            {"forums": [{"channel": FORUM, "tags": {"x": {"persona": "hugo"}}}]},
            "forums.0.tags.x.persona: no persona",
        ),
        ({"forums": [{"channel": FORUM, "model": "gpt"}]}, "not among discord.models"),
        ({"forums": [{"channel": FORUM, "index_solved": True}]}, "needs solved_tag"),
        ({"elsewhere": {"model": "gpt"}}, "not among discord.models"),
        ({"servers": ["Habitat"]}, "discord.servers.0"),
        ({"forum": []}, "no such key"),
    ],
)
def test_what_cannot_be_is_said_with_its_key(discord: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidSpace, match=said):
        space(discord)
