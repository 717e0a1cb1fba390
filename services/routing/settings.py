"""Settings of routing."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from services.chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """What routing needs beside the settings of every service."""

    directory_file: Path | None = Field(
        None, description="Directory imported when there is none yet (wenzheng up); empty: the sample county."
    )
    seed_accounts: bool = Field(
        True, description="Make staff accounts with passwords of their own where there are none (wenzheng up)."
    )
    staff_key: SecretStr = Field(
        SecretStr(""),
        description="Ed25519 private key (PEM) that staff tokens are signed with, one for all of routing; empty: made "
        "once in the data folder.",
    )
    session_hours: int = Field(12, ge=1, le=24, description="Hours after which staff must sign in again.")
    session_idle_minutes: int = Field(120, ge=5, le=1440, description="Minutes without a request that end a session.")
    sign_in_tries: int = Field(5, ge=3, le=20, description="Wrong passwords in a row that lock an account for a while.")
    sign_in_lock_minutes: int = Field(15, ge=1, le=1440, description="Minutes that an account stays locked.")
    topics_days: int = Field(
        30, ge=14, le=180, description="Days of petitions that `wenzheng judge topics` goes through."
    )
    topics_every_minutes: int = Field(
        30, ge=0, le=1440, description="Minutes between two such looks of `wenzheng up`; 0: never by itself."
    )
    topics_most: int = Field(
        5_000, ge=100, le=50_000, description="Most petitions it goes through, the newest; some 5 ms of a core each."
    )
    sign_ins_per_minute: int = Field(20, ge=1, le=1000, description="Sign-ins that one address may try in a minute.")
