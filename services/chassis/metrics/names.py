"""The metrics of the house, each declared once: its name, what it means, its labels and what to watch it for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

#: Every name begins so in what Prometheus reads.
PREFIX = "wenzheng_"
#: Bounds of what takes a moment, and of what may take long (s).
QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30)
SLOW = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30, 300, 3600)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True)
class About:
    """What stands beside a metric's name.

    Args:
        meaning: what it counts or measures.
        labels: its labels; a value is a code or a name of the house, never a person's.
        watch: what an operator reads from it; empty where it only explains others.
        buckets: upper bounds, for a histogram.
    """

    meaning: str
    labels: tuple[str, ...] = ()
    watch: str = ""
    buckets: tuple[float, ...] = ()


def _of(meaning: str, *labels: str, watch: str = "", buckets: tuple[float, ...] = ()) -> About:
    return About(meaning, labels, watch, buckets)


# A type checker reads the names, the process reads the rest: a name that is not listed here is a type error.
CounterName = (
    # events out
    Annotated[Literal["events_published"], _of("Events the broker confirmed", "type")]
    | Annotated[
        Literal["events_returned"],
        _of(
            "Events no queue was bound for",
            "type",
            watch="more than 0: a binding is missing; see `wenzheng unroutable`",
        ),
    ]
    | Annotated[Literal["events_nacked"], _of("Events the broker refused", "type", watch="grows: a queue is full")]
    | Annotated[
        Literal["relay_reconnects"],
        _of(
            "Times the relay lost the broker or the database and began anew",
            "service",
            "reason",
            watch="grows steadily: the network or the broker is ill",
        ),
    ]
    # events in
    | Annotated[Literal["events_handled"], _of("Events handled and committed", "queue")]
    | Annotated[Literal["events_duplicate"], _of("Events already in the inbox", "queue")]
    | Annotated[Literal["events_stale"], _of("Events older than what is known", "queue")]
    | Annotated[
        Literal["events_gap"],
        _of("Events whose predecessor was not seen", "queue", watch="grows: run `wenzheng reconcile`"),
    ]
    | Annotated[Literal["events_retried"], _of("Events sent up the retry ladder", "queue", "code")]
    | Annotated[
        Literal["events_parked"],
        _of("Events parked with a reason", "queue", "code", watch="more than 0: see `wenzheng parked list`"),
    ]
    | Annotated[
        Literal["events_redelivered"],
        _of(
            "Deliveries the broker marked as repeated",
            "queue",
            watch="grows without a crash: a consumer is cut off in the middle",
        ),
    ]
    | Annotated[
        Literal["events_paused"], _of("Times a consumer paused because its database or broker was away", "queue")
    ]
    | Annotated[
        Literal["watchdog_cut"],
        _of("Batches cut because they took too long", "queue", watch="more than 0: a handler hangs"),
    ]
    # side effects
    | Annotated[Literal["sends_done"], _of("Rows a sender loop sent", "sender")]
    | Annotated[
        Literal["sends_failed"],
        _of(
            "Rows a sender loop gave up",
            "sender",
            "code",
            watch="grows: mails to addresses that do not exist, a portal that refuses",
        ),
    ]
    | Annotated[
        Literal["sends_ambiguous"],
        _of(
            "Rows that were sent perhaps; a person decides",
            "sender",
            watch="more than 0: see `wenzheng notices failed`",
        ),
    ]
    | Annotated[Literal["sends_retried"], _of("Rows that wait for another try", "sender", "code")]
    | Annotated[
        Literal["senders_paused"], _of("Times a sender loop paused because the other side was away", "sender", "code")
    ]
    # housekeeping and pages
    | Annotated[Literal["outbox_pruned"], _of("Published rows removed from the outbox by age", "service")]
    | Annotated[Literal["inbox_pruned"], _of("Rows removed from the inbox by age", "service")]
    | Annotated[Literal["http_requests"], _of("Requests answered", "service", "status", watch="`5xx` grows")]
    | Annotated[Literal["refusals"], _of("Coded refusals", "service", "code")]
)
GaugeName = (
    Annotated[
        Literal["outbox_age_seconds"],
        _of("Age of the oldest unpublished event", "service", watch="above 10 s: the broker or the relay is away"),
    ]
    | Annotated[
        Literal["outbox_size"],
        _of("Unpublished events; above 10,000 estimated by the span of their positions", "service"),
    ]
    | Annotated[
        Literal["outbox_unroutable"],
        _of(
            "Unpublished events that no queue was bound for", "service", watch="more than 0: see `wenzheng unroutable`"
        ),
    ]
    | Annotated[
        Literal["broker_blocked"],
        _of("1 while the broker blocks publishing", "service", watch="1: the broker lacks memory or disk"),
    ]
    | Annotated[
        Literal["relay_leader"],
        _of(
            "1 in the process that publishes the outbox",
            "service",
            watch="the sum over all workers of a service is not 1",
        ),
    ]
    | Annotated[
        Literal["consumer_paused"], _of("1 while a consumer waits for its database", "queue", watch="1 for minutes")
    ]
    | Annotated[
        Literal["consumer_held"],
        _of(
            "1 while a consumer holds because it parked too much",
            "queue",
            watch="1: a bad release; see `wenzheng parked list`",
        ),
    ]
    | Annotated[Literal["consumer_in_hand"], _of("Messages taken and not acknowledged yet", "queue")]
    | Annotated[
        Literal["partitions_held"],
        _of(
            "Partitions of a queue that this process consumes",
            "queue",
            watch="the sum over all workers is less than the number of partitions",
        ),
    ]
    # what a worker sees around it, where it serves metrics
    | Annotated[
        Literal["dependency_up"],
        _of(
            "1 while a worker reaches its database, its broker",
            "service",
            "dependency",
            watch="0: see `database` and `broker` in the label `dependency`",
        ),
    ]
    | Annotated[
        Literal["queue_ready"],
        _of("Events that wait in a queue, in all its partitions; those in hand apart", "queue", watch="grows"),
    ]
    | Annotated[
        Literal["queue_parked"],
        _of("Events that lie parked beside a queue", "queue", watch="more than 0: see `wenzheng parked list`"),
    ]
    | Annotated[
        Literal["queue_consumers"],
        _of("Consumers of a queue, of the partition with the fewest", "queue", watch="0: nobody handles its events"),
    ]
    | Annotated[
        Literal["web_threads"],
        _of(
            "Requests that a web process answers at once", "service", watch="missing: no web process of a service runs"
        ),
    ]
    # legal time
    | Annotated[Literal["clocks_running"], _of("Cases whose next step is awaited, by the state they are in", "state")]
    | Annotated[
        Literal["clocks_overdue"],
        _of("Those of them whose step is past its time", "state", watch="grows: the law's limits are missed"),
    ]
    | Annotated[Literal["clocks_overdue_seconds"], _of("How far the longest overdue of them is past its time", "state")]
    # dangers
    | Annotated[Literal["risk_alerts_open"], _of("Dangers that nobody on duty acknowledged yet", "level")]
    | Annotated[
        Literal["risk_alerts_overdue"],
        _of(
            "Those of them that were not acknowledged in the time of the first asking",
            "level",
            watch="more than 0: nobody on duty looks; see the desk",
        ),
    ]
    # side effects
    | Annotated[
        Literal["sender_age_seconds"],
        _of(
            "Age of the oldest row that waits to be sent",
            "sender",
            watch="above some minutes: the other side is away or refuses",
        ),
    ]
    | Annotated[Literal["sender_size"], _of("Rows that wait to be sent", "sender")]
    | Annotated[
        Literal["sender_paused"],
        _of(
            "1 while a sender loop waits because the other side is away",
            "sender",
            watch="1 for minutes: mail server, portal or search server",
        ),
    ]
)
HistogramName = (
    Annotated[Literal["batch_size"], _of("Events in one transaction of a consumer", "queue", buckets=SIZES)]
    | Annotated[Literal["batch_seconds"], _of("Time of one transaction of a consumer", "queue", buckets=QUICK)]
    | Annotated[
        Literal["handler_seconds"],
        _of(
            "Time of one event in a transaction: that of its batch, shared out",
            "queue",
            "type",
            buckets=(0.0001, *QUICK),
        ),
    ]
    | Annotated[
        Literal["event_lag_seconds"],
        _of(
            "From the moment of an event until it was handled, end to end",
            "queue",
            "type",
            watch="above 1 s at the 99th percentile",
            buckets=SLOW,
        ),
    ]
    | Annotated[Literal["relay_page_size"], _of("Events the relay publishes at once", "service", buckets=SIZES)]
    | Annotated[Literal["relay_page_seconds"], _of("Time to publish and mark such a page", "service", buckets=QUICK)]
    | Annotated[
        Literal["send_seconds"],
        _of("Time of one hand-over to a mail server, a portal or the index", "sender", buckets=SLOW),
    ]
    | Annotated[Literal["http_seconds"], _of("Time to answer a request", "service", buckets=QUICK)]
    | Annotated[
        Literal["search_seconds"],
        _of(
            "Time to answer a question: index, rows, highlights",
            "service",
            watch="above 0.5 s at the 99th percentile",
            buckets=QUICK,
        ),
    ]
    | Annotated[
        Literal["risk_acknowledged_seconds"],
        _of(
            "From the moment a danger was raised until a member of staff acknowledged it",
            "level",
            watch="above the time of the first step of the duty roster",
            buckets=(30, 60, 300, 600, 900, 1800, 3600, 7200, 14400, 86400),
        ),
    ]
)


def declared(names: Any) -> Iterator[tuple[str, About]]:
    """The metrics of one kind: ``CounterName``, ``GaugeName`` or ``HistogramName``."""
    for one in get_args(names):
        (literal, about) = one.__origin__, one.__metadata__[0]
        yield get_args(literal)[0], about
