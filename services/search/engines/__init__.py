"""The engines that hold the index. Only the chosen one is imported: a client that is not used takes no memory."""

from __future__ import annotations

from services.search.engines.port import (
    DEEPEST,
    FACETS,
    Document,
    Engine,
    EngineAway,
    Found,
    Hit,
    Search,
    Sort,
    Written,
)
from services.search.settings import Settings

__all__ = [
    "DEEPEST",
    "FACETS",
    "Document",
    "Engine",
    "EngineAway",
    "Found",
    "Hit",
    "Search",
    "Sort",
    "Written",
    "open_engine",
]

#: Subfolder of the data folder that holds the tantivy index.
FOLDER = "search-index"


def open_engine(settings: Settings) -> Engine:
    """The engine that the settings name. Nothing is opened or connected before it is first asked."""
    url = settings.elasticsearch_url.get_secret_value()
    if url:
        from services.search.engines.elastic import ElasticEngine

        return ElasticEngine(
            url,
            settings.elasticsearch_index,
            replicas=settings.elasticsearch_replicas,
            timeout=settings.elasticsearch_timeout,
            ca_file=settings.elasticsearch_ca_file or None,
        )
    from services.search.engines.embedded import TantivyEngine

    return TantivyEngine(settings.data_folder / FOLDER, settings.tantivy_heap_bytes)
