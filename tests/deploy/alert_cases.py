"""For each alert: figures with which it must fire, figures close to them with which it must not."""

from __future__ import annotations

from dataclasses import dataclass, field

#: A line of figures a minute, as promtool writes them: series and values.
Figures = dict[str, str]
#: So many minutes pass before it is looked.
MINUTES = 90


@dataclass(frozen=True)
class Case:
    """One alert.

    Args:
        fires: figures with which it fires.
        labels: what it then names, beside its severity.
        quiet: figures with which it does not.
    """

    fires: Figures
    labels: dict[str, str]
    quiet: tuple[Figures, ...] = field(default=())


def gauge(name: str, labels: str, value: float, minutes: int = MINUTES) -> Figures:
    """A gauge that stays as it is."""
    return {f"wenzheng_{name}{{{labels}}}": f"{value}x{minutes}"}


def count(name: str, labels: str, per_minute: float, start: float = 0) -> Figures:
    """A counter that grows."""
    return {f"wenzheng_{name}{{{labels}}}": f"{start}+{per_minute}x{MINUTES}"}


def late(name: str, labels: str, value: float) -> Figures:
    """A counter that is first seen, with this value, half an hour before the end."""
    return {f"wenzheng_{name}{{{labels}}}": f"_x{MINUTES - 30} {value}x30"}


def blip(name: str, labels: str, value: float) -> Figures:
    """A gauge that has been so for a single minute at the end."""
    return {f"wenzheng_{name}{{{labels}}}": f"0x{MINUTES - 1} {value}"}


def histogram(name: str, labels: str, slow: float) -> Figures:
    """100 a minute, of which a share is slower than every bound but the last."""
    quick = 100 * (1 - slow)
    return {
        f'wenzheng_{name}_bucket{{{labels},le="0.1"}}': f"0+{quick}x{MINUTES}",
        f'wenzheng_{name}_bucket{{{labels},le="30"}}': f"0+{quick}x{MINUTES}",
        f'wenzheng_{name}_bucket{{{labels},le="300"}}': f"0+100x{MINUTES}",
        f'wenzheng_{name}_bucket{{{labels},le="+Inf"}}': f"0+100x{MINUTES}",
    }


INTAKE, QUEUE, MAIL, INDEX = (
    'service="intake"',
    'queue="routing.petitions"',
    'sender="notify.mail"',
    'sender="search.index"',
)
ALL = ("intake", "routing", "notify", "search")


def outbox(age: float, size: float, unroutable: float, shape: str = "gauge") -> Figures:
    """Age, size and what has no queue."""
    made = gauge if shape == "gauge" else blip
    return {
        **made("outbox_age_seconds", INTAKE, age),
        **gauge("outbox_size", INTAKE, size),
        **gauge("outbox_unroutable", INTAKE, unroutable),
    }


def everywhere(name: str, but: str = "") -> Figures:
    """The same figure of each service but one."""
    return {key: value for one in ALL if one != but for key, value in gauge(name, f'service="{one}"', 1).items()}


def errors(share: float) -> Figures:
    """Answers of a web role, a share of them 5xx."""
    return {
        **count("http_requests_total", f'{INTAKE},status="2xx"', 600 * (1 - share)),
        **count("http_requests_total", f'{INTAKE},status="5xx"', 600 * share),
    }


def sends(failed: float, done: float, sender: str = MAIL) -> Figures:
    """Messages a minute that were given up, and that went out."""
    return {
        **count("sends_failed_total", f'{sender},code="smtp_550"', failed),
        **count("sends_done_total", sender, done),
    }


def moving(ready: str, batches: float, queue: str = "routing.petitions") -> Figures:
    """What waits, and transactions a minute."""
    return {
        'wenzheng_queue_ready{queue="routing.petitions"}': ready,
        **count("batch_seconds_count", f'queue="{queue}"', batches),
    }


