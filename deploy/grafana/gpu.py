"""GPUs that speak: NVIDIA's DCGM exporter beside what tts tells."""

from deploy.grafana.panels import Dashboard, Limits, Panel, Query, Row, lines, quantile, quantiles


def _dcgm(
    title: str, unit: str, description: str, expr: str, limits: Limits | None, runbook: str = ""
) -> Panel:
    """Of each GPU; names by github.com/NVIDIA/dcgm-exporter, etc/default-counters.csv."""
    queries = (Query(expr, "{{Hostname}} {{gpu}}"),)
    return lines(title, unit, description, queries, width=12, limits=limits, runbook=runbook)


HARDWARE = Row(
    "The hardware",
    (
        _dcgm(
            "Busy", "percent",
            "Share of time in which any kernel ran. Near 100 % without gaps in speech is good use.",
            "DCGM_FI_DEV_GPU_UTIL", Limits(warn=90, bad=99),
        ),
        _dcgm(
            "Memory used", "decmbytes",
            "Of the whole GPU, whoever uses it.",
            "DCGM_FI_DEV_FB_USED", None, "gpumemorynearlyfull",
        ),
        _dcgm(
            "Temperature", "celsius",
            "Above 85 °C most cards slow themselves down.",
            "DCGM_FI_DEV_GPU_TEMP", Limits(warn=80, bad=87), "gputoohot",
        ),
        _dcgm(
            "Power", "watt",
            "What it draws. Power at rest on a GPU that nobody needs is what autoscaling to zero"
            " saves.",
            "DCGM_FI_DEV_POWER_USAGE", None,
        ),
    ),
)  # fmt: skip

SPEECH = Row(
    "What it speaks",
    (
        lines(
            "Memory of the model", "bytes",
            "Used, reserved from the driver, and all that there is. Reserved near the total is"
            " refused to whoever shares the GPU.",
            (Query("sum by (instance, kind) (palabre_gpu_memory_bytes)", "{{instance}} {{kind}}"),),
        ),
        lines(
            "Waiting for the model", "short",
            "Speeches that wait for it, and the one that it speaks. From a few on, espeak-ng speaks"
            " in its place.",
            (Query("sum by (instance) (palabre_gpu_queue)", "{{instance}}"),),
            limits=Limits(warn=3, bad=6), runbook="gpuqueuegrows",
        ),
        lines(
            "First sound of a sentence", "s",
            "By the engine that spoke, over all replicas of tts.",
            quantiles("palabre_speech_first_audio_seconds", "", "engine"),
            exemplars=True, limits=Limits(warn=0.5, bad=1.5), leads="palabre-tts",
        ),
        lines(
            "Work for a second of sound, p95", "none",
            "At 1 the voice is as slow as it is heard.",
            (Query(quantile(0.95, "palabre_speech_realtime_factor", "", "engine"), "{{engine}}"),),
            limits=Limits(warn=0.6, bad=1), width=12, leads="palabre-tts",
        ),
        lines(
            "Sentences that wait", "short",
            "What autoscaling looks at: the durable of the stage speak.",
            (Query('stage:palabre_stage_lag:max{stage="speak"}', "speak"),),
            limits=Limits(warn=20, bad=200), width=12, leads="palabre-tts",
        ),
    ),
)  # fmt: skip

GPU = Dashboard("palabre-gpu", "Palabre: GPU", "GPUs that speak.", (HARDWARE, SPEECH))
