"""`wenzheng judge retrain | models | promote | rollback`: from decisions to a judgement in force, and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from services.chassis.errors import Refusal
from services.routing import store
from services.routing.commands import app
from services.routing.handlers import desk
from services.routing.handlers.desk import Target
from services.routing.models import Case, JudgeModel
from tests.integration.routing.deciding import CULTURE, PLACES

RUN = CliRunner()
FIGURES = {"rows", "macro_f1", "macro_f1_at_85", "ece", "ms_per_petition", "dispatched", "dispatched_right"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands find the house of the test."""
    monkeypatch.setenv("WENZHENG_DATA_FOLDER", str(tmp_path))


#: What is wrong with the lanterns later.
LATER = (
    "竹条戳出来划破了行人的袖子",
    "绸布让雨淋透以后垂到车顶上",
    "灯座锈断，夜里砸在石阶上",
    "红纸糊的罩子被风撕开一半",
    "挂钩松了，整排往一边倒",
    "底下的木桩被白蚁蛀空",
    "彩绘脱落，掉进了水沟",
    "铁丝支棱着，孩子够得着",
    "灯穗缠住了路边的树枝",
    "架顶积水，一碰就往下浇",
    "绑绳烂了，横梁悬在半空",
    "拆了一半就没有人再来",
)


def said(*arguments: str) -> str:
    result = RUN.invoke(app, ["judge", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def refusal(*arguments: str) -> str:
    result = RUN.invoke(app, ["judge", *arguments])
    assert isinstance(result.exception, Refusal), result.output
    return result.exception.code


def retrained() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said("retrain", "--json"))
    return found


def in_force(bench: Any) -> str | None:
    with bench.house.database.read() as session:
        return store.learned.champion(session)


def states(*, of: str = "state") -> dict[str, Any]:
    return {one["id"]: one[of] for one in map(json.loads, said("models", "--json").splitlines())}


def more(bench: Any, staff: Any, first: int = 0, end: int = len(LATER)) -> None:
    """Later decisions in other words, so that they can be measured on and the next training gives another model."""
    for number in range(first, end):
        text = f"{PLACES[number % len(PLACES)]}{LATER[number]}，请文化部门来人看看。"
        event = bench.petition(f"花灯散架第{number}处", text)
        bench.deliver(event)
        with bench.house.work() as work:
            case = work.get(Case, event.petition_id)
            # What was sent by rule counts once the unit accepts it.
            if case.state == "dispatched":
                desk.accept(work, staff("officer", unit=case.unit_id), Target(event.number))
            else:
                desk.dispatch(work, staff("dispatcher"), Target(event.number), CULTURE, "按职责分工由该单位承办")


def damage(bench: Any, name: str) -> None:
    with bench.house.work() as work:
        data = bytearray(work.session.scalars(select(JudgeModel.data).where(JudgeModel.id == name)).one())
        data[len(data) // 2] ^= 1
        work.session.execute(update(JudgeModel).where(JudgeModel.id == name).values(data=bytes(data)))


def test_a_training_keeps_a_challenger_and_changes_nothing(decided: Any, staff: Any) -> None:
    more(decided, staff)
    found = retrained()
    assert found["rows"] == 72 and found["challenger"]["rows"] == found["measured_on"] > 0
    assert FIGURES - {"dispatched_right"} <= set(found["challenger"]) <= FIGURES
    assert set(found["directory"]) <= FIGURES
    assert "champion" not in found and "beside" not in found
    assert states() == {found["id"]: "challenger"}
    assert in_force(decided) is None


def test_a_training_shows_what_to_do_next(decided: Any) -> None:
    text = said("retrain")
    assert "60 decisions" in text and "Directory alone" in text and "Challenger" in text
    assert "wenzheng judge promote" in text


def test_where_the_newest_decisions_only_repeat_older_ones_no_figure_is_made_up(decided: Any) -> None:
    found = retrained()
    assert found["measured_on"] == 0
    assert "challenger" not in found and "directory" not in found
    table = said("retrain")
    assert table.count("no rows") == 2 and "0.000" not in table
    assert "0.000" not in said("models")


def test_too_few_decisions_are_refused_and_leave_nothing(bench: Any, staff: Any) -> None:
    more(bench, staff)
    assert refusal("retrain") == "too_few_decisions"
    assert "nothing was trained yet" in said("models")


def test_a_person_promotes_and_is_remembered(decided: Any) -> None:
    name = retrained()["id"]
    assert f"{name} is in force" in said("promote", name, "--by", "lin")
    assert in_force(decided) == name
    assert states() == {name: "champion"} and states(of="promoted_by") == {name: "lin"}
    assert "champion" in said("models")


def test_a_champion_that_has_learned_from_everything_measured_has_no_figure(decided: Any, staff: Any) -> None:
    more(decided, staff)
    name = retrained()["id"]
    said("promote", name)
    again = retrained()
    assert again["beside"] == name and again["measured_on"] > 0
    assert "champion" not in again and "challenger_on_the_same" not in again
    table = said("retrain")
    assert table.count("no rows") == 1 and "Champion" in table


def test_a_champion_is_measured_beside_the_challenger_on_what_neither_learned_from(decided: Any, staff: Any) -> None:
    more(decided, staff, end=6)
    said("promote", retrained()["id"])
    more(decided, staff, first=6)
    found = retrained()
    assert 0 < found["champion"]["rows"] == found["challenger_on_the_same"]["rows"] < found["measured_on"]
    assert "Challenger there" in said("retrain")


def test_going_back_leads_to_the_one_before_and_then_to_the_directory(decided: Any, staff: Any) -> None:
    first = retrained()["id"]
    said("promote", first)
    more(decided, staff)
    second = retrained()["id"]
    said("promote", second)
    assert states() == {first: "former", second: "champion"}
    assert f"{first} is in force again" in said("rollback", "--by", "lin")
    assert states() == {first: "champion", second: "refused"}
    assert "the directory decides" in said("rollback", "--to-directory")
    assert in_force(decided) is None
    assert refusal("rollback") == "no_model_in_force"


def test_without_a_model_there_is_nothing_to_go_back_from(bench: Any) -> None:
    assert refusal("rollback") == "no_model_in_force"


def test_a_model_that_nobody_trained_cannot_be_promoted(bench: Any) -> None:
    assert refusal("promote", "deadbeef") == "unknown_model"


def test_a_damaged_model_is_not_put_in_force(decided: Any) -> None:
    name = retrained()["id"]
    damage(decided, name)
    assert refusal("promote", name) == "model_damaged"
    assert in_force(decided) is None


def test_a_damaged_model_in_force_does_not_stop_the_next_training_and_can_be_left(decided: Any, staff: Any) -> None:
    name = retrained()["id"]
    said("promote", name)
    damage(decided, name)
    more(decided, staff)
    result = RUN.invoke(app, ["judge", "retrain", "--json"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "[model_damaged]" in result.stderr
    found = json.loads(result.stdout)
    assert "champion" not in found and "beside" not in found
    said("promote", found["id"])
    assert in_force(decided) == found["id"]
