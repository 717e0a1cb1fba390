"""Alembic's way into the migrations of search."""

from __future__ import annotations

from services.chassis.migrate import run_env
from services.search.models import Base

run_env(Base.metadata)
