"""One behaviour on both engines: tantivy and a real Elasticsearch find, count and order alike."""

from __future__ import annotations

import math
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from services.search.domain import AudienceFilter, number_keys, readers_of
from services.search.engines import Document, Engine, EngineAway, Found, Search, Written
from services.search.engines.elastic import ElasticEngine
from services.search.engines.embedded import TantivyEngine
from services.search.tokens import cut, runs

ALL = AudienceFilter(frozenset({"office", "sealed"}))
START = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)

#: id, kind, unit, line, state, audience, title, body, reply, supplements
CORPUS: list[tuple[str, str, str, list[str], str, str, str, str, str, str]] = [
    (
        "a1",
        "complaint",
        "urban",
        ["county"],
        "replied",
        "units",
        "锦梭路工地夜里噪音扰民",
        "打桩声一直响到凌晨，孩子睡不着。",
        "已责令夜间停工，噪音已消除。",
        "",
    ),
    (
        "a2",
        "complaint",
        "urban",
        ["county"],
        "dispatched",
        "units",
        "夜間施工噪音擾民",
        "工地晚上十一點還在卸鋼筋，請派人來管一管。",
        "",
        "",
    ),
    (
        "a3",
        "report",
        "urban",
        [],
        "accepted",
        "units",
        "小区门口路灯不亮",
        "巷口三盏路灯坏了两个月，老人晚上不敢出门。",
        "",
        "昨天又黑了一盏路灯。",
    ),
    (
        "a4",
        "report",
        "water",
        ["county"],
        "accepted",
        "units",
        "河水发黑发臭",
        "芦汀镇的河里漂着死鱼，水发黑，味道很大。",
        "",
        "",
    ),
    (
        "a5",
        "inquiry",
        "-",
        [],
        "submitted",
        "dispatchers",
        "How do I register my WiFi shop?",
        "I want to open a small shop near the old wharf.",
        "",
        "",
    ),
    (
        "a6",
        "suggestion",
        "housing",
        [],
        "closed",
        "units",
        "建议给老楼加装电梯",
        "六楼的老人下不了楼，电梯早该装了。路灯也要修。",
        "已列入今年加装电梯计划。",
        "",
    ),
    (
        "a7",
        "report",
        "-",
        [],
        "under_review",
        "sealed",
        "某干部收受礼金",
        "他在酒店收了施工方的钱，与噪音无关。",
        "",
        "",
    ),
    (
        "a8",
        "complaint",
        "housing",
        ["county"],
        "replied",
        "units",
        "物业费收了三年车库不亮灯",
        "地下车库的灯坏了一大半，物业说已经报修。",
        "物业已修好车库照明灯四十二盏。",
        "",
    ),
    (
        "a9",
        "inquiry",
        "water",
        [],
        "replied",
        "units",
        "水费单看不懂",
        "这个月水费多了一倍，是不是漏水？",
        "您家水表后的管道漏水，请先修管。",
        "",
    ),
]


def document(entry: tuple[Any, ...], index: int = 0, version: int = 1) -> Document:
    key, kind, unit, line, state, audience, title, body, reply, supplements = entry
    at = START + timedelta(days=9 * index)
    return Document(
        petition_id=key,
        version=version,
        numbers=number_keys(f"WZ-26010{index}-12345-6789{index}"),
        title=cut(title),
        body=cut(body),
        reply=cut(reply),
        supplements=cut(supplements),
        kind=kind,
        unit=unit,
        state=state,
        month=at.strftime("%Y-%m"),
        readers=readers_of(audience, None if unit == "-" else unit, line),
        submitted_at=at,
    )


DOCUMENTS = [document(entry, index) for index, entry in enumerate(CORPUS)]


