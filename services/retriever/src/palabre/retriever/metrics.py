"""What is counted of searches, documents and the index."""

from prometheus_client import Counter, Gauge, Histogram

SEARCH_SECONDS = Histogram(
    "palabre_search_seconds",
    "Searches, from the question to its passages",
    buckets=(
        0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ),
)  # fmt: skip
SEARCH_PASSAGES = Histogram(
    "palabre_search_passages", "Passages that a search found", buckets=(0, 1, 2, 4, 6, 8, 12, 50)
)
DOCUMENTS = Counter(
    "palabre_documents_total",
    "Documents that were sent: ingested, unchanged, refused, unavailable or broken_off",
    ["outcome"],
)
SEARCHES_WITHOUT_MEANING = Counter(
    "palabre_searches_without_meaning_total",
    "Searches that went without dense vectors though the index has some",
    ["reason"],
)
INDEX_FAILURES = Counter(
    "palabre_index_failures_total",
    "Calls of the Qdrant server that failed: unreachable, refused",
    ["reason"],
)
INDEX_PASSAGES = Gauge("palabre_index_passages", "Passages in the index", ["space"])
