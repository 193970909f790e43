"""What is counted of calls, citations and budgets; `meters` alone observes most of it."""

from prometheus_client import Counter, Gauge, Histogram

from palabre.chassis.telemetry import SECONDS

ENGINE_FIRST_TOKEN = Histogram(
    "palabre_engine_first_token_seconds",
    "From the call to the first token",
    ["engine", "model"],
    buckets=SECONDS,
)
ENGINE_COST = Counter(
    "palabre_engine_cost_total", "Money, where the price is known", ["engine", "model", "currency"]
)
ENGINE_LOST = Counter(
    "palabre_engine_lost_seconds_total", "Seconds of calls that gave no whole answer", ["engine"]
)
ENGINE_SLOT_WAIT = Histogram(
    "palabre_engine_slot_wait_seconds",
    "How long calls waited because as many as allowed were in hand",
    ["engine"],
    buckets=SECONDS,
)
ENGINE_OPEN = Gauge(
    "palabre_engine_open_circuits", "Uses of an engine that are left alone now", ["engine"]
)
CITATIONS = Counter(
    "palabre_citations_total",
    "Passages that answers cite, and citations that were taken out of them",
    ["verdict"],
)
CITATIONS_VERIFIED = Counter(
    "palabre_citations_verified_total",
    "Answers whose citations a model was asked about, by outcome",
    ["outcome"],
)
WITHHELD = Counter(
    "palabre_withheld_total",
    "What answers were kept from showing: images, tags and addresses; instructions",
    ["what"],
)
IMAGES_DESCRIBED = Counter(
    "palabre_images_described_total", "Images that were wanted in words, by outcome", ["outcome"]
)
MODELS_IGNORED = Counter(
    "palabre_models_ignored_total",
    "Turns for which a person chose a model that the space does not offer, or that is not set up",
    ["space"],
)
BUDGETS_REACHED = Counter(
    "palabre_budgets_reached_total",
    "Turns that met a spent budget, by what became of them",
    ["space", "limit", "outcome"],
)
BUDGETS_BLIND = Counter(
    "palabre_budgets_blind_total",
    "Calls that no budget of money can count: their price, or its currency's rate, is unknown",
    ["engine", "model"],
)
