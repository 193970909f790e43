"""What is counted of Discord; nothing of it names a person or says their words."""

from prometheus_client import Counter, Gauge, Histogram

MESSAGES = Counter(
    "palabre_discord_messages_total",
    "Messages of people that a bot saw: asked, or the reason why it said nothing",
    ["bot", "outcome"],
)
TURNS = Counter(
    "palabre_discord_turns_total", "Questions that have ended, by outcome", ["bot", "outcome"]
)
EDITS = Counter("palabre_discord_edits_total", "Edits of answers that were shown", ["bot"])
RETRIES = Counter(
    "palabre_discord_retries_total", "Calls of Discord that were made again", ["bot", "reason"]
)
REFUSALS = Counter(
    "palabre_discord_refusals_total",
    "Answers that could not be shown for want of a permission",
    ["bot", "permission"],
)
CLICKS = Counter(
    "palabre_discord_clicks_total",
    "Clicks on buttons below answers, by what they do and what came of them",
    ["bot", "action", "outcome"],
)
PLACEHOLDER = Histogram(
    "palabre_discord_placeholder_seconds",
    "From the question's own time to our message below it",
    ["bot"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600),
)
COMMANDS = Counter(
    "palabre_discord_commands_total",
    "Commands, completions and their buttons: answered, busy, double, late, unavailable or failed",
    ["bot", "command", "outcome"],
)
FIRST_ANSWER = Histogram(
    "palabre_discord_first_answer_seconds",
    "From a command's own time to our first answer, which Discord awaits for three",
    ["bot"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 3),
)
SUMMARIES = Counter(
    "palabre_discord_summaries_total",
    "Summaries that were asked for: private, public, direct, declined, or lost",
    ["bot", "outcome"],
)
CONNECTED = Gauge("palabre_discord_connected", "1 while the bot is on the gateway", ["bot"])
REDUCED = Gauge(
    "palabre_discord_reduced", "1 while the bot may not read what people write", ["bot"]
)
STANDBY = Gauge("palabre_discord_standby", "1 while another replica runs the bot", ["bot"])
FAULTS = Counter(
    "palabre_discord_faults_total", "Work that ended with an error of ours, by its name", ["work"]
)
SOLVED = Counter(
    "palabre_discord_solved_total",
    "Solved posts: marked, undone, indexed, removed from the index, and suggested",
    ["bot", "outcome"],
)
