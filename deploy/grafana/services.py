"""One dashboard for each service that takes part in a turn."""

from deploy.grafana import objectives
from deploy.grafana.common import dashboard, of
from deploy.grafana.panels import (
    Limits,
    Query,
    Row,
    lines,
    mean,
    quantile,
    quantiles,
    rate,
    share,
    stack,
)

_GATEWAY, _RETRIEVER, _LLM, _TTS = map(of, ("gateway", "retriever", "llm", "tts"))

GATEWAY = dashboard(
    "gateway",
    "The door: HTTP, its streams, and the archive.",
    Row(
        "Who comes in?",
        (
            stack(
                "Requests by status", "reqps",
                "4xx is wrong on the caller's side, 5xx on ours; 429 and 503 ask to come again.",
                (Query(rate("palabre_http_request_seconds_count", _GATEWAY, "status"),
                       "{{status}}"),),
            ),
            lines(
                "Until a response began", "s",
                "All requests by their method; streams begin at once and last. Dots are single"
                " requests.",
                quantiles("palabre_http_request_seconds", _GATEWAY, "method"),
                exemplars=True, limits=Limits(warn=0.25, bad=1), leads="palabre-turn",
            ),
            lines(
                "Errors of ours", "percentunit",
                "The share of requests that ended with 5xx.",
                (Query(share(rate("palabre_http_request_seconds_count",
                                  f'{_GATEWAY}, status=~"5.."'),
                             rate("palabre_http_request_seconds_count", _GATEWAY)), "5xx"),),
                limits=Limits(warn=0.001, bad=0.01),
            ),
            lines(
                "Open streams", "short",
                "Answers and sound that are being written as they come. Each takes memory and a"
                " file descriptor.",
                (Query(f"palabre_http_streams{{{_GATEWAY}}}", "{{instance}}"),),
                limits=Limits(warn=800, bad=1200), runbook="scale",
            ),
            lines(
                "Turned away", "reqps",
                "Requests that may be made again later, by the reason. `overloaded` means that"
                " stages lag behind: look at llm first.",
                (Query(rate("palabre_http_refusals_total", _GATEWAY, "reason"), "{{reason}}"),),
                rare=True, leads="palabre-llm", runbook="questionsrefused",
            ),
            lines(
                "Questions", "reqps",
                "Questions that the archive took, by channel.",
                (Query(rate("palabre_turns_received_total", _GATEWAY, "channel"), "{{channel}}"),),
                leads="palabre-people",
            ),
        ),
    ),
    Row(
        "Does the database follow?",
        (
            lines(
                "Statements", "s",
                "Until the database has answered, by their first word.",
                quantiles("palabre_sql_seconds", _GATEWAY, "statement"),
                exemplars=True, limits=Limits(warn=0.1, bad=1),
            ),
            lines(
                "Connections in use", "short",
                "Of each replica. At the limit of the pool requests wait for one another.",
                (Query(f"palabre_sql_connections{{{_GATEWAY}}}", "{{instance}}"),),
            ),
            lines(
                "Statements that failed", "ops",
                "By the error's name. While SQL is away facts wait for it, two days at least.",
                (Query(rate("palabre_sql_failures_total", _GATEWAY, "error"), "{{error}}"),),
                rare=True, runbook="archivestuck",
            ),
        ),
    ),
)  # fmt: skip

RETRIEVER = dashboard(
    "retriever",
    "Documents and searches.",
    Row(
        "Does it find, and quickly?",
        (
            lines(
                "Time of a search", "s",
                "All fields, fused, and filtered by tier. Dots are searches of single turns.",
                quantiles("palabre_search_seconds", _RETRIEVER),
                exemplars=True, limits=Limits(warn=0.05, bad=0.2), leads="palabre-turn",
            ),
            stack(
                "Searches", "ops",
                "For turns, and by the search of the API and the command line.",
                (Query(rate("palabre_search_seconds_count", _RETRIEVER, "instance"),
                       "{{instance}}"),),
            ),
            lines(
                "Passages found", "short",
                "The mean of a search. A step downwards means that the index lost something, or"
                " that the floor of relevance is too high.",
                (Query(mean("palabre_search_passages", _RETRIEVER), "a search"),),
            ),
            lines(
                "Passages in the index", "short",
                "Of each space. 0 answers nothing.",
                (Query(f"max by (space) (palabre_index_passages{{{_RETRIEVER}}})", "{{space}}"),),
            ),
            stack(
                "Documents", "ops",
                "What became of documents that were given: ingested, unchanged, refused.",
                (Query(rate("palabre_documents_total", _RETRIEVER, "outcome"), "{{outcome}}"),),
                rare=True,
            ),
            lines(
                "Searches without meaning", "ops",
                "Searches that went by words alone, because the model that computes vectors was"
                " away or late.",
                (Query(rate("palabre_searches_without_meaning_total", _RETRIEVER, "reason"),
                       "{{reason}}"),),
                rare=True, limits=objectives.ANY, runbook="searcheswithoutmeaning",
            ),
        ),
    ),
    Row(
        "Qdrant, where it is a server",
        (
            lines(
                "Qdrant up", "none",
                "1 while Prometheus reaches it. Without it no search finds anything; the index can"
                " be made anew.",
                (Query('up{service="qdrant"}', "{{instance}}"),),
                limits=objectives.GONE, runbook="servicedown",
            ),
            stack(
                "Requests to Qdrant, by status", "reqps",
                "5xx are its own faults.",
                (Query(rate("rest_responses_total", 'service="qdrant"', "status"), "{{status}}"),),
            ),
            lines(
                "Calls of Qdrant that failed", "ops",
                "By the reason: unreachable, refused.",
                (Query(rate("palabre_index_failures_total", _RETRIEVER, "reason"), "{{reason}}"),),
                rare=True,
            ),
        ),
    ),
)  # fmt: skip

