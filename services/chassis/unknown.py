"""Names in the environment that look like settings and are none: said at the start, with the name that was meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from services.chassis.settings import PREFIX, ServiceSettings

#: What our processes tell each other, and what tests tell them.
_OWN = frozenset({"READY_FD", "RESTARTED", "KILL_AT", "CI"})
#: Kubernetes writes the addresses of services into every pod (service links), with the release's name in front.
_LINK = re.compile(r"_(SERVICE_(HOST|PORT)(_\w+)?|PORT_\d+_\w+)$")


def unknown_names(
    environ: Mapping[str, str], classes: Mapping[str, type[ServiceSettings]], others: Iterable[str] = ()
) -> list[str]:
    """Names that nobody reads, each with the nearest that somebody does.

    Args:
        environ: the environment.
        classes: settings of each installed service.
        others: services that are not installed here; what is named after them is for them.
    """
    known = {PREFIX + name for name in _OWN}
    for service, cls in classes.items():
        for field in cls.model_fields:
            for stem in (f"{PREFIX}{field.upper()}", f"{PREFIX}{service.upper()}_{field.upper()}"):
                known |= {stem, f"{stem}_FILE"}
    theirs = tuple(f"{PREFIX}{name.upper()}_" for name in others)
    found = []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in known or name.startswith(theirs) or _LINK.search(name):
            continue
        near = get_close_matches(name, known, 1, 0.75)
        found.append(f"{name} (is {near[0]} meant?)" if near else name)
    return found