SERVICE, AT, SENDER = {"service": "intake"}, {"queue": "routing.petitions"}, {"sender": "notify.mail"}
CODED = f'{QUEUE},code="handler_failed"'
CASES: dict[str, Case] = {
    "WenzhengOutboxOld": Case(
        outbox(300, 40, 3), SERVICE, (outbox(300, 3, 3), outbox(30, 40, 0), outbox(300, 40, 0, "blip"))
    ),
    "WenzhengNoRelay": Case(
        {**gauge("relay_leader", f'{INTAKE},pod="a"', 0), **gauge("relay_leader", f'{INTAKE},pod="b"', 0)},
        SERVICE,
        ({**gauge("relay_leader", f'{INTAKE},pod="a"', 0), **gauge("relay_leader", f'{INTAKE},pod="b"', 1)},),
    ),
    "WenzhengUnroutable": Case(
        gauge("outbox_unroutable", INTAKE, 2),
        SERVICE,
        (gauge("outbox_unroutable", INTAKE, 0), blip("outbox_unroutable", INTAKE, 2)),
    ),
    "WenzhengEventsRefused": Case(
        count("events_nacked_total", f'{INTAKE},type="petition.submitted.v1"', 1),
        SERVICE,
        (count("events_nacked_total", f'{INTAKE},type="petition.submitted.v1"', 0, start=7),),
    ),
    "WenzhengEventsLate": Case(
        histogram("event_lag_seconds", f'{QUEUE},type="petition.submitted.v1"', 0.05),
        AT,
        (histogram("event_lag_seconds", f'{QUEUE},type="petition.submitted.v1"', 0.005),),
    ),
    "WenzhengQueueGrowing": Case(
        {f"wenzheng_queue_ready{{{QUEUE}}}": f"2000+50x{MINUTES}"},
        AT,
        (
            {f"wenzheng_queue_ready{{{QUEUE}}}": f"9000-50x{MINUTES}"},
            {f"wenzheng_queue_ready{{{QUEUE}}}": f"0+5x{MINUTES}"},
        ),
    ),
    "WenzhengConsumerNotMoving": Case(
        moving(f"50x{MINUTES}", 0),
        AT,
        (
            moving(f"50x{MINUTES}", 3),
            moving(f"50x{MINUTES}", 3, "routing.petitions.2"),
            moving(f"50x{MINUTES - 4} 0 50x3", 0),
        ),
    ),
    "WenzhengQueueWithoutConsumer": Case(
        gauge("queue_consumers", QUEUE, 0), AT, (gauge("queue_consumers", QUEUE, 2), blip("queue_parked", QUEUE, 0))
    ),
    "WenzhengEventsParked": Case(gauge("queue_parked", QUEUE, 3), AT, (gauge("queue_parked", QUEUE, 0),)),
    "WenzhengPortalEventsParked": Case(
        late("events_parked_total", 'queue="filed@north",code="unreadable"', 1),
        {"queue": "filed@north", "code": "unreadable"},
        (
            late("events_parked_total", CODED, 1),
            gauge("events_parked_total", 'queue="filed@north",code="unreadable"', 4),
        ),
    ),
    "WenzhengConsumerHeld": Case(gauge("consumer_held", QUEUE, 1), AT, (gauge("consumer_held", QUEUE, 0),)),
    "WenzhengRedeliveries": Case(
        {**count("events_redelivered_total", QUEUE, 10), **count("events_handled_total", QUEUE, 100)},
        AT,
        (
            {**count("events_redelivered_total", QUEUE, 10), **count("events_handled_total", QUEUE, 1000)},
            {**count("events_redelivered_total", QUEUE, 0.5), **count("events_handled_total", QUEUE, 1)},
        ),
    ),
    "WenzhengGaps": Case(
        late("events_gap_total", QUEUE, 1),
        AT,
        (gauge("events_gap_total", QUEUE, 5), gauge("events_stale_total", QUEUE, 5)),
    ),
    "WenzhengHandlerHangs": Case(late("watchdog_cut_total", QUEUE, 1), AT, (gauge("watchdog_cut_total", QUEUE, 5),)),
    "WenzhengNoWorker": Case(
        everywhere("relay_leader", but="notify"), {"service": "notify"}, (everywhere("relay_leader"),)
    ),
    "WenzhengNoWeb": Case(
        everywhere("web_threads", but="search"),
        {"service": "search"},
        (everywhere("web_threads"),),
    ),
    "WenzhengBrokerAway": Case(
        gauge("dependency_up", f'{INTAKE},dependency="broker"', 0),
        SERVICE,
        (
            gauge("dependency_up", f'{INTAKE},dependency="broker"', 1),
            gauge("dependency_up", f'{INTAKE},dependency="database"', 0),
        ),
    ),
    "WenzhengBrokerBlocked": Case(
        gauge("broker_blocked", INTAKE, 1),
        SERVICE,
        (gauge("broker_blocked", INTAKE, 0), blip("broker_blocked", INTAKE, 1)),
    ),
    "WenzhengDatabaseAway": Case(
        gauge("dependency_up", f'{INTAKE},dependency="database"', 0),
        SERVICE,
        (
            gauge("dependency_up", f'{INTAKE},dependency="database"', 1),
            gauge("dependency_up", f'{INTAKE},dependency="broker"', 0),
        ),
    ),
    "WenzhengConsumerPaused": Case(
        gauge("consumer_paused", QUEUE, 1), AT, (gauge("consumer_paused", QUEUE, 0), blip("consumer_paused", QUEUE, 1))
    ),
    "WenzhengWebErrors": Case(errors(0.02), SERVICE, (errors(0.005), errors(0))),
    "WenzhengWebSlow": Case(
        histogram("http_seconds", INTAKE, 0.05), SERVICE, (histogram("http_seconds", INTAKE, 0.005),)
    ),
    "WenzhengSenderPaused": Case(
        gauge("sender_paused", MAIL, 1), SENDER, (gauge("sender_paused", MAIL, 0), blip("sender_paused", MAIL, 1))
    ),
    "WenzhengSenderOld": Case(
        gauge("sender_age_seconds", MAIL, 4000),
        SENDER,
        (gauge("sender_age_seconds", MAIL, 900), gauge("sender_age_seconds", INDEX, 4000)),
    ),
    "WenzhengSendsAmbiguous": Case(
        late("sends_ambiguous_total", MAIL, 1), SENDER, (gauge("sends_ambiguous_total", MAIL, 3),)
    ),
    "WenzhengSendsFailed": Case(sends(1, 5), SENDER, (sends(1, 100), sends(0.1, 0.1), sends(1, 5, INDEX))),
    "WenzhengIndexLag": Case(
        gauge("sender_age_seconds", INDEX, 120),
        {},
        (gauge("sender_age_seconds", INDEX, 5), gauge("sender_age_seconds", MAIL, 120)),
    ),
    "WenzhengIndexRefuses": Case(
        late("sends_failed_total", f'{INDEX},code="elasticsearch_refused"', 2),
        {"code": "elasticsearch_refused"},
        (late("sends_failed_total", f'{MAIL},code="smtp_550"', 2),),
    ),
    "WenzhengSearchUnavailable": Case(
        count("refusals_total", 'service="search",code="search_unavailable"', 3),
        {},
        (
            count("refusals_total", 'service="search",code="search_unavailable"', 0, start=9),
            count("refusals_total", 'service="search",code="question_too_long"', 3),
        ),
    ),
    "WenzhengSearchSlow": Case(
        histogram("search_seconds", 'service="search"', 0.05),
        {},
        (histogram("search_seconds", 'service="search"', 0.005),),
    ),
    "WenzhengDangerUnacknowledged": Case(
        gauge("risk_alerts_overdue", 'level="urgent"', 1),
        {"level": "urgent"},
        (gauge("risk_alerts_overdue", 'level="urgent"', 0), blip("risk_alerts_overdue", 'level="urgent"', 1)),
    ),
    "WenzhengClocksOverdue": Case(
        gauge("clocks_overdue", 'state="dispatched"', 4),
        {"state": "dispatched"},
        (gauge("clocks_overdue", 'state="dispatched"', 0), blip("clocks_overdue", 'state="dispatched"', 4)),
    ),
}
