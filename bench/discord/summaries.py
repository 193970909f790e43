"""python -m bench.discord.summaries [--messages 2000] [--ttft 300]: /resume of a long channel.

The service is a process of its own with a probe in its event loop, on the stand-in of Discord with
Discord's rate limits; llm is the real one, with a model that needs 300 ms for each call and says
some of the messages again. Exits with 1 when it takes more than 30 s, when a point has no link to a
message that exists, or when the loop stood still for more than 50 ms.
"""

import argparse
import asyncio
import re
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.discord.serving import service, told
from palabre.chassis.testing import NatsServer
from tests.integration import llm_service
from tests.integration.discord_service import Community
from tests.standins.discord import Discord, Interaction, Message
from tests.standins.model import Model

MOST_S, STILL_MS = 30.0, 50
WHAT = ("L'ascenseur", "La chaudière", "L'interphone", "Le portail", "La lumière", "La cave")
WHERE = ("du hall", "du bâtiment A", "du bâtiment B", "du parking", "de la cour")
STATE = (
    "est encore en panne depuis lundi {n}, et personne ne répond au numéro d'urgence",
    "sera réparé le {n} mars entre 12 h et 14 h, le gardien l'a confirmé ce matin",
    "coûte {n} euros de plus cette année, et le devis n'a pas été voté en réunion",
    "fait un bruit qui réveille {n} locataires, la plainte est partie à l'agence",
)


def writes(request: dict[str, Any]) -> Any:
    """Some of what is numbered is said again."""
    prompt = str(request["messages"][-1]["content"])
    numbered = re.findall(r"^\[(\d+)\] (.+)$", prompt, re.M)
    some = numbered[:: max(1, len(numbered) // 12)]
    points = [(text.rpartition(" : ")[2], int(number)) for number, text in some]
    return {"points": [{"text": text, "sources": [number]} for text, number in points]}


async def bench(messages: int, ttft: int) -> int:
    model = Model(writes=writes)
    with tempfile.TemporaryDirectory() as folder:
        async with NatsServer(Path(folder)) as nats, Discord().serving() as discord:
            community = Community(discord)
            said = talk(community, messages)
            space = community.space()
            await nats.apply("demo", space)
            async with (
                model.serving() as url,
                llm_service.serving(
                    nats, {"demo": space}, llm_base_url=url, llm_model=f"mock-json-ttft{ttft}"
                ) as address,
                service(nats, discord, PALABRE_LLM_ADDRESS=address) as process,
            ):
                await discord.until(lambda: len(community.bot.commands) >= 8, 30)
                await asyncio.sleep(2)
                process.send_signal(signal.SIGUSR1)
                begun = time.monotonic()
                asked = await summed_up(community, messages)
                took = time.monotonic() - begun
                probe = await told(process)
            return report(discord, asked, said, model, took, probe)


def talk(community: Community, messages: int) -> set[int]:
    people = [community.server.person(f"personne{n}") for n in range(50)]
    now = community.discord.clock.now()
    return {
        people[n % 50].said(community.general, sentence(n), at=now - messages + n).id
        for n in range(messages)
    }


def sentence(n: int) -> str:
    what, where, state = WHAT[n % 6], WHERE[n % 5], STATE[n % 4].format(n=n)
    return f"{what} {where} {state} ; quelqu'un en sait-il davantage, ou faut-il attendre ?"


async def summed_up(community: Community, messages: int) -> Interaction:
    asked = await community.server.owner.command(
        community.bot, "resume", community.general, messages=messages
    )
    await community.discord.until(lambda: asked.answers and "Résumé" in asked.answers[0].shown, 120)
    return asked


def report(
    discord: Discord,
    asked: Interaction,
    said: set[int],
    model: Model,
    took: float,
    probe: dict[str, float],
) -> int:
    first: Message = asked.answers[0]
    text = "\n".join(answer.shown for answer in asked.answers)
    points = re.findall(r"^• .*$", text, re.M)
    linked = [re.findall(r"/channels/\d+/\d+/(\d+)\)", point) for point in points]
    wrong = [ids for ids in linked if not ids or not {int(id_) for id_ in ids} <= said]
    edits = len(first.versions) - 1
    limited = sum(call.status == 429 for call in discord.calls)
    pages = len(discord.calls_of("GET", f"{first.channel.id}/messages"))
    print(
        f"messages          {len(said)}, in {pages} pages; {model.asked.total()} calls of a model"
    )
    print(f"to the summary    {took:.1f} s")
    print(f"points            {len(points)}, {len(wrong)} without a link to what exists")
    print(f"shown             in {len(asked.answers)} messages, the first edited {edits} times")
    print(f"refused           {limited} calls for their rate")
    print(f"event loop late   {probe['longest_ms']:.0f} ms at most")
    print(f"CPU               {probe['cpu_s']:.1f} s, the start included")
    failed = took > MOST_S or wrong or not points or probe["longest_ms"] > STILL_MS
    return 1 if failed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--ttft", type=int, default=300, help="milliseconds")
    options = parser.parse_args()
    sys.exit(asyncio.run(bench(options.messages, options.ttft)))
