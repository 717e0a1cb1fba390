"""Elasticsearch 8.19 or 9: one index behind an alias, built-in analysis only, no script, no module of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from elastic_transport import TlsError, TransportError
from elasticsearch8 import ApiError, Elasticsearch, helpers

from services.search.domain import demanded, must_match
from services.search.engines.port import (
    EXACT,
    FACET_VALUES,
    FACETS,
    SCHEMA,
    TEXTS,
    TIE,
    Document,
    EngineAway,
    Found,
    Hit,
    Search,
    Written,
    by_count,
)

T = TypeVar("T")

#: Bytes of one bulk request.
BULK_BYTES: Final = 5 * 1024 * 1024
#: Seconds for a bulk request or making an index.
WRITE_TIMEOUT: Final = 30.0

#: The tokens are made in Python, so whitespace is all the analysis there is. No ``_source``: the text is read
#: from the rows, and a copy less of what citizens write is kept.
MAPPINGS: Final[dict[str, Any]] = {
    "dynamic": "strict",
    "_source": {"enabled": False},
    "properties": {
        **{name: {"type": "keyword"} for name in EXACT},
        **{name: {"type": "text", "analyzer": "whitespace", "index_options": "freqs"} for name in TEXTS},
        "rank": {"type": "long"},
    },
}


class ElasticEngine:
    """The index behind the alias ``<prefix>-v<schema>``.

    Args:
        url: address of the server, with user and password where needed.
        prefix: first part of the names of alias and index.
        replicas: copies kept.
        timeout: seconds to wait for an answer to a search.
        ca_file: CA certificates that its own is checked with; None: those of the system.
    """

    native = False

    def __init__(
        self, url: str, prefix: str, *, replicas: int = 1, timeout: float = 5.0, ca_file: str | None = None
    ) -> None:
        # Compatibility headers of version 8 are understood by servers 8 and 9. Waiting and trying again is
        # left to the sender loop and to whoever reads the page.
        trust: dict[str, Any] = {"ca_certs": ca_file} if ca_file else {}
        self._client = Elasticsearch(url, request_timeout=timeout, max_retries=0, retry_on_timeout=False, **trust)
        self._slow = self._client.options(request_timeout=WRITE_TIMEOUT)
        self._alias = f"{prefix}-v{SCHEMA}"
        self._replicas = replicas

    # ── writing ────────────────────────────────────────────────────────────────────────────────────
    def identity(self) -> str:
        return _asked(self._identity)

    def _identity(self) -> str:
        indexes = self._indexes()
        if not indexes:
            self._make(f"{self._alias}-1")
            indexes = self._indexes()
        name = next(reversed(indexes))
        return f"elasticsearch:{name}:{indexes[name]}"

    def _indexes(self) -> dict[str, str]:
        """Unique id by name of the indexes behind the alias, the newest last; one, but for a wipe cut short."""
        try:
            answer = self._client.indices.get_settings(index=self._alias, name="index.uuid")
        except ApiError as error:
            if error.status_code == 404:
                return {}
            raise
        names = sorted(answer, key=lambda name: int(name.rpartition("-")[2]))
        return {name: answer[name]["settings"]["index"]["uuid"] for name in names}

    def _make(self, name: str) -> None:
        try:
            self._slow.indices.create(
                index=name,
                mappings=MAPPINGS,
                settings={"number_of_shards": 1, "number_of_replicas": self._replicas},
                aliases={self._alias: {"is_write_index": True}},
                wait_for_active_shards=1,
            )
        except ApiError as error:
            # Two workers start at once: the other one made it.
            if "resource_already_exists" not in str(error.error):
                raise

    def count(self) -> int:
        return _asked(lambda: int(self._client.count(index=self._alias, ignore_unavailable=True)["count"]))

    def write(self, documents: Sequence[Document]) -> Written:
        return _asked(lambda: self._write(documents))

    def _write(self, documents: Sequence[Document]) -> Written:
        refused: dict[str, str] = {}
        later: dict[str, str] = {}
        outcomes = helpers.streaming_bulk(
            self._slow,
            [self._action(document) for document in documents],
            max_chunk_bytes=BULK_BYTES,
            raise_on_error=False,
            raise_on_exception=True,
            refresh=True,
            # Without it a removed index would come back with a guessed mapping.
            require_alias=True,
        )
        for good, item in outcomes:
            outcome = item["index"]
            status = outcome["status"]
            # 409: the index has a later version already, from another worker.
            if good or status == 409:
                continue
            if status in (401, 403, 404):
                # It is the index or our right to it, whatever the document.
                raise EngineAway(_code(status))
            if status in (400, 413):
                refused[outcome["_id"]] = "elasticsearch_refused"
            else:
                later[outcome["_id"]] = _code(status)
        return Written(refused, later)

    def _action(self, document: Document) -> dict[str, Any]:
        return {
            "_op_type": "index",
            "_index": self._alias,
            "_id": document.petition_id,
            # An older version never replaces a later one, whoever comes last.
            "version": document.version,
            "version_type": "external_gte",
            **document.fields(),
            "rank": document.rank,
        }

    def wipe(self) -> None:
        _asked(self._wipe)

    def _wipe(self) -> None:
        old = list(self._indexes())
        number = int(old[-1].rpartition("-")[2]) + 1 if old else 1
        name = f"{self._alias}-{number}"
        self._slow.indices.create(
            index=name,
            mappings=MAPPINGS,
            settings={"number_of_shards": 1, "number_of_replicas": self._replicas},
            wait_for_active_shards=1,
        )
        # One step: nobody ever sees the alias without an index.
        actions: list[dict[str, Any]] = [
            {"add": {"index": name, "alias": self._alias, "is_write_index": True}},
            *({"remove_index": {"index": index}} for index in old),
        ]
        self._slow.indices.update_aliases(actions=actions)

    def remove(self) -> None:
        """Remove every index behind the alias; the rows are untouched."""
        for name in _asked(self._indexes):
            _asked(lambda name=name: self._slow.indices.delete(index=name))  # type: ignore[misc]

    def close(self) -> None:
        self._client.close()

    # ── reading ────────────────────────────────────────────────────────────────────────────────────
    def search(self, search: Search) -> Found:
        answer = _asked(lambda: self._client.search(index=self._alias, ignore_unavailable=True, **_body(search)).body)
        counts = answer.get("aggregations")
        if counts is None:
            return Found()
        by_time = search.sort == "newest"
        hits = [Hit(hit["_id"], None if by_time else float(hit["_score"])) for hit in answer["hits"]["hits"]]
        facets = {
            name: by_count([(b["key"], b["doc_count"]) for b in counts[name]["values"]["buckets"]]) for name in FACETS
        }
        return Found(answer["hits"]["total"]["value"], hits, facets)


def _body(search: Search) -> dict[str, Any]:
    every = {name: {"term": {name: value}} for name, value in search.filters.items()}
    return {
        "query": {"bool": {**_words(search), "filter": _filters(search)}},
        # Filters by facet come after the counting, so that each facet is counted without its own.
        "post_filter": {"bool": {"filter": list(every.values())}},
        "aggs": {
            name: {
                "filter": {"bool": {"filter": [clause for other, clause in every.items() if other != name]}},
                "aggs": {"values": {"terms": {"field": name, "size": FACET_VALUES}}},
            }
            for name in FACETS
        },
        "sort": [{"rank": "desc"}] if search.sort == "newest" else ["_score", {"rank": "desc"}],
        "from_": search.offset,
        "size": search.limit,
        "track_total_hits": True,
        "source": False,
    }


def _filters(search: Search) -> list[dict[str, Any]]:
    filters: list[dict[str, Any]] = [{"terms": {"readers": sorted(search.audience.keys)}}]
    if search.number is not None:
        filters.append({"term": {"number": search.number}})
    return filters


def _words(search: Search) -> dict[str, Any]:
    if search.number is not None or not search.runs:
        return {}
    groups = demanded(search.runs, loose=search.loose)
    return {"must": [_enough([_enough([_term(term) for term in group], search.loose) for group in groups], False)]}


def _term(term: str) -> dict[str, Any]:
    fields = [{"term": {name: {"value": term, "boost": weight}}} for name, weight in TEXTS.items()]
    return {"dis_max": {"queries": fields, "tie_breaker": TIE}}


def _enough(queries: list[dict[str, Any]], loose: bool) -> dict[str, Any]:
    """As many of ``queries`` as the rule demands (domain.must_match)."""
    if len(queries) == 1:
        return queries[0]
    return {"bool": {"should": queries, "minimum_should_match": must_match(len(queries), loose=loose)}}


def _code(status: int) -> str:
    return {401: "elasticsearch_denied", 403: "elasticsearch_denied", 404: "elasticsearch_index_gone"}.get(
        status, "elasticsearch_busy" if status in (429, 503) else "elasticsearch_error"
    )


def _asked(call: Callable[[], T]) -> T:
    """Run ``call``; whatever the server or the way to it does wrong is ``EngineAway`` with a code and no text."""
    try:
        return call()
    except ApiError as error:
        raise EngineAway(_code(error.status_code)) from None
    except TlsError:
        raise EngineAway("elasticsearch_certificate") from None
    except TransportError:
        raise EngineAway("elasticsearch_unreachable") from None
