"""Which keys a process must be given where many of them share one database."""

from __future__ import annotations

from services.chassis.errors import Exit, StartError
from services.chassis.house import SECRET_FILE
from services.chassis.identity import KEY_FILE, PUBLIC_FILE
from services.chassis.settings import ServiceSettings, masked


def require_keys(service: str, settings: ServiceSettings, role: str) -> None:
    """Refuse to make a key where several processes must share it: each would make its own.

    On PostgreSQL the processes of a service may be many and far apart; there, a key is given or was kept before.

    Args:
        service: its name.
        settings: its settings.
        role: "web" or "worker"; only pages know staff.

    Raises:
        StartError: with every key that is missing.
    """
    if not settings.database_url.get_secret_value().startswith("postgresql"):
        return
    needed = [("secret_key", SECRET_FILE)]
    if role == "web":
        signs = hasattr(settings, "staff_key")
        needed.append(("staff_key", KEY_FILE) if signs else ("staff_public_key", PUBLIC_FILE))
    missing = [
        f"WENZHENG_{name.upper()}_FILE"
        for name, file in needed
        if masked(getattr(settings, name)) == "" and not (settings.data_folder / file).exists()
    ]
    if missing:
        raise StartError(
            f"{service} on PostgreSQL makes no keys of its own, since every process must have the same: "
            f"give {' and '.join(missing)} (docs/limits.md says how to make them)",
            Exit.SECRET,
        )
