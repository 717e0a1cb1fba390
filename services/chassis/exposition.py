"""The metrics of several services of one process as one Prometheus text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample


class Merged:
    """Several registries as one: the same family of two services is one family, told apart by ``service``.

    The text format allows a family only once (Prometheus exposition formats, "Grouping and sorting").
    """

    def __init__(self, registries: Mapping[str, CollectorRegistry]) -> None:
        self._registries = registries

    def collect(self) -> Iterator[Metric]:
        """Every family once."""
        families: dict[str, Metric] = {}
        for service, registry in self._registries.items():
            for family in registry.collect():
                merged = families.get(family.name)
                if merged is None:
                    merged = families[family.name] = Metric(family.name, family.documentation, family.type, family.unit)
                merged.samples.extend(_labelled(family.samples, service))
        yield from families.values()


def _labelled(samples: Iterable[Sample], service: str) -> Iterator[Sample]:
    for sample in samples:
        yield sample if "service" in sample.labels else sample._replace(labels={"service": service, **sample.labels})


def metrics_text(registries: Mapping[str, CollectorRegistry]) -> bytes:
    """The metrics of several services in the Prometheus text format."""
    return generate_latest(cast(CollectorRegistry, Merged(registries)))
