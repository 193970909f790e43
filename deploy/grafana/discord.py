"""Discord: are bots there, do they answer, and does Discord let them?"""

from deploy.grafana import objectives
from deploy.grafana.common import dashboard, of
from deploy.grafana.panels import (
    Limits,
    Query,
    Row,
    lines,
    number,
    quantiles,
    rate,
    stack,
)

_BOTS = of("discord")


def _most(metric: str) -> tuple[Query, ...]:
    """Of all replicas: one has the bot, the others stand by."""
    return (Query(f"max by (bot) ({metric}{{{_BOTS}}})", "{{bot}}"),)


THERE = Row(
    "Are bots there?",
    (
        number(
            "Connected", "none",
            "1 while a replica has the bot on Discord. 0 answers nobody: look at the log of"
            " discord, and at status.discord.com.",
            _most("palabre_discord_connected"), width=8, limits=objectives.GONE,
            runbook="discorddisconnected",
        ),
        number(
            "Reduced", "none",
            "1 while the bot may not read what people write: the intent “Message Content” is off in"
            " Discord's developer portal.",
            _most("palabre_discord_reduced"), width=8, limits=objectives.ANY,
            runbook="discordreduced",
        ),
        number(
            "Replicas that stand by", "none",
            "How many take over within 15 s where the one that has the bot dies. 0 is none.",
            (Query(f"sum by (bot) (palabre_discord_standby{{{_BOTS}}})", "{{bot}}"),), width=8,
            runbook="discordbotabandoned",
        ),
    ),
)  # fmt: skip

ANSWERS = Row(
    "Do they answer, and in time?",
    (
        stack(
            "Messages", "ops",
            "What people wrote where a bot looks: asked, or why it said nothing.",
            (Query(rate("palabre_discord_messages_total", _BOTS, "outcome"), "{{outcome}}"),),
        ),
        stack(
            "Questions", "ops",
            "How questions ended on Discord.",
            (Query(rate("palabre_discord_turns_total", _BOTS, "outcome"), "{{outcome}}"),),
            leads="palabre-people",
        ),
        lines(
            "Until our message stood below", "s",
            "From the time that Discord gave the question to our message. Minutes are questions"
            " that a restart found.",
            quantiles("palabre_discord_placeholder_seconds", _BOTS, "bot"),
            exemplars=True, limits=Limits(warn=1, bad=5), leads="palabre-turn",
        ),
        lines(
            "First answer to a command", "s",
            "Discord awaits it for three seconds, and then tells that the bot does not answer.",
            quantiles("palabre_discord_first_answer_seconds", _BOTS, "bot"),
            limits=Limits(warn=1, bad=3),
        ),
        stack(
            "Commands", "ops",
            "By what became of them; `late` and `failed` were seen by somebody.",
            (Query(rate("palabre_discord_commands_total", _BOTS, "command, outcome"),
                   "{{command}}: {{outcome}}"),),
            rare=True,
        ),
        stack(
            "Buttons, summaries, solved posts", "ops",
            "What people did with answers.",
            (Query(rate("palabre_discord_clicks_total", _BOTS, "action, outcome"),
                   "{{action}}: {{outcome}}"),
             Query(rate("palabre_discord_summaries_total", _BOTS, "outcome"),
                   "summary: {{outcome}}"),
             Query(rate("palabre_discord_solved_total", _BOTS, "outcome"), "solved: {{outcome}}")),
            rare=True,
        ),
    ),
)  # fmt: skip

LIMITS = Row(
    "Does Discord let them?",
    (
        lines(
            "Edits", "ops",
            "Edits of answers while they grow. Discord allows about one a second for each channel.",
            (Query(rate("palabre_discord_edits_total", _BOTS, "bot"), "{{bot}}"),),
            width=6,
        ),
        lines(
            "Calls made again", "ops",
            "By the reason: its limits, its faults, the network.",
            (Query(rate("palabre_discord_retries_total", _BOTS, "reason"), "{{reason}}"),),
            width=6, rare=True,
        ),
        lines(
            "Permissions that lack", "ops",
            "Answers that could not be shown. Somebody who runs that server must give it"
            " (`palabre discord check` tells where).",
            (Query(rate("palabre_discord_refusals_total", _BOTS, "permission"), "{{permission}}"),),
            width=6, rare=True, limits=objectives.ANY, runbook="discordrefused",
        ),
        lines(
            "Faults of ours", "ops",
            "Work that ended with an error, by its name: each is a line in the log.",
            (Query(rate("palabre_discord_faults_total", _BOTS, "work"), "{{work}}"),),
            width=6, rare=True, limits=objectives.ANY, runbook="discordfaults",
        ),
    ),
)  # fmt: skip

DISCORD = dashboard(
    "discord", "Are bots there, and do they answer?", THERE, ANSWERS, LIMITS, works=False
)
