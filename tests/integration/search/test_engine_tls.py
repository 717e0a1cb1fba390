"""Elasticsearch over TLS: its certificate is checked, and what is wrong with it is told by a code of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.search.engines import EngineAway, open_engine
from services.search.settings import Settings
from tests.parts.tls import Authority, tls_port


@pytest.mark.parametrize("expired", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_a_certificate_that_ran_out_or_whose_ca_nobody_named_is_told(
    tmp_path: Path, expired: bool, named: bool
) -> None:
    ca = Authority(tmp_path)
    with tls_port(ca.issue(expired=expired)) as port:
        settings = Settings(
            elasticsearch_url=f"https://localhost:{port}", elasticsearch_ca_file=str(ca.file) if named else ""
        )
        engine = open_engine(settings)
        with pytest.raises(EngineAway) as caught:
            engine.count()
    # A good one of a known CA gets as far as the server, which is none.
    good = named and not expired
    assert str(caught.value) == ("elasticsearch_unreachable" if good else "elasticsearch_certificate")
