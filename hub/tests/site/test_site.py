"""The banner and the deployment mode, changed by several at once."""

from threading import Barrier, Thread

import pytest

pytestmark = pytest.mark.commits  # threads


def test_the_first_banner_and_the_first_drain_may_come_at_the_same_moment(hub):
    start, answers = Barrier(4), []

    def change(path: str, body: dict) -> None:
        start.wait()
        answers.append(hub.admin.call("PUT", f"site/{path}", json=body).status_code)

    changes = [("banner", {"message": "Hello"}), ("deployment-mode", {"on": True, "reason": "new version"})] * 2
    threads = [Thread(target=change, args=one) for one in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 4
    site = hub.admin.get("site")
    assert (site["banner"]["message"], site["deployment_mode"]) == ("Hello", True)
