"""The web page in Debian's Chromium, against a real federation: a researcher's story from first login to results.

The app is the tabular tutorial: five seconds of training instead of the MONAI tutorial's minutes; `test_tutorials.py`
trains that one. The browser's part, with axe on every page in light and dark, is `ui/e2e/story.ts`.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from demo import story
from demo.stack import REPO, Stack

pytestmark = pytest.mark.slow
UI = REPO / "ui"
TRUSTS = ["trust-alpha", "trust-beta"]
NEEDED = {
    "npx": shutil.which("npx"),
    "Chromium": shutil.which("chromium"),
    "a built page": (UI / "dist" / "index.html").is_file(),
}
MISSING = ", ".join(name for name, there in NEEDED.items() if not there)


@pytest.mark.skipif(bool(MISSING), reason=f"needs {MISSING}")
def test_a_researcher_goes_from_login_to_results_in_the_browser(stack: Stack, tmp_path: Path):
    tell(stack, "story@flip.example", tmp_path / "browser.log")


def tell(stack: Stack, email: str, log: Path) -> None:
    person = stack.as_admin().post("users", {"email": email, "name": "Ada Story", "role": "researcher"})
    asked = {
        "hub": stack.hub_url,
        "email": email,
        "password": person["password"],
        "app": str(REPO / "tutorials" / "ehr_risk"),
        "trusts": TRUSTS,
        "never": "trust-gamma",
    }
    with log.open("wb") as sink:
        browser = subprocess.Popen(
            ["npx", "--no-install", "tsx", "e2e/story.ts", json.dumps(asked)],
            cwd=UI,
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
            print(line, end="", flush=True)
            if line.startswith("@ "):
                outside(stack, *line[2:].split())
                browser.stdin.write("done\n")
                browser.stdin.flush()
        assert browser.wait(30) == 0, "".join(told[-12:]) + log.read_text()[-4000:]
    finally:
        browser.kill()
        browser.wait()
        if stack.hub is None:
            stack.start_hub()


def outside(stack: Stack, what: str, *arguments: str) -> None:
    """What a browser cannot do."""
    if what == "approve":
        for trust in TRUSTS:
            story.approve(stack, trust, arguments[0])
    elif what == "lose-hub":
        assert stack.hub
        stack.hub.stop()
        stack.hub = None
    elif what == "return-hub":
        stack.start_hub()
    else:
        raise AssertionError(what)
