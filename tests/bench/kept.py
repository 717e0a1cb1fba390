"""Many petitions kept: how fast they are indexed, what each takes in database and index, how long a search lasts.

Search on PostgreSQL and a real Elasticsearch of one node, one shard, half a gigabyte of heap. One petition is carried
through the house; its row is multiplied with other texts, and the service's own loop brings them to the index.
"""

from __future__ import annotations

import io
import json
import random
import tempfile
import time
import urllib.request
from itertools import accumulate
from pathlib import Path
from typing import Any

from tests.bench.flow import Spread
from tests.bench.parts import part, postgres, servers
from tests.bench.report import Report
from tests.house import until
from tests.parts import folder_of
from tests.parts.elastic import ACCOUNT, ElasticServer

#: Petitions, and with --full; searches asked.
PETITIONS, FULL_PETITIONS, SEARCHES = 100_000, 1_000_000, 400
#: Characters of title, body and reply, on average.
LENGTHS = (18, 160, 220)
#: Words of two characters, drawn with Zipf's law, as words of a language are (G. K. Zipf, 1935).
WORDS = 20_000
INDEX = "bench-kept"

#: The multiplied row: everything of the model's but what makes it another petition.
MULTIPLY = """
insert into petition_view
select (jsonb_populate_record(one, jsonb_build_object(
    'petition_id', gen_random_uuid()::text, 'number', 'B' || texts.n,
    'title', texts.title, 'body', texts.body, 'reply', texts.reply,
    'submitted_at', now() - texts.n * interval '20 seconds', 'changed_at', now(), 'version', 1, 'indexed_version', 0,
    'state', 'replied', 'subject', 'subject-' || texts.n % 60, 'unit_id', 'unit-' || texts.n % 120))).*
from (select * from petition_view limit 1) one, texts
"""


def run(report: Report) -> None:
    """Fill, index, search."""
    number = FULL_PETITIONS if report.full else report.few(PETITIONS)
    with servers() as parts, tempfile.TemporaryDirectory() as name, folder_of(ACCOUNT, "elasticsearch") as folder:
        elastic = ElasticServer(folder)
        elastic.start()
        house = Spread(Path(name) / "house", parts)
        house.environ |= {"WENZHENG_ELASTICSEARCH_URL": elastic.url, "WENZHENG_ELASTICSEARCH_INDEX": INDEX}
        house.environ["WENZHENG_ELASTICSEARCH_REPLICAS"] = "0"
        try:
            house.start()
            receipt = house.file()
            until(lambda: house.found(q=receipt["number"]), 60, 0.5)
            words = _words()
            before, space = _index_bytes(elastic.url), _table_bytes(house.databases["search"])
            report.say(f"kept: writing {number:,} petitions")
            _fill(house.databases["search"], number, words)
            began = time.monotonic()
            until(lambda: _waiting(house.databases["search"]) == 0, 3600, 1.0)
            report.figures["kept_petitions"] = float(number)
            report.figures["kept_indexed_per_s"] = number / (time.monotonic() - began)
            _ask(elastic.url, f"/{INDEX}*/_refresh", "POST")
            _ask(elastic.url, f"/{INDEX}*/_forcemerge?max_num_segments=5", "POST")
            report.figures["kept_index_kb"] = (_index_bytes(elastic.url) - before) / number / 1024
            report.figures["kept_table_kb"] = (_table_bytes(house.databases["search"]) - space) / number / 1024
            for kind, times in _searches(report, house, words).items():
                report.figures[f"kept_{kind}_p50_ms"] = part(times, 0.5) * 1e3
                report.figures[f"kept_{kind}_p99_ms"] = part(times, 0.99) * 1e3
        finally:
            house.stop()
            elastic.stop()


def _words() -> list[str]:
    draw = random.Random(7)
    signs = [chr(0x4E00 + number) for number in range(2_500)]
    return ["".join(draw.choices(signs, k=2)) for _ in range(WORDS)]


def _fill(url: str, number: int, words: list[str]) -> None:
    draw = random.Random(11)
    weights = list(accumulate(1 / rank for rank in range(1, WORDS + 1)))
    connection = postgres(url)
    with connection, connection.cursor() as cursor:
        cursor.execute("create temporary table texts (n bigint, title text, body text, reply text)")
        for start in range(1, number + 1, 20_000):
            rows = io.StringIO()
            for n in range(start, min(start + 20_000, number + 1)):
                texts = ["".join(draw.choices(words, cum_weights=weights, k=signs // 2)) for signs in LENGTHS]
                rows.write("\t".join((str(n), *texts)) + "\n")
            rows.seek(0)
            cursor.copy_expert("copy texts from stdin", rows)
        cursor.execute(MULTIPLY)
    connection.close()


def _searches(report: Report, house: Spread, words: list[str]) -> dict[str, list[float]]:
    """Seconds each search took: one word, three words, three words with facets and a place in the middle."""
    draw = random.Random(13)
    taken: dict[str, list[float]] = {"one_word": [], "three_words": [], "page_five": []}
    for turn in range(report.few(SEARCHES) + 20):
        questions: dict[str, dict[str, Any]] = {
            "one_word": {"q": words[draw.randrange(2_000)]},
            "three_words": {"q": " ".join(words[draw.randrange(2_000)] for _ in range(3))},
            "page_five": {"q": words[draw.randrange(200)], "page": 5, "state": "replied"},
        }
        for kind, query in questions.items():
            began = time.monotonic()
            answer = house.get("/api/search", "supervisor", **query)
            assert answer.ok, answer.text[:200]
            if turn >= 20:
                taken[kind].append(time.monotonic() - began)
    return taken


def _waiting(url: str) -> int:
    return int(_one(url, "select count(*) from petition_view where version > indexed_version"))


def _table_bytes(url: str) -> float:
    return float(_one(url, "select pg_total_relation_size('petition_view')"))


def _one(url: str, statement: str) -> Any:
    connection = postgres(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
        ((value,),) = cursor.fetchall()
    connection.close()
    return value


def _index_bytes(url: str) -> float:
    sizes: dict[str, Any] = _ask(url, f"/{INDEX}*/_stats/store")
    return float(sizes["_all"]["primaries"]["store"]["size_in_bytes"])


def _ask(url: str, path: str, method: str = "GET") -> Any:
    with urllib.request.urlopen(urllib.request.Request(url + path, method=method), timeout=600) as answer:
        return json.load(answer)
