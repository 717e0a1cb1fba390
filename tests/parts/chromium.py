"""Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.parts import absent


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A running browser; each test opens contexts (``new_context``) of its own and closes them."""
    program = shutil.which("chromium")
    if program is None:
        absent("Chromium", "chromium")
    arguments = ["--disable-dev-shm-usage"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # its sandbox does not work as root
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=arguments)
        yield opened
        opened.close()
