"""A download that broke off goes on where it ended."""

import hashlib

import pytest
from hub.tests.runs.test_story import initiate, join

CONTENT = bytes(range(256)) * 12_000  # a little over 3 MB: several chunks


@pytest.fixture
def finished(hub):
    alpha = hub.trust("alpha")
    run_id = initiate(hub, hub.model(hub.approved_project(alpha)))
    join(hub, run_id, alpha)
    hub.fl.finish(run_id, results=CONTENT)
    hub.settle()
    return hub, run_id


def ask(finished, **headers):
    hub, run_id = finished
    headers = {"authorization": f"Bearer {hub.researcher.token}", **headers}
    return hub.client.get(f"/api/v1/runs/{run_id}/results", headers=headers)


def test_the_whole_comes_with_its_hash_and_the_offer_of_ranges(finished):
    answer = ask(finished)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"] == f'"{hashlib.sha256(CONTENT).hexdigest()}"'


@pytest.mark.parametrize("start", [1, 2**20, len(CONTENT) - 1])
def test_an_open_range_gives_the_rest(finished, start):
    answer = ask(finished, range=f"bytes={start}-")
    assert (answer.status_code, answer.content) == (206, CONTENT[start:])
    assert answer.headers["content-range"] == f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"


@pytest.mark.parametrize("wanted", ["bytes=0-", "bytes=5-9", "bytes=-5", "bytes=1-,3-", "lines=5-", "nonsense"])
def test_any_other_range_gives_the_whole(finished, wanted):
    answer = ask(finished, range=wanted)
    assert (answer.status_code, answer.content) == (200, CONTENT)


def test_a_range_of_other_results_gives_the_whole(finished):
    assert ask(finished, **{"range": "bytes=5-", "if-range": '"another"'}).status_code == 200


def test_a_start_behind_the_end_is_refused(finished):
    answer = ask(finished, range=f"bytes={len(CONTENT)}-")
    assert (answer.status_code, answer.json()["code"]) == (416, "range_invalid")
    assert answer.json()["details"] == {"size_bytes": len(CONTENT)}
