"""Every object against Kubernetes' own schemas and those of the operators; a policy scanner's opinion."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.deploy.tools import CASES, CHART, VERSIONS, Document, name_of, objects, rendered, run

# The scanner takes a minute on a machine that has other things to do.
pytestmark = pytest.mark.timeout(400)

SCHEMAS = Path(__file__).parent / "schemas"
#: Schema of each kind that is not Kubernetes' own; made by `python -m tests.deploy.making.operator_schemas`.
OPERATORS = {
    (entry["apiVersion"], entry["kind"]): entry["schema"]
    for entry in json.loads((SCHEMAS / "operators.json").read_text(encoding="utf-8"))["kinds"]
}
#: Checks of checkov that are left out, each with the reason.
EXCEPTIONS: dict[str, dict[str, str]] = yaml.safe_load((CHART.parent / "checkov.yaml").read_text(encoding="utf-8"))


def is_operators(one: Document) -> bool:
    return (one["apiVersion"], one["kind"]) in OPERATORS


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_of_kubernetes_own_kinds_fits_its_strict_schema(version: str, tmp_path: Path) -> None:
    # Most examples share most of their objects; each is looked at once.
    every = {json.dumps(one, sort_keys=True): one for case in CASES for one in objects(case, version)}
    own = [one for one in every.values() if not is_operators(one)]
    assert len(own) > 100
    path = tmp_path / "objects.yaml"
    path.write_text("\n---\n".join(map(json.dumps, own)), encoding="utf-8")
    done = run("kubernetes-validate", "--strict", "--quiet", "--kubernetes-version", version, path)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    # A kind that it does not know is only a warning to it.
    assert "WARN" not in said, said


def test_that_check_would_find_a_misspelt_field(tmp_path: Path) -> None:
    job = copy.deepcopy(next(one for one in objects("small") if one["kind"] == "Job"))
    job["spec"]["backofLimit"] = 3
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump(job), encoding="utf-8")
    done = run("kubernetes-validate", "--strict", "--kubernetes-version", VERSIONS[-1], path)
    assert done.returncode != 0
    assert "backofLimit" in done.stdout + done.stderr


@pytest.mark.parametrize("case", CASES)
def test_every_object_of_an_operators_kind_fits_its_schema(case: str) -> None:
    for one in objects(case):
        if is_operators(one):
            schema = OPERATORS[one["apiVersion"], one["kind"]]
            jsonschema.validate(one, schema, format_checker=jsonschema.FormatChecker())


def test_the_examples_use_every_operators_kind_that_there_is_a_schema_for() -> None:
    used = {(one["apiVersion"], one["kind"]) for case in CASES for one in objects(case)}
    assert set(OPERATORS) <= used


def test_the_operators_schemas_would_find_a_misspelt_field() -> None:
    for key, schema in OPERATORS.items():
        (one, *_) = [o for case in CASES for o in objects(case) if (o["apiVersion"], o["kind"]) == key]
        broken = copy.deepcopy(one)
        broken["spec"]["misspelt"] = 1
        with pytest.raises(jsonschema.ValidationError, match="misspelt"):
            jsonschema.validate(broken, schema)


def test_checkov_finds_nothing_that_is_not_on_the_list_of_exceptions(tmp_path: Path) -> None:
    for case in CASES:
        (tmp_path / f"{case}.yaml").write_text(rendered(case), encoding="utf-8")
    done = run(
        "checkov", "--directory", tmp_path, "--framework", "kubernetes", "--compact", "--quiet", "--skip-download",
        "--output", "json", seconds=240,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["summary"]["passed"] > 1000, found["summary"]
    failed, used = set(), set()
    for one in found["results"]["failed_checks"]:
        kind = one["resource"].partition(".")[0]
        for group in ("every", kind):
            if one["check_id"] in EXCEPTIONS.get(group, {}):
                used.add((group, one["check_id"]))
                break
        else:
            failed.add(f"{one['check_id']} {one['check_name']}: {one['resource']}")
    assert not failed, "\n".join(sorted(failed))
    assert used == {(group, check) for group, checks in EXCEPTIONS.items() for check in checks}, "one is needed no more"


def test_every_exception_has_its_reason() -> None:
    reasons = [reason for checks in EXCEPTIONS.values() for reason in checks.values()]
    assert reasons
    assert all(reason.endswith(".") and len(reason) > 20 for reason in reasons)


@pytest.mark.parametrize("case", CASES)
def test_no_two_objects_share_kind_and_name(case: str) -> None:
    names = [name_of(one) for one in objects(case)]
    assert len(set(names)) == len(names)
