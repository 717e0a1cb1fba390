"""Whether this shell's WENZHENG_PARTITIONS is the number that the running house has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from services.chassis.topology import partitions_of, queues_behind


def partitions_there(queues: Iterable[str], exists: Callable[[str], bool]) -> int | None:
    """The number of partitions that a service's queues have on the broker.

    Args:
        queues: base names.
        exists: whether a queue is on the broker.

    Returns:
        None when there are no queues, or when they tell of several numbers, as while workers change it.
    """
    numbers = {partitions_of(queue, found) for queue in queues if (found := queues_behind(queue, exists))}
    return numbers.pop() if len(numbers) == 1 else None


def mismatches(asked: Mapping[str, int], found: Mapping[str, int | None]) -> list[str]:
    """One line for each pair of numbers that differ: which services, and the remedy.

    Args:
        asked: the setting of each service.
        found: the number on the broker, None where it cannot be told.
    """
    pairs: dict[tuple[int, int], list[str]] = {}
    for service, number in found.items():
        if number is not None and number != asked[service]:
            pairs.setdefault((number, asked[service]), []).append(service)
    return [
        f"partitions: the broker has {there} ({', '.join(services)}), this shell asks for {here}; set "
        f"WENZHENG_PARTITIONS={there} here, or start the workers with {here}, which moves what waits"
        for (there, here), services in pairs.items()
    ]
