"""One running house for the tests in the browser, the people in front of it, and its pages laid out to be looked at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e.gallery import Gallery
from tests.e2e.people import People
from tests.house import House


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A running house; tests make their own petitions."""
    running = House(tmp_path_factory.mktemp("house-e2e"), WENZHENG_FORM_PER_MINUTE="600").start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="package")
def everybody(browser: Browser, house: House) -> Iterator[People]:
    """People whose pages stay open from test to test."""
    with People(browser, house) as people:
        yield people


@pytest.fixture
def people(browser: Browser, everybody: People) -> Iterator[People]:
    """People whose pages are closed after the test; staff who signed in once need no password again."""
    with People(browser, everybody.house, everybody.signed_in) as people:
        yield people


@pytest.fixture(scope="package")
def gallery(everybody: People) -> Gallery:
    """The main pages of the house, each opened once and kept open."""
    return Gallery(everybody)
