"""What of a name or an address may be shown to staff."""

from __future__ import annotations


def mask_name(name: str) -> str:
    """``宋以棠`` → ``宋**``."""
    return f"{name.strip()[:1]}**" if name.strip() else ""


def mask_phone(phone: str) -> str:
    """``+8613800130117`` → ``138****0117``; of a short number only the end is shown."""
    digits = "".join(c for c in phone.removeprefix("+86") if c.isdigit())
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 9 else f"****{digits[-2:]}"


def mask_mail(mail: str) -> str:
    """``yitang.song@example.org`` → ``y***@example.org``."""
    local, _, host = mail.rpartition("@")
    return f"{local[:1]}***@{host}" if local else "***"


def mask_address(recipient: str, address: str) -> str:
    """A citizen's address as staff may see it; a unit's office and a portal's id are no secret."""
    if recipient != "citizen" or not address:
        return address
    return mask_mail(address) if "@" in address else mask_phone(address)
