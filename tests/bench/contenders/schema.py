"""Tables of the contenders: the same columns, keys and indexes that our own toy service has."""

from __future__ import annotations

import os

import psycopg2

STATEMENTS = """
create table if not exists ball (
    id varchar(40) primary key, pings integer not null, pongs integer not null,
    sequence bigint not null, seen json not null
);
create table if not exists inbox (
    queue varchar(80) not null, event_id varchar(64) not null, received_at timestamptz not null,
    primary key (queue, event_id)
);
create index if not exists inbox_received_at on inbox (received_at);
create table if not exists outbox (
    position bigserial primary key, id varchar(36) not null unique, type varchar(80) not null,
    source varchar(80) not null, subject varchar(80) not null, routing_key varchar(100) not null,
    sequence bigint not null, time timestamptz not null, cause varchar(36), traceparent varchar(55),
    body bytea not null, confidential boolean not null, published_at timestamptz,
    attempts integer not null, problem varchar(40), next_try timestamptz
);
create index if not exists outbox_unpublished on outbox (position) where published_at is null;
"""

INBOX = "insert into inbox (queue, event_id, received_at) values %s on conflict do nothing returning event_id"
BALL = """
insert into ball (id, pings, pongs, sequence, seen) values %s
on conflict (id) do update set pings = ball.pings + excluded.pings, sequence = ball.sequence + excluded.sequence
returning id, sequence
"""
OUTBOX = """
insert into outbox (id, type, source, subject, routing_key, sequence, time, cause, body, confidential, attempts)
values %s
"""

#: What the peers run for one event, with SQLAlchemy's named parameters: textual SQL is its fastest way.
ONE_INBOX = """
insert into inbox (queue, event_id, received_at) values (:queue, :id, now())
on conflict do nothing returning event_id
"""
ONE_BALL = """
insert into ball (id, pings, pongs, sequence, seen) values (:ball, 1, 0, 1, '{}')
on conflict (id) do update set pings = ball.pings + 1, sequence = ball.sequence + 1 returning sequence
"""
ONE_OUTBOX = """
insert into outbox (id, type, source, subject, routing_key, sequence, time, cause, body, confidential, attempts)
values (:id, 'toy.pong.v1', 'toy.answers', :ball, 'toy.pong.v1', :sequence, now(), :cause, :body, false, 0)
"""
ONE_MARK = "update outbox set published_at = now() where id = :id"


def url() -> str:
    """libpq URL of the database that the bench made."""
    return os.environ["BENCH_DATABASE"].replace("+psycopg2", "", 1)


def prepare() -> None:
    """Make the tables where they are missing."""
    connection = psycopg2.connect(url())
    with connection, connection.cursor() as cursor:
        cursor.execute(STATEMENTS)
    connection.close()
