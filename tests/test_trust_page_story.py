"""The trust's own page in Debian's Chromium: a reviewer approves with conditions, sees what left, withdraws.

The agent, the hub that hears of it and the OMOP database are real. The browser's part, with axe on every page in light,
dark and at 320 px, is `ui/e2e/trust-story.ts`.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from demo import story
from demo.client import HubClient
from demo.process import wait_until
from demo.stack import REPO, Stack

from flip_trust.synthetic import demo_query

pytestmark = pytest.mark.slow
TRUST = "trust-beta"
NEEDED = {
    "npx": shutil.which("npx"),
    "Chromium": shutil.which("chromium"),
    "axe": (REPO / "ui/node_modules/axe-core").is_dir(),
}
MISSING = ", ".join(name for name, there in NEEDED.items() if not there)


@pytest.fixture
def page(stack: Stack) -> Iterator[str]:
    """The address of beta's page."""
    process, address = stack.trusts[TRUST].start_page()
    yield address
    process.stop()


@pytest.mark.skipif(bool(MISSING), reason=f"needs {MISSING}")
def test_a_reviewer_decides_at_the_hospital_s_own_page(stack: Stack, me: HubClient, page: str, tmp_path: Path):
    name = "Decided at the page"
    project = me.post("projects", {"name": name, "purpose": "Outline the spleen in routine CT.", "kind": "imaging"})
    query = me.post(f"projects/{project['id']}/cohort-queries", {"sql": demo_query(), "trusts": [TRUST]})
    story.wait_for_answers(stack, me, query["id"])
    me.post(f"projects/{project['id']}/stage", {"trusts": [TRUST]})
    trust = stack.trusts[TRUST]
    wait_until("The review", lambda: name in trust.cli("projects"), 60, stack.processes)
    given = trust.new_staff("ada", "admin")

    def decided(decision: str) -> dict | None:
        (asked,) = me.get(f"projects/{project['id']}")["trusts"]
        return asked if asked["decision"] == decision else None

    def outside(what: str) -> None:
        asked = wait_until(f"The hub hearing of it: {what}", lambda: decided(what.upper()), 60, stack.processes)
        assert asked["decided_by"] == "ada"
        if what == "approved":
            assert asked["conditions"] == "Write to the data office before you publish."
            assert asked["expires_at"]

    asked = {"page": page, "login": "ada", "password": given, "project": name}
    log = tmp_path / "browser.log"
    with log.open("wb") as sink:
        browser = subprocess.Popen(
            ["npx", "--no-install", "tsx", "e2e/trust-story.ts", json.dumps(asked)],
            cwd=REPO / "ui",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sink,
            text=True,
        )
    told = []
    try:
        assert browser.stdin
        assert browser.stdout
        for line in browser.stdout:
            told.append(line)
            if line.startswith("@ "):
                outside(line[2:].strip())
                browser.stdin.write("done\n")
                browser.stdin.flush()
        assert browser.wait(60) == 0, "".join(told[-12:]) + log.read_text()[-4000:]
    finally:
        browser.kill()
        browser.wait()
