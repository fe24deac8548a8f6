"""Certificates for tests of sessions: an authority that this machine trusts meanwhile."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sending.smtp import tls_context
from tests.sending.smtpserver import Authority, make_authority


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    made = make_authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.trusted))
    tls_context.cache_clear()
    yield made
    tls_context.cache_clear()
