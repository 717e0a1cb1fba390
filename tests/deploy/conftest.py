"""Fixtures for the tests of deploy/."""

from __future__ import annotations

from tests.deploy.image_parts import archived, images

__all__ = ["archived", "images"]
