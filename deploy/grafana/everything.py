"""All dashboards; `python -m deploy.generate` writes them to dashboards/."""

from pathlib import Path

from deploy.grafana import discord, french, gpu, nats, people, rendering, services, turn

FOLDER = Path("deploy/grafana/dashboards")
DASHBOARDS = (
    people.PEOPLE,
    french.translated(people.PEOPLE),
    services.GATEWAY,
    services.RETRIEVER,
    services.LLM,
    services.TTS,
    discord.DISCORD,
    nats.NATS,
    gpu.GPU,
    turn.TURN,
)


def files() -> dict[Path, str]:
    """What each file has to say."""
    return {FOLDER / f"{each.uid}.json": rendering.rendered(each) for each in DASHBOARDS}
