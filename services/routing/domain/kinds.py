"""The kind that a petition's words speak for; a suggestion only, the petitioner's own choice stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from services.contracts.shared import Kind

#: Words by which a petitioner asks, proposes or complains, folded; the weights are hints.
KIND_WORDS: Final[Mapping[Kind, Mapping[str, float]]] = {
    "inquiry": {
        "请问": 3, "咨询": 3, "想问": 3, "怎么办理": 3, "如何办理": 3, "要办哪些": 3, "需要什么材料": 3, "怎么申请": 3,
        "怎么领": 2, "怎么报销": 2, "能不能办": 2, "去哪里": 2, "how do i": 3, "how can i": 3, "could you tell me": 3,
        "i would like to know": 3, "what documents": 3, "which documents": 3,
    },
    "suggestion": {
        "建议": 3, "提议": 3, "倡议": 3, "能不能增": 2, "希望增加": 2, "可不可以": 1, "能否增设": 3, "i suggest": 3,
        "suggestion": 3, "i propose": 3, "it would help if": 2,
    },
    "complaint": {
        "投诉": 3, "凭什么": 3, "强烈要求": 2, "欺骗": 2, "太过分": 3, "不给退": 2, "拒绝": 1, "拖欠": 2, "complain": 3,
        "refused to": 2, "unacceptable": 3, "fed up": 2,
    },
}  # fmt: skip

#: A kind is suggested from this score on, and when no other has half of it.
CLEAR = 3.0
#: A word in the title counts so much more than in the text.
TITLE = 2.0


def kind_of(title: Iterable[tuple[str, float]], body: Iterable[tuple[str, float]]) -> Kind | None:
    """The kind that the words speak for, None when none leads clearly.

    Args:
        title: kinds and weights of the words found in the title.
        body: of those in the text.
    """
    sums: dict[str, float] = defaultdict(float)
    for factor, found in ((TITLE, title), (1.0, body)):
        for kind, weight in found:
            sums[kind] += factor * weight
    ranked = sorted(sums.items(), key=lambda item: -item[1])
    if not ranked or ranked[0][1] < CLEAR or (len(ranked) > 1 and ranked[1][1] > ranked[0][1] / 2):
        return None
    return next(kind for kind in KIND_WORDS if kind == ranked[0][0])
