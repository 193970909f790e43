"""What metrics have gained: they belong to the process, and other tests count too."""

from prometheus_client import REGISTRY


class Gains:
    """Since it was made."""

    def __init__(self) -> None:
        self._before = _values()

    def of(self, name: str, **labels: str) -> float:
        """The sum over all samples of this name that have these labels."""
        wanted = labels.items()
        return sum(
            value - self._before.get((of, with_), 0.0)
            for (of, with_), value in _values().items()
            if of == name and wanted <= dict(with_).items()
        )


def _values() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
    }
