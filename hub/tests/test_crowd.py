"""More requests at once than the hub has connections to its database."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from hub.tests.serving import serving

from flip_hub.db import Database

pytestmark = pytest.mark.commits  # another thread serves


def test_all_of_a_crowd_are_answered(hub):
    """Each keeps a connection from one thread's turn to the next: were there no bound, threads and they would wait."""
    database = Database(hub.database.url, pool_size=4)
    headers = {"authorization": f"Bearer {hub.admin.token}"}
    with serving(hub.settings, database) as base, ThreadPoolExecutor(80) as people:

        def look(_: int) -> int:
            return httpx.get(f"{base}/api/v1/projects", headers=headers, timeout=25, trust_env=False).status_code

        assert set(people.map(look, range(240))) == {200}
    database.close()
