"""The figures are what their names say, held against cases reckoned by hand."""

from __future__ import annotations

import pytest

from services.routing.judgement.figures import Tried, by_label, calibration_error, figures, macro_f1, surest


def tried(label: str, said: str | None, confidence: float = 0.5) -> Tried:
    return Tried(label, said, confidence, abstains=False)


def test_f1_is_the_mean_over_labels_not_over_rows() -> None:
    found = [tried("水", "水")] * 9 + [tried("电", "水")]
    # 水: precision 0.9, recall 1; 电: nothing.
    assert macro_f1(found) == pytest.approx((2 * 9 / 19) / 2)


def test_a_label_that_was_said_and_never_true_counts_as_well() -> None:
    assert by_label([tried("水", "气")])["气"].precision == 0.0
    assert macro_f1([tried("水", "水"), tried("水", "气")]) == pytest.approx((2 / 3) / 2)


def test_saying_nothing_is_a_miss_of_its_label_alone() -> None:
    assert list(by_label([tried("水", None)])) == ["水"]
    assert macro_f1([tried("水", None)]) == 0.0


def test_the_surest_are_those_of_the_highest_confidence() -> None:
    found = [tried("水", "水", at / 100) for at in range(100)]
    assert sorted(one.confidence for one in surest(found)) == [at / 100 for at in range(15, 100)]


def test_a_confidence_that_is_kept_has_no_calibration_error() -> None:
    found = [tried("水", "水" if at % 4 else "电", 0.75) for at in range(600)]
    assert calibration_error(found) == pytest.approx(0.0, abs=1e-9)


def test_boasting_shows_as_calibration_error() -> None:
    found = [tried("水", "水" if at % 2 else "电", 1.0) for at in range(300)]
    assert calibration_error(found) == pytest.approx(0.5)


def test_fewer_rows_than_bins_are_no_trouble() -> None:
    assert calibration_error([tried("水", "水", 0.9)]) == pytest.approx(0.1)
    assert calibration_error([]) == 0.0


def test_the_keys_are_those_that_are_promised() -> None:
    found = figures([tried("水", "水", 0.9), tried("电", "水", 0.6)], 0.004)
    assert set(found) == {"rows", "macro_f1", "per_class", "macro_f1_at_85", "ece", "ms_per_petition"}
    assert found["rows"] == 2
    assert found["ms_per_petition"] == pytest.approx(2.0)
    assert found["per_class"] == {"水": pytest.approx(0.6667), "电": 0.0}
