"""The report on hot topics as one page that needs nothing else: no script, no font, no address to fetch from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.chassis.web import i18n
from services.routing.topics.report import Topic

_ROUTING: Final = Path(__file__).resolve().parents[1]
_STYLES: Final = Path(i18n.__file__).with_name("static") / "house.css"
_DAY: Final = {"zh-Hans": ("y年M月d日", "zh_Hans_CN"), "zh-Hant": ("y年M月d日", "zh_Hant_TW"), "en": ("d MMM y", "en")}
#: Columns of the little chart of each topic.
COLUMNS: Final = 36
#: Petitions listed of a topic.
LISTED: Final = 200


def topics_page(
    topics: Sequence[Topic],
    *,
    start: datetime,
    end: datetime,
    petitions: int,
    zone: ZoneInfo,
    language: str,
) -> str:
    """The page.

    Args:
        topics: the hottest first.
        start: the first moment of the period.
        end: its last moment.
        petitions: how many came in the period.
        zone: where days begin and end.
        language: zh-Hans, zh-Hant or en; what people wrote stays as they wrote it.
    """
    catalogue = i18n.Catalogue([_ROUTING / "locale", i18n.LOCALE])

    def t(msgid: str, /, **values: object) -> str:
        text = catalogue.text(language, msgid)
        return text % values if values else text

    def tn(singular: str, plural: str, n: int, /) -> str:
        return catalogue.plural(language, singular, plural, n) % {"n": f"{n:,}"}

    def day(at: datetime) -> str:
        pattern, locale = _DAY[language]
        return format_date(at.astimezone(zone).date(), pattern, locale=locale)

    environment = Environment(
        loader=FileSystemLoader(_ROUTING / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(t=t, tn=tn, day=day)
    hottest = max((topic.heat.heat for topic in topics), default=1.0) or 1.0
    return environment.get_template("routing/topics.html").render(
        language=language,
        # Our own file, and no text of anybody's.
        styles=Markup(_STYLES.read_text(encoding="utf-8")),  # noqa: S704
        topics=topics,
        shares=[round(100.0 * topic.heat.heat / hottest, 1) for topic in topics],
        charts=[_columns(topic, start, end) for topic in topics],
        listed=LISTED,
        start=start,
        end=end,
        petitions=petitions,
        grouped=sum(len(topic.rows) for topic in topics),
    )


def _columns(topic: Topic, start: datetime, end: datetime) -> list[tuple[int, float, int]]:
    """Place, height (0 … 1) and number of petitions of each column that has some."""
    span = max(end - start, timedelta(seconds=1))
    counts = Counter(
        min(int((row.at - start) / span * COLUMNS), COLUMNS - 1) for row in topic.rows if row.at is not None
    )
    most = max(counts.values(), default=1)
    return [(place, counts[place] / most, counts[place]) for place in sorted(counts)]
