"""tantivy in process: the worker writes into a folder, the web role reads it and looks for commits at each query."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tantivy
from tantivy import Occur, Query

from services.chassis.ids import uuid7
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


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    for name in EXACT:
        builder.add_text_field(name, fast=name in FACETS, tokenizer_name="raw", index_option="basic")
    for name in TEXTS:
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    builder.add_integer_field("rank", fast=True)
    return builder.build()


class TantivyEngine:
    """The index in ``folder``. One process at a time may write, one call after the other; any number may read.

    Args:
        folder: where the index lives; a subfolder is made for each schema version.
        heap_bytes: memory of the writer.
    """

    native = True

    def __init__(self, folder: Path, heap_bytes: int = 15_000_000) -> None:
        self._path = folder / f"v{SCHEMA}"
        self._heap = heap_bytes
        self._schema = _schema()
        self._writer: Any = None
        self._reader: Any = None

    # ── writing ────────────────────────────────────────────────────────────────────────────────────
    def identity(self) -> str:
        self._open_writer()
        return f"tantivy:{self._name().read_text(encoding='ascii')}"

    def count(self) -> int:
        reader = self._searcher()
        return 0 if reader is None else int(reader.num_docs)

    def write(self, documents: Sequence[Document]) -> Written:
        self._open_writer()
        refused: dict[str, str] = {}
        try:
            for document in documents:
                try:
                    made = _tantivy_document(document)
                except (ValueError, OverflowError, TypeError):
                    # One that cannot even be made must not hold up the others.
                    refused[document.petition_id] = "tantivy_refused"
                    continue
                self._writer.delete_documents_by_term("id", document.petition_id)
                self._writer.add_document(made)
            self._writer.commit()
        except (ValueError, OSError) as error:
            # What was half written is forgotten with the writer; the rows still wait.
            self._writer = None
            raise EngineAway("tantivy_write_failed") from error
        return Written(refused)

    def wipe(self) -> None:
        self._open_writer()
        try:
            self._writer.delete_all_documents()
            self._writer.commit()
            self._name().write_text(uuid7(), encoding="ascii")
        except (ValueError, OSError) as error:
            self._writer = None
            raise EngineAway("tantivy_write_failed") from error

    def close(self) -> None:
        if self._writer is not None:
            self._writer.wait_merging_threads()
        self._writer = self._reader = None

    def _name(self) -> Path:
        return self._path / "identity"

    def _open_writer(self) -> None:
        # The folder may have been removed under us; then this writer writes to nowhere.
        if self._writer is not None and self._name().exists():
            return
        self._writer = None
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            index = self._open_or_replace()
            self._writer = index.writer(heap_size=self._heap, num_threads=1)
            if not self._name().exists():
                self._name().write_text(uuid7(), encoding="ascii")
        except ValueError as error:
            raise EngineAway("tantivy_locked" if "LockBusy" in str(error) else "tantivy_unreadable") from error
        except OSError as error:
            raise EngineAway("tantivy_folder") from error

    def _open_or_replace(self) -> Any:
        try:
            return tantivy.Index(self._schema, path=str(self._path))
        except ValueError:
            # Damaged, or of another tantivy. Nothing is lost: it gets a new identity and is filled from the rows.
            shutil.rmtree(self._path)
            self._path.mkdir(parents=True)
            return tantivy.Index(self._schema, path=str(self._path))

    # ── reading ────────────────────────────────────────────────────────────────────────────────────
    def _searcher(self) -> Any:
        """A searcher on the last commit; None while there is no index."""
        if not (self._path / "meta.json").exists():
            self._reader = None
            return None
        reader = self._reader
        if reader is not None:
            try:
                reader.reload()
                return reader.searcher()
            except (ValueError, OSError):
                # The index was made anew under the reader.
                self._reader = None
        try:
            reader = tantivy.Index.open(str(self._path))
            reader.config_reader("manual")
            reader.reload()
            self._reader = reader
            return reader.searcher()
        except (ValueError, OSError) as error:
            raise EngineAway("tantivy_unreadable") from error

    def search(self, search: Search) -> Found:
        searcher = self._searcher()
        if searcher is None:
            return Found()
        base = [(Occur.Must, self._words(search)), (Occur.Must, self._any_of("readers", sorted(search.audience.keys)))]
        every = {name: (Occur.Must, self._any_of(name, [value])) for name, value in search.filters.items()}
        query = Query.boolean_query([*base, *every.values()])
        by_time = search.sort == "newest"
        result = searcher.search(
            query, limit=search.limit, offset=search.offset, order_by_field="rank" if by_time else None
        )
        hits = [
            Hit(searcher.doc(address).get_first("id"), None if by_time else float(key)) for key, address in result.hits
        ]
        facets: dict[str, Sequence[tuple[str, int]]] = {}
        free = [name for name in FACETS if name not in search.filters]
        facets.update(_counts(searcher, query, free))
        for name in search.filters:
            others = [clause for other, clause in every.items() if other != name]
            facets.update(_counts(searcher, Query.boolean_query([*base, *others]), [name]))
        return Found(result.count or 0, hits, {name: facets[name] for name in FACETS})

    def _any_of(self, name: str, values: Sequence[str]) -> Query:
        return Query.const_score_query(Query.term_set_query(self._schema, name, list(values)), 0.0)

    def _words(self, search: Search) -> Query:
        if search.number is not None:
            return self._any_of("number", [search.number])
        if not search.runs:
            return Query.const_score_query(Query.all_query(), 0.0)
        groups = demanded(search.runs, loose=search.loose)
        return _enough([_enough([self._term(term) for term in group], search.loose) for group in groups], False)

    def _term(self, term: str) -> Query:
        fields = [
            Query.boost_query(Query.term_query(self._schema, name, term, "freq"), weight)
            for name, weight in TEXTS.items()
        ]
        return Query.disjunction_max_query(fields, TIE)


def _enough(queries: list[Query], loose: bool) -> Query:
    """As many of ``queries`` as the rule demands (domain.must_match)."""
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query(
        [(Occur.Should, query) for query in queries], minimum_number_should_match=must_match(len(queries), loose=loose)
    )


def _counts(searcher: Any, query: Query, names: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
    if not names:
        return {}
    terms = {name: {"terms": {"field": name, "size": FACET_VALUES, "segment_size": FACET_VALUES}} for name in names}
    answer = searcher.aggregate(query, terms)
    return {name: by_count([(b["key"], b["doc_count"]) for b in answer[name]["buckets"]]) for name in names}


def _tantivy_document(document: Document) -> tantivy.Document:
    made = tantivy.Document()
    made.add_text("id", document.petition_id)
    for name, value in document.fields().items():
        for one in [value] if isinstance(value, str) else value:
            made.add_text(name, one)
    made.add_integer("rank", document.rank)
    return made