LLM = dashboard(
    "llm",
    "Models: how quick, how often gone, how dear.",
    Row(
        "Do models answer?",
        (
            lines(
                "First token", "s",
                "From the call of a model to its first token: the provider's time, not ours. Dots"
                " are calls of single turns.",
                quantiles("palabre_engine_first_token_seconds", _LLM, "engine model"),
                exemplars=True, limits=objectives.FIRST_TOKEN, leads="palabre-turn",
            ),
            lines(
                "Failed calls", "ops",
                "By the reason. Each costs one rung of the ladder: the next model answers.",
                (Query(rate("palabre_engine_failures_total", _LLM, "engine, reason"),
                       "{{engine}}: {{reason}}"),),
                rare=True, runbook="enginefails",
            ),
            lines(
                "Left alone", "short",
                "Uses of an engine that are left alone because it kept failing. While all of them"
                " are, only quotations are answered.",
                (Query(f"sum by (engine) (palabre_engine_open_circuits{{{_LLM}}})", "{{engine}}"),),
                limits=Limits(warn=1),
                runbook="engineleftalone",
            ),
            lines(
                "Waiting for a slot", "s",
                "How long calls waited because as many as allowed were in hand.",
                quantiles("palabre_engine_slot_wait_seconds", _LLM, "engine"),
                limits=Limits(warn=0.5, bad=2), runbook="scale",
            ),
            lines(
                "Lost seconds", "s",
                "In a second: what people waited for calls that gave no whole answer.",
                (Query(rate("palabre_engine_lost_seconds_total", _LLM, "engine"), "{{engine}}"),),
                rare=True,
            ),
            stack(
                "Tokens", "short",
                "In a second, by model and kind.",
                (Query(rate("palabre_engine_tokens_total", _LLM, "engine, model, kind"),
                       "{{engine}} {{model}}: {{kind}}"),),
                leads="palabre-people",
            ),
        ),
    ),
    Row(
        "Are answers held to their sources?",
        (
            lines(
                "Citations", "ops",
                "Passages that answers cite, and those that were taken out: invented, not"
                " supported, refused.",
                (Query(rate("palabre_citations_total", _LLM, "verdict"), "{{verdict}}"),),
            ),
            lines(
                "Withheld", "ops",
                "What answers were kept from showing: images, tags and addresses that nobody cited;"
                " our instructions. Much of it is an attack in a document or a question.",
                (Query(rate("palabre_withheld_total", _LLM, "what"), "{{what}}"),),
                rare=True,
            ),
            lines(
                "Budgets reached", "short",
                "Turns of the last hour that met a spent budget, by what became of them.",
                (Query(f"sum by (space, outcome) (increase(palabre_budgets_reached_total{{{_LLM}}}"
                       "[1h]))", "{{space}}: {{outcome}}"),),
                rare=True, leads="palabre-people", runbook="budgetreached",
            ),
        ),
    ),
)  # fmt: skip

TTS = dashboard(
    "tts",
    "Voices: how quick, and which one spoke.",
    Row(
        "Is it heard in time?",
        (
            lines(
                "First sound of a sentence", "s",
                "From the sentence to its first sound, by the engine that spoke. Dots are sentences"
                " of single turns.",
                quantiles("palabre_speech_first_audio_seconds", _TTS, "engine"),
                exemplars=True, limits=Limits(warn=0.5, bad=1.5), leads="palabre-turn",
            ),
            lines(
                "Work for a second of sound, p95", "none",
                "Seconds of work. At 1 the voice is as slow as it is heard, and gaps begin.",
                (Query(quantile(0.95, "palabre_speech_realtime_factor", _TTS, "engine"),
                       "{{engine}}"),),
                limits=Limits(warn=0.6, bad=1), leads="palabre-gpu",
            ),
            lines(
                "Spoken by another voice", "ops",
                "Speech whose first sound is not from the engine that was wanted: it was full, slow"
                " or gone.",
                (Query(rate("palabre_speech_fallbacks_total", _TTS, "wanted, spoken"),
                       "{{wanted}} → {{spoken}}"),),
                rare=True, limits=objectives.ANY, runbook="speechfallsback",
            ),
            lines(
                "Voices not allowed", "ops",
                "Voices that the registry did not let be used, by the reason: no record, ended,"
                " revoked.",
                (Query(rate("palabre_voice_refusals_total", _TTS, "reason"), "{{reason}}"),),
                rare=True, width=12,
            ),
            lines(
                "Sentences", "ops",
                "Sentences that began to sound, by the engine that spoke.",
                (Query(rate("palabre_speech_first_audio_seconds_count", _TTS, "engine"),
                       "{{engine}}"),),
                width=12,
            ),
        ),
    ),
)  # fmt: skip
