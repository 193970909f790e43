"""The commented example of the demo space, as somebody has it who takes the marks away."""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from palabre.chassis import spaces
from palabre.chassis.discord_rules import Discord

DEMO = Path("spaces/logement")
BEGINS = "# [channels.discord]"


def uncommented() -> str:
    text = (DEMO / "space.toml").read_text(encoding="utf-8")
    before, _, example = text.partition(BEGINS)
    lines = f"{BEGINS}{example}".splitlines()
    return before + "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines)


def keys(model: type[BaseModel]) -> set[str]:
    return set(model.model_fields)


def test_it_is_valid_with_the_demo_spaces_personas() -> None:
    personas = {
        file.stem: tomllib.loads(file.read_text(encoding="utf-8"))
        for file in (DEMO / "personas").glob("*.toml")
    }
    space = spaces.parse(tomllib.loads(uncommented()) | {"personas": personas})
    assert space.channels["discord"].enabled
    assert space.discord.servers


def test_it_shows_every_key_that_there_is() -> None:
    told: dict[str, Any] = tomllib.loads(uncommented())["discord"]
    rules = Discord.model_validate(told)
    forum = rules.forums[0]
    assert rules.model_fields_set == keys(Discord)
    for each in (forum, rules.elsewhere, rules.summaries):
        assert each.model_fields_set == keys(type(each))
    shown = {key for tag in forum.tags.values() for key in tag.model_fields_set}
    assert shown == keys(type(next(iter(forum.tags.values()))))
