"""For whoever answers for the service: are answers good, quick and paid for?"""

from deploy.grafana import objectives
from deploy.grafana.panels import (
    Dashboard,
    Limits,
    Panel,
    Query,
    Row,
    Variable,
    bars,
    increase,
    lines,
    number,
    quantile,
    quantiles,
    rate,
    share,
    stack,
)

TURN = 'space=~"$space", channel=~"$channel"'
SPACE = 'space=~"$space"'
CHANNEL = 'channel=~"$channel"'
_ENDED = f'{TURN}, outcome!="cancelled"'
_ANSWERED = f'{TURN}, outcome!~"cancelled|failed"'

VARIABLES = (
    Variable("space", "Space", "label_values(palabre_turns_received_total, space)"),
    Variable("channel", "Channel", "label_values(palabre_turns_received_total, channel)"),
)


def _outcome(names: str) -> str:
    return increase("palabre_turns_total", f'{TURN}, outcome=~"{names}"')


def _verdicts(names: str) -> str:
    return increase("palabre_feedback_total", f'{SPACE}, verdict=~"{names}"')


def _over_range(metric: str) -> tuple[Query, ...]:
    return (Query(quantile(0.95, metric, CHANNEL, over="$__range")),)


GLANCE = Row(
    "At a glance",
    (
        number(
            "Answered", "percentunit",
            "Of the questions that were not withdrawn, those that got an answer: from the"
            " knowledge, “I do not know”, or a refusal with its reason. Below the objective people"
            " are left without any word of use.",
            (Query(share(increase("palabre_turns_total", _ANSWERED),
                         increase("palabre_turns_total", _ENDED))),),
            limits=objectives.ANSWERED, leads="palabre-llm", runbook="errorbudgetburnsfast",
        ),
        number(
            "Does not know", "percentunit",
            "Of the answers, those that say that the knowledge has nothing. Much of it means that"
            " documents are missing, or that people ask about something else.",
            (Query(share(_outcome("no_knowledge"),
                         increase("palabre_turns_total", _ANSWERED))),),
            limits=Limits(warn=0.2, bad=0.4), leads="palabre-retriever",
        ),
        number(
            "First word, p95", "s",
            "Nineteen out of twenty answers began to show within this time.",
            _over_range("palabre_turn_first_token_seconds"),
            limits=objectives.FIRST_TOKEN, leads="palabre-turn",
        ),
        number(
            "First sound, p95", "s",
            "Nineteen out of twenty spoken answers began to be heard within this time.",
            _over_range("palabre_turn_first_audio_seconds"),
            limits=objectives.FIRST_AUDIO, leads="palabre-tts",
        ),
        number(
            "Found helpful", "percentunit",
            "Of the verdicts that people gave by the buttons below answers, the good ones.",
            (Query(share(_verdicts("good"), _verdicts("good|bad"))),),
            limits=Limits(warn=0.8, bad=0.6),
        ),
        number(
            "Cost", "none",
            "What models and voices cost in the time that is shown, in each of its currencies.",
            (Query(increase("palabre_cost_total", TURN, "currency"), "{{currency}}"),),
        ),
    ),
)  # fmt: skip

PROMISES = Row(
    "Are promises kept?",
    (
        lines(
            "How fast the budgets of errors burn", "none",
            "At 1 the errors of the last hour, kept up, would use up a month's budget in a month;"
            " at 14.4 in two days, and somebody is called.",
            (Query("slo:palabre_errors:ratio_rate1h / on (slo) (1 - slo:palabre_objective:ratio)",
                   "{{slo}}"),),
            width=12, limits=objectives.BURN, runbook="errorbudgetburnsfast",
        ),
        lines(
            "Alerts that fire", "short",
            "Each has a section in the page for operators, under its name.",
            (Query('sum by (alertname, severity) (ALERTS{alertstate="firing"})',
                   "{{alertname}} ({{severity}})"),),
            width=12, rare=True, runbook="on-each-alert",
        ),
    ),
)  # fmt: skip

GOOD = Row(
    "Are answers good?",
    (
        stack(
            "How questions end", "reqps",
            "Answers by their kind, and what was cancelled or failed. A growing share of failures"
            " is bad; the next panel has their reasons.",
            (Query(rate("palabre_turns_total", TURN, "outcome"), "{{outcome}}"),),
        ),
        stack(
            "Why questions fail", "reqps",
            "Reasons of turns that ended without an answer: late, the model gone, a space that is"
            " set up wrongly.",
            (Query(rate("palabre_turn_failures_total", TURN, "reason"), "{{reason}}"),),
            rare=True, leads="palabre-llm",
        ),
        lines(
            "Does not know, by space", "percentunit",
            "The share of answers in which the knowledge had nothing. A step upwards after"
            " documents were changed means that something was lost.",
            (Query(share(rate("palabre_turns_total", f'{TURN}, outcome="no_knowledge"', "space"),
                         rate("palabre_turns_total", _ANSWERED, "space")), "{{space}}"),),
            limits=Limits(warn=0.2, bad=0.4), leads="palabre-retriever",
        ),
        bars(
            "Verdicts", "short",
            "What people said of answers by the buttons below them, by hour.",
            (Query(increase("palabre_feedback_total", SPACE, "verdict", "1h"), "{{verdict}}"),),
            step="1h", rare=True,
        ),
        lines(
            "Citations taken out", "percentunit",
            "Of the passages that models cited, those that do not exist or do not say so, and were"
            " taken out before anybody saw them. Much of it means that the model is too weak.",
            (Query(share(rate("palabre_citations_total", 'verdict!="cited"'),
                         rate("palabre_citations_total")), "taken out"),),
            limits=Limits(warn=0.1, bad=0.3), leads="palabre-llm",
        ),
        lines(
            "Refused", "reqps",
            "Questions that the rules of the space do not let be answered; each got a reason.",
            (Query(rate("palabre_turns_total", f'{TURN}, outcome="refused"', "space"),
                   "{{space}}"),),
            rare=True,
        ),
    ),
)  # fmt: skip


