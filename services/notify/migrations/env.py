"""Alembic's way into notify's tables."""

from services.chassis.migrate import run_env
from services.notify.models import Base

run_env(Base.metadata)