@pytest.fixture(params=["tantivy", pytest.param("elasticsearch", marks=pytest.mark.elasticsearch)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty index in each of the engines."""
    if request.param == "tantivy":
        made: Engine = TantivyEngine(tmp_path)
    else:
        made = elastic(request)
    yield made
    made.close()


def elastic(request: pytest.FixtureRequest) -> ElasticEngine:
    url = request.getfixturevalue("elasticsearch")
    prefix = f"test-{uuid.uuid4().hex[:12]}"
    request.addfinalizer(lambda: ElasticEngine(url, prefix, timeout=30).remove())
    return ElasticEngine(url, prefix, replicas=0, timeout=30)


@pytest.fixture
def filled(engine: Engine) -> Engine:
    engine.identity()
    assert engine.write(DOCUMENTS) == Written()
    return engine


def ask(engine: Engine, words: str = "", **given: Any) -> Found:
    return engine.search(Search(audience=given.pop("audience", ALL), runs=runs(words), **given))


def ids(found: Found) -> list[str]:
    return [hit.petition_id for hit in found.hits]


def test_an_index_that_is_not_there_yet_finds_nothing(engine: Engine) -> None:
    found = ask(engine, "噪音")
    assert (found.total, list(found.hits)) == (0, [])
    assert set(found.facets) == {"kind", "unit", "state", "month"}
    assert engine.count() == 0


def test_a_new_index_finds_nothing(engine: Engine) -> None:
    engine.identity()
    assert ask(engine, "噪音").total == 0
    assert ask(engine).total == 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("噪音", {"a1", "a2", "a7"}),
        ("噪音扰民", {"a1", "a2"}),
        ("噪音擾民", {"a1", "a2"}),
        ("夜间施工", {"a2"}),
        ("路灯", {"a3", "a6"}),
        ("灯", {"a3", "a6", "a8"}),
        ("wifi", {"a5"}),
        ("ＷＩＦＩ shop", {"a5"}),
        ("漏水", {"a9"}),
        ("加装电梯", {"a6"}),
        ("物业 车库", {"a8"}),
        ("物业 死鱼", set()),
        ("昨天又黑了", {"a3"}),
        ("宇宙飞船", set()),
        ("工地晚上十一点还在卸钢筋，没有人来管", {"a2"}),
    ],
)
def test_words_find_what_holds_them(filled: Engine, words: str, expected: set[str]) -> None:
    found = ask(filled, words)
    assert set(ids(found)) == expected
    assert found.total == len(expected)


def test_a_match_in_the_title_comes_first(filled: Engine) -> None:
    assert ids(ask(filled, "路灯"))[0] == "a3"


def test_scores_fall(filled: Engine) -> None:
    scores = [hit.score for hit in ask(filled, "噪音").hits]
    assert None not in scores
    assert scores == sorted(scores, reverse=True)  # type: ignore[type-var]


def test_newest_comes_first_when_asked_for(filled: Engine) -> None:
    assert ids(ask(filled, sort="newest")) == [f"a{i}" for i in range(9, 0, -1)]
    assert ids(ask(filled, "灯", sort="newest")) == ["a8", "a6", "a3"]


def test_pages_follow_one_another_without_gap_or_repeat(filled: Engine) -> None:
    pages = [ids(ask(filled, sort="newest", offset=offset, limit=4)) for offset in (0, 4, 8)]
    assert [key for page in pages for key in page] == [f"a{i}" for i in range(9, 0, -1)]
    assert ask(filled, offset=9000, limit=1000).total == 9


@pytest.mark.parametrize("typed", ["WZ260103123456789" + "3", "2601031234567893"])
def test_a_number_finds_exactly_its_petition(filled: Engine, typed: str) -> None:
    found = ask(filled, number=typed)
    assert ids(found) == ["a4"]
    assert found.total == 1


@pytest.mark.parametrize("words", ["", "噪音", "灯", "水"])
@pytest.mark.parametrize(
    "filters", [{}, {"kind": "complaint"}, {"unit": "urban"}, {"state": "replied", "kind": "complaint"}, {"unit": "-"}]
)
def test_a_facet_counts_what_choosing_the_value_finds(filled: Engine, words: str, filters: dict[str, str]) -> None:
    found = ask(filled, words, filters=filters)
    for name, values in found.facets.items():
        assert [count for _, count in values] == sorted((count for _, count in values), reverse=True)
        for value, count in values:
            assert count == ask(filled, words, filters={**filters, name: value}).total > 0
        if name not in filters:
            assert sum(count for _, count in values) == found.total


def test_who_may_not_see_a_petition_finds_it_neither_in_hits_nor_in_counts(filled: Engine) -> None:
    for keys, expected in [
        ({"office"}, {"a1", "a2", "a3", "a4", "a5", "a6", "a8", "a9"}),
        ({"unit:urban"}, {"a1", "a2", "a3"}),
        ({"unit:county"}, {"a1", "a2", "a4", "a8"}),
        ({"sealed"}, {"a7"}),
        ({"sealed", "unit:water"}, {"a4", "a7", "a9"}),
        (set(), set()),
        ({"unit:nowhere"}, set()),
    ]:
        audience = AudienceFilter(frozenset(keys))
        for words in ("", "噪音"):
            found = ask(filled, words, audience=audience)
            assert set(ids(found)) == expected & set(ids(ask(filled, words)))
            for values in found.facets.values():
                assert sum(count for _, count in values) == found.total
    assert ask(filled, audience=AudienceFilter(frozenset({"office"})), number="WZ2601061234567896").total == 0


def test_writing_a_petition_again_replaces_it(filled: Engine) -> None:
    changed = replace(DOCUMENTS[0], version=2, title=cut("垃圾无人清运"), state="closed", readers=["sealed"])
    filled.write([changed])
    filled.write([changed])
    assert filled.count() == len(CORPUS)
    assert ids(ask(filled, "垃圾")) == ["a1"]
    assert "a1" not in ids(ask(filled, audience=AudienceFilter(frozenset({"unit:urban"}))))


def test_an_emptied_index_is_another_index(filled: Engine) -> None:
    before = filled.identity()
    assert filled.identity() == before
    filled.wipe()
    assert filled.identity() != before
    assert filled.count() == 0
    assert ask(filled).total == 0
    filled.write(DOCUMENTS)
    assert ask(filled).total == len(CORPUS)


def test_a_second_engine_on_the_same_index_sees_what_the_first_writes(tmp_path: Path) -> None:
    """The web role reads while the worker writes, also an index that is made after it began to read."""
    engine, reader = TantivyEngine(tmp_path), TantivyEngine(tmp_path)
    assert ask(reader).total == 0
    engine.identity()
    engine.write(DOCUMENTS[:3])
    assert ask(reader).total == 3
    engine.write(DOCUMENTS)
    assert ask(reader).total == 9


@pytest.mark.elasticsearch
def test_both_engines_find_count_and_order_alike(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    engines: list[Engine] = [TantivyEngine(tmp_path), elastic(request)]
    for one in engines:
        one.identity()
        one.write(DOCUMENTS)
    for words in (
        "噪音",
        "噪音扰民",
        "灯",
        "路灯 老人",
        "水",
        "物业说已经报修",
        "工地晚上十一点还在卸钢筋",
        "WiFi shop",
        "",
    ):
        for filters in ({}, {"kind": "complaint"}, {"unit": "urban", "state": "replied"}):
            here, there = (ask(one, words, filters=filters, sort="relevance" if words else "newest") for one in engines)
            assert here.total == there.total
            assert {k: list(v) for k, v in here.facets.items()} == {k: list(v) for k, v in there.facets.items()}
            assert order(here) == order(there)
            assert all((hit.score is None) == (not words) for hit in [*here.hits, *there.hits])
            for key in ids(here) if words else []:
                assert math.isclose(score_of(here, key), score_of(there, key), rel_tol=1e-4)


def score_of(found: Found, key: str) -> float:
    score = next(hit.score for hit in found.hits if hit.petition_id == key)
    assert score is not None
    return score


def order(found: Found) -> list[set[str]]:
    """Hits in their order, those of one score as a set."""
    if all(hit.score is None for hit in found.hits):
        return [{hit.petition_id} for hit in found.hits]
    groups = groupby(found.hits, key=lambda hit: round(hit.score or 0.0, 3))
    return [{hit.petition_id for hit in hits} for _, hits in groups]


@pytest.mark.elasticsearch
def test_elasticsearch_never_puts_an_older_version_over_a_newer_one(request: pytest.FixtureRequest) -> None:
    """Two workers may write one petition; whoever comes last must not win by that."""
    engine = elastic(request)
    engine.identity()
    engine.write([replace(DOCUMENTS[0], version=5, state="closed")])
    assert engine.write([replace(DOCUMENTS[0], version=4, state="accepted")]) == Written()
    assert dict(ask(engine).facets["state"]) == {"closed": 1}


@pytest.mark.elasticsearch
def test_an_elasticsearch_index_that_was_removed_is_noticed(request: pytest.FixtureRequest) -> None:
    engine = elastic(request)
    before = engine.identity()
    engine.remove()
    with pytest.raises(EngineAway) as caught:
        engine.write(DOCUMENTS)
    assert caught.value.code == "elasticsearch_index_gone"
    assert ask(engine).total == 0
    assert engine.identity() != before


def test_an_absent_elasticsearch_is_said_to_be_away() -> None:
    engine = ElasticEngine("http://127.0.0.1:9", "gone", timeout=1)
    for call in (engine.identity, engine.count, lambda: engine.write(DOCUMENTS), lambda: ask(engine)):
        with pytest.raises(EngineAway) as caught:
            call()
        assert caught.value.code == "elasticsearch_unreachable"
    engine.close()


def test_a_damaged_tantivy_index_is_made_anew(tmp_path: Path) -> None:
    engine = TantivyEngine(tmp_path)
    before = engine.identity()
    engine.write(DOCUMENTS)
    engine.close()
    (tmp_path / "v1" / "meta.json").write_text("{", encoding="utf-8")
    again = TantivyEngine(tmp_path)
    assert again.identity() != before
    assert again.count() == 0
    again.close()


def test_a_removed_tantivy_folder_is_noticed(tmp_path: Path) -> None:
    engine, reader = TantivyEngine(tmp_path), TantivyEngine(tmp_path)
    before = engine.identity()
    engine.write(DOCUMENTS)
    assert ask(reader).total == 9
    shutil.rmtree(tmp_path / "v1")
    assert ask(reader).total == 0
    engine.write(DOCUMENTS[:1])
    assert engine.identity() != before
    assert ask(reader).total == 1


def test_a_second_writer_is_refused_with_a_code(tmp_path: Path) -> None:
    first = TantivyEngine(tmp_path)
    first.identity()
    with pytest.raises(EngineAway) as caught:
        TantivyEngine(tmp_path).identity()
    assert caught.value.code == "tantivy_locked"
    first.close()
    second = TantivyEngine(tmp_path)
    assert second.identity()
    second.close()
