"""The dashboards, described once: flow, queues, clocks, search, notices."""

from __future__ import annotations

from collections.abc import Sequence

from deploy.dashboards.grafana import RATE, Panel, newest, of, one, part, rate, text, total

NOTIFY, INDEX = "notify[.].+", "search[.]index"

FLOW = (
    one(
        "Filed", "Petitions and reports that came in, a second.",
        rate("events_published_total", "type", type="(petition|report)[.]submitted[.].+"), "{{type}}", "ops",
    ),
    one(
        "Events published", "Confirmed by the broker.",
        rate("events_published_total", "service"), "{{service}}", "ops",
    ),
    one("Events handled", "Committed by their queue.", rate("events_handled_total", "queue"), "{{queue}}", "ops"),
    one(
        "Event to handled, 99th percentile", "End to end. Above 1 s something waits: see the dashboard of queues.",
        part(0.99, "event_lag_seconds", "queue"), "{{queue}}", "s",
    ),
    one(
        "Outbox, oldest", "Above 10 s broker or relay are away.",
        newest("outbox_age_seconds", "service"), "{{service}}", "s",
    ),
    one("Outbox, size", "Events that the broker has not confirmed.", newest("outbox_size", "service"), "{{service}}"),
    one(
        "Unroutable", "Events that no queue is bound for: a service was never started here.",
        newest("outbox_unroutable", "service"), "{{service}}",
    ),
    one("Refused by the broker", "A queue is full.", rate("events_nacked_total", "type"), "{{type}}", "ops"),
    one("Relay", "1: exactly one process publishes the outbox.", total("relay_leader", "service"), "{{service}}"),
    one(
        "Requests", "By service and class of status.",
        rate("http_requests_total", "service", "status"), "{{service}} {{status}}", "reqps",
    ),
    one(
        "Requests, 99th percentile", "Time to answer.",
        part(0.99, "http_seconds", "service"), "{{service}}", "s",
    ),
    one(
        "Web processes", "How many requests all of them answer at once.",
        total("web_threads", "service"), "{{service}}",
    ),
    one(
        "Refusals", "By code; `database_unavailable` and `internal_error` are ours, the others the reader's.",
        rate("refusals_total", "service", "code"), "{{service}} {{code}}", "ops",
    ),
)  # fmt: skip
QUEUES = (
    one("Waiting", "Events in a queue, in nobody's hands.", newest("queue_ready", "queue"), "{{queue}}"),
    one(
        "Parked", "Events that could not be handled: `wenzheng parked list`.",
        newest("queue_parked", "queue"), "{{queue}}",
    ),
    one("Consumers", "0: nobody handles its events.", newest("queue_consumers", "queue"), "{{queue}}"),
    one("In hand", "Taken and not acknowledged.", total("consumer_in_hand", "queue"), "{{queue}}"),
    one(
        "Batch, 99th percentile", "Time of one transaction.",
        part(0.99, "batch_seconds", "queue"), "{{queue}}", "s",
    ),
    Panel(
        "Events a batch", "Near 1: it keeps up with ease. Near WENZHENG_BATCH_SIZE: it works at its limit.",
        (("{{queue}}", f"{rate('batch_size_sum', 'queue')} / {rate('batch_size_count', 'queue')}"),),
    ),
    Panel(
        "CPU and database an event", "Time in the transaction, by type.",
        (("{{type}}", f"{rate('handler_seconds_sum', 'type')} / {rate('handler_seconds_count', 'type')}"),), "s",
    ),
    one(
        "Retried", "Sent up the retry ladder, by reason.",
        rate("events_retried_total", "queue", "code"), "{{queue}} {{code}}", "ops",
    ),
    one(
        "Parked a second", "By reason.",
        rate("events_parked_total", "queue", "code"), "{{queue}} {{code}}", "ops",
    ),
    Panel(
        "Repeated", "Redelivered by the broker, known to the inbox, older than what is known, after a gap.",
        (
            ("redelivered {{queue}}", rate("events_redelivered_total", "queue")),
            ("duplicate {{queue}}", rate("events_duplicate_total", "queue")),
            ("stale {{queue}}", rate("events_stale_total", "queue")),
            ("gap {{queue}}", rate("events_gap_total", "queue")),
        ), "ops",
    ),
    Panel(
        "Standing still", "1: paused for its database or broker, or held because it parked too much.",
        (
            ("paused {{queue}}", newest("consumer_paused", "queue")),
            ("held {{queue}}", newest("consumer_held", "queue")),
        ),
    ),
    Panel(
        "What workers need", "0: cannot be reached. Blocked: the broker lacks memory or disk.",
        (
            ("{{service}} {{dependency}}", f"min by (service, dependency) ({of('dependency_up')})"),
            ("{{service}} blocked", newest("broker_blocked", "service")),
        ),
    ),
    one(
        "Partitions", "Held by all workers together; fewer than there are: one is nobody's.",
        total("partitions_held", "queue"), "{{queue}}",
    ),
    one("Pauses", "How often consumers had to wait.", rate("events_paused_total", "queue"), "{{queue}}", "ops"),
    one("Cut", "Batches that took too long: a handler hangs.", rate("watchdog_cut_total", "queue"), "{{queue}}", "ops"),
)  # fmt: skip
CLOCKS = (
    one(
        "Overdue now", "Cases whose step is past its legal time, all states.",
        f"sum ({newest('clocks_overdue', 'state')})", "overdue", kind="stat",
    ),
    one(
        "Open now", "Cases that wait for somebody.",
        f"sum ({newest('clocks_running', 'state')})", "open", kind="stat",
    ),
    one(
        "Longest overdue", "How far the worst of them is past its time.",
        f"max ({newest('clocks_overdue_seconds', 'state')})", "longest", "s", "stat",
    ),
    one(
        "Overdue, by state", "under_review and objected wait for the dispatcher; dispatched for the unit to accept; "
        "accepted for its reply.",
        newest("clocks_overdue", "state"), "{{state}}",
    ),
    one("Open, by state", "What is worked on.", newest("clocks_running", "state"), "{{state}}"),
    Panel(
        "Share overdue", "Of the open ones.",
        (("{{state}}", f"{newest('clocks_overdue', 'state')} / {newest('clocks_running', 'state')}"),), "percentunit",
    ),
    Panel(
        "Steps taken", "A second, by what happened.",
        (("{{type}}", rate("events_published_total", "type", service="routing", type=".+[.]v[0-9]+")),), "ops",
    ),
    one(
        "Longest overdue, by state", "Days are what the law counts; this is the time that has passed.",
        newest("clocks_overdue_seconds", "state"), "{{state}}", "s",
    ),
    Panel(
        "Dangers", "Urgent ones that nobody on duty acknowledged, and those past the time of the first asking.",
        (
            ("open", f"sum ({newest('risk_alerts_open', 'level')})"),
            ("overdue", f"sum ({newest('risk_alerts_overdue', 'level')})"),
        ),
    ),
    Panel(
        "Dangers, time to acknowledge", "From the moment one was raised until somebody took note.",
        (
            ("half", part(0.5, "risk_acknowledged_seconds")),
            ("95th percentile", part(0.95, "risk_acknowledged_seconds")),
        ), "s",
    ),
)  # fmt: skip
SEARCH = (
    one(
        "Index, oldest waiting", "How far the index is behind the rows.",
        newest("sender_age_seconds", "sender", sender=INDEX), "behind", "s",
    ),
    one("Index, waiting", "Documents to write.", newest("sender_size", "sender", sender=INDEX), "documents"),
    one("Index, written", "Documents a second.", rate("sends_done_total", "sender", sender=INDEX), "written", "ops"),
    Panel(
        "Index, one page", "Time to write it.",
        (
            ("half", part(0.5, "send_seconds", sender=INDEX)),
            ("99th percentile", part(0.99, "send_seconds", sender=INDEX)),
        ), "s",
    ),
    Panel(
        "Index, refused", "Documents it does not take, and such as are tried again, by reason.",
        (
            ("refused {{code}}", rate("sends_failed_total", "code", sender=INDEX)),
            ("again {{code}}", rate("sends_retried_total", "code", sender=INDEX)),
        ), "ops",
    ),
    one("Index, resting", "1: the search server is away.", newest("sender_paused", "sender", sender=INDEX), "resting"),
    Panel(
        "Questions", "Time to answer one: index, rows, highlights.",
        (
            ("half", part(0.5, "search_seconds")),
            ("95th percentile", part(0.95, "search_seconds")),
            ("99th percentile", part(0.99, "search_seconds")),
        ), "s",
    ),
    Panel(
        "Questions a second", "Answered.",
        (("questions", f"sum (rate({of('search_seconds_count')}{RATE}))"),), "reqps",
    ),
    one(
        "Refusals", "`search_unavailable`: the search server is away.",
        rate("refusals_total", "code", service="search"), "{{code}}", "ops",
    ),
    one(
        "Event to row, 99th percentile", "What search has heard of, and when.",
        part(0.99, "event_lag_seconds", "queue", queue="search[.].+"), "{{queue}}", "s",
    ),
)  # fmt: skip
NOTICES = (
    one("Sent", "Messages a second, by way.", rate("sends_done_total", "sender", sender=NOTIFY), "{{sender}}", "ops"),
    one("Waiting", "Messages to send.", newest("sender_size", "sender", sender=NOTIFY), "{{sender}}"),
    one(
        "Oldest waiting", "Above some minutes the other side is away or refuses.",
        newest("sender_age_seconds", "sender", sender=NOTIFY), "{{sender}}", "s",
    ),
    one(
        "Given up", "By reason: `wenzheng notices failed`.",
        rate("sends_failed_total", "sender", "code", sender=NOTIFY), "{{sender}} {{code}}", "ops",
    ),
    one(
        "In doubt", "Sent perhaps; a person decides.",
        rate("sends_ambiguous_total", "sender", sender=NOTIFY), "{{sender}}", "ops",
    ),
    one(
        "Tried again", "By reason.",
        rate("sends_retried_total", "sender", "code", sender=NOTIFY), "{{sender}} {{code}}", "ops",
    ),
    one("Resting", "1: the other side is away.", newest("sender_paused", "sender", sender=NOTIFY), "{{sender}}"),
    one(
        "Rests", "How often, by reason.",
        rate("senders_paused_total", "sender", "code", sender=NOTIFY), "{{sender}} {{code}}", "ops",
    ),
    one(
        "One hand-over, 99th percentile", "How long the other side takes.",
        part(0.99, "send_seconds", "sender", sender=NOTIFY), "{{sender}}", "s",
    ),
    one(
        "Answers to portals, waiting", "Receipts that intake owes portals.",
        newest("sender_size", "sender", sender="intake[.].+"), "{{sender}}",
    ),
    one(
        "Answers to portals, oldest", "Above some minutes the broker refuses.",
        newest("sender_age_seconds", "sender", sender="intake[.].+"), "{{sender}}", "s",
    ),
    one(
        "Told in the house", "notice.delivered and notice.failed.",
        rate("events_published_total", "type", type="notice[.].+"), "{{type}}", "ops",
    ),
)  # fmt: skip
ALL: dict[str, tuple[str, Sequence[Panel]]] = {
    "flow": ("Wenzheng: flow", FLOW),
    "queues": ("Wenzheng: queues", QUEUES),
    "clocks": ("Wenzheng: clocks", CLOCKS),
    "search": ("Wenzheng: search", SEARCH),
    "notices": ("Wenzheng: notices", NOTICES),
}


def files() -> dict[str, str]:
    """Every dashboard by the name of its file."""
    return {f"{name}.json": text(name, title, panels) for name, (title, panels) in ALL.items()}
