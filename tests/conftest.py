"""One PostgreSQL server and one whole stack for all tests that need them; each test makes areas of its own."""

from collections.abc import Iterator

import pytest

from services.embedded import postgres
from services.embedded.databases import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """PostgreSQL with Accord's databases and roles, and nothing in them."""
    with postgres.running(tmp_path_factory.mktemp("postgres"), {"fsync": "off"}) as running:
        yield running
