"""Alembic environment of routing."""

from __future__ import annotations

from services.chassis.migrate import run_env
from services.routing.models import Base

run_env(Base.metadata)
