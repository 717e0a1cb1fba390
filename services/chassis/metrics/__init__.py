"""The metrics of a process: what ``names`` declares, in one registry of its own."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.chassis.metrics.names import PREFIX, About, CounterName, GaugeName, HistogramName, declared

__all__ = ["PREFIX", "About", "CounterName", "GaugeName", "HistogramName", "Metrics", "declared"]


class Metrics:
    """The process's metrics in one registry of its own; every label value is a code, never a person's."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._counters = {
            name: Counter(PREFIX + name, a.meaning, a.labels, registry=self.registry)
            for name, a in declared(CounterName)
        }
        self._gauges = {
            name: Gauge(PREFIX + name, a.meaning, a.labels, registry=self.registry) for name, a in declared(GaugeName)
        }
        self._histograms = {
            name: Histogram(PREFIX + name, a.meaning, a.labels, registry=self.registry, buckets=a.buckets)
            for name, a in declared(HistogramName)
        }

    def count(self, name: CounterName, by: float = 1, /, **labels: str) -> None:
        """Add to a counter."""
        if by:
            self._counters[name].labels(**labels).inc(by)

    def gauge(self, name: GaugeName, value: float, /, **labels: str) -> None:
        """Set a gauge."""
        self._gauges[name].labels(**labels).set(value)

    def observe(self, name: HistogramName, value: float, /, **labels: str) -> None:
        """Add to a histogram."""
        self._histograms[name].labels(**labels).observe(value)

    def observe_all(self, name: HistogramName, values: Iterable[float], /, **labels: str) -> None:
        """Add several values to a histogram, its labels looked up once."""
        observe = self._histograms[name].labels(**labels).observe
        for value in values:
            observe(value)
