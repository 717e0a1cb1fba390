"""The words of the field in both languages, so that every page calls a thing by one name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.contracts.envelope import Text


def _names(**names: tuple[str, str]) -> Mapping[str, Text]:
    return {code: Text(zh=zh, en=en) for code, (zh, en) in names.items()}


KIND_NAMES: Final = _names(
    complaint=("投诉", "Complaint"),
    report=("反映", "Report"),
    inquiry=("咨询", "Inquiry"),
    suggestion=("建议", "Suggestion"),
)

STATE_NAMES: Final = _names(
    submitted=("已提交", "Submitted"),
    under_review=("待研判", "Under review"),
    dispatched=("已交办", "Dispatched"),
    objected=("已退回", "Handed back"),
    accepted=("已受理", "Accepted"),
    replied=("已答复", "Replied"),
    closed=("已办结", "Closed"),
    withdrawn=("已撤回", "Withdrawn"),
)

#: Colour of a state's tag, everywhere alike: grey, blue, amber, green, red or purple.
STATE_TONES: Final[Mapping[str, str]] = {
    "submitted": "grey",
    "under_review": "amber",
    "dispatched": "blue",
    "objected": "amber",
    "accepted": "blue",
    "replied": "green",
    "closed": "green",
    "withdrawn": "grey",
}

CHANNEL_NAMES: Final = _names(
    form=("网上填报", "Online form"),
    api=("接口", "API"),
    call=("来电", "Call"),
    letter=("来信", "Letter"),
    visit=("来访", "Visit"),
    portal=("门户", "Portal"),
)

ROLE_NAMES: Final = _names(
    dispatcher=("交办员", "Dispatcher"),
    officer=("承办人", "Officer"),
    checker=("审核人", "Checker"),
    unit_head=("单位负责人", "Unit head"),
    supervisor=("督办员", "Supervisor"),
    sealed_officer=("检举控告专办员", "Sealed-case officer"),
    publisher=("公开审核员", "Publisher"),
    administrator=("系统管理员", "Administrator"),
)

#: Outcome of a reply (信访工作条例 Art. 32; the last two for inquiries and suggestions).
OUTCOME_NAMES: Final = _names(
    supported=("支持", "Supported"),
    explained=("解释说明", "Explained"),
    not_supported=("不予支持", "Not supported"),
    answered=("已解答", "Answered"),
    adopted=("采纳", "Adopted"),
)

#: Kinds of danger that routing's own rules know; a directory may name more.
RISK_NAMES: Final = _names(
    danger_to_life=("危及生命", "Danger to life"),
    gas=("燃气泄漏", "Gas leak"),
    fire=("火情火险", "Fire"),
    water=("断水与水患", "No water or flood"),
    power=("断电与带电危险", "No power or live wires"),
    heat_outage=("停暖", "No heat"),
    threats=("威胁报复", "Threats"),
    self_harm=("轻生", "Self-harm"),
    group_action=("群体聚集", "Group action"),
    report_on_person=("疑似检举控告", "Perhaps a report on a person"),
)


def name_of(names: Mapping[str, Text], code: str) -> Text:
    """The name of ``code``; the code itself where a newer publisher says one that is not known here."""
    return names.get(code) or Text(zh=code, en=code)