def _waiting(title: str, metric: str, description: str, limits: Limits | None) -> Panel:
    return lines(
        title, "s", description, quantiles(metric, CHANNEL, "channel"),
        limits=limits, exemplars=True, leads="palabre-turn",
    )  # fmt: skip


QUICK = Row(
    "Are they quick?",
    (
        _waiting(
            "First word", "palabre_turn_first_token_seconds",
            "From a question's admission to the first piece of its answer. Dots are single turns:"
            " one leads to its trace.",
            objectives.FIRST_TOKEN,
        ),
        _waiting(
            "First sound", "palabre_turn_first_audio_seconds",
            "From a question's admission to the first sound that was given to a listener.",
            objectives.FIRST_AUDIO,
        ),
        _waiting(
            "Whole answer", "palabre_turn_seconds",
            "From a question's admission to the end of its answer, or to its failure. Long answers"
            " take long; the first word is what people wait for.",
            None,
        ),
        lines(
            "Gaps in a minute of sound", "short",
            "How often a listener's sound ran out before more came. More than one in a minute is"
            " heard as stuttering.",
            (Query(f"channel:palabre_voice_gaps:per_minute_rate5m{{{CHANNEL}}}", "{{channel}}"),),
            width=12, limits=objectives.GAPS, leads="palabre-tts", runbook="voicegaps",
        ),
        lines(
            "Sound given", "short",
            "Seconds of speech in a second: how many listen at once.",
            (Query(rate("palabre_voice_seconds_total", CHANNEL, "channel"), "{{channel}}"),),
            width=12,
        ),
    ),
)  # fmt: skip

PAID = Row(
    "Are they paid for?",
    (
        bars(
            "Cost by space and day", "none",
            "What the calls of a day cost, each counted once, in the currency of its price.",
            (Query(f"space_currency:palabre_cost:increase1d{{{SPACE}}}",
                   "{{space}} {{currency}}"),),
            step="1d", width=12,
        ),
        stack(
            "Cost of an hour, by model", "none",
            "What an hour would cost at the pace of now.",
            (Query("3600 * " + rate("palabre_engine_cost_total", "", "engine, model, currency"),
                   "{{engine}} {{model}} {{currency}}"),),
            width=12, leads="palabre-llm",
        ),
        lines(
            "Budgets reached", "short",
            "Turns of the last hour that met a spent budget, by what became of them. Somebody then"
            " gets a cheaper model, or no answer: raise the budget or wait for its next day.",
            (Query(increase("palabre_budgets_reached_total", SPACE, "space, limit, outcome", "1h"),
                   "{{space}} {{limit}}: {{outcome}}"),),
            rare=True, runbook="budgetreached",
        ),
        lines(
            "Calls without a price", "short",
            "Calls of the last hour that no price is known for: no cost above has them.",
            (Query(increase("palabre_calls_unpriced_total", SPACE, "space", over="1h"),
                   "{{space}}"),),
            rare=True, runbook="costunknown",
        ),
        lines(
            "Tokens", "short",
            "Tokens in a second, by kind: what most of the cost comes from.",
            (Query(rate("palabre_engine_tokens_total", "", "kind"), "{{kind}}"),),
            leads="palabre-llm",
        ),
    ),
)  # fmt: skip

WHERE = Row(
    "Where do people ask?",
    (
        stack(
            "Questions by channel", "reqps",
            "What was admitted, wherever it was asked.",
            (Query(rate("palabre_turns_received_total", TURN, "channel"), "{{channel}}"),),
        ),
        stack(
            "Questions by space", "reqps",
            "What was admitted, by whose knowledge it asks.",
            (Query(rate("palabre_turns_received_total", TURN, "space"), "{{space}}"),),
        ),
        lines(
            "Requests turned away", "reqps",
            "Requests that may be made again later: too many at once, over a quota, a conversation"
            " that is still being answered.",
            (Query(rate("palabre_http_refusals_total", "", "reason"), "{{reason}}"),),
            rare=True, leads="palabre-gateway",
        ),
    ),
)  # fmt: skip

PEOPLE = Dashboard(
    "palabre-people",
    "Palabre: people",
    "Are answers good, quick and paid for?",
    (GLANCE, PROMISES, GOOD, QUICK, PAID, WHERE),
    VARIABLES,
    since="now-24h",
)
