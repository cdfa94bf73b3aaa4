"""One real federation for the whole-system tests: hub, SuperLink over TLS, three trusts; the third approves nothing."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from demo import story
from demo.client import HubClient
from demo.stack import Stack

from flip_trust.synthetic import demo_query

APPS = Path(__file__).parent / "apps"
TRUSTS = ("trust-alpha", "trust-beta", "trust-gamma")


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    with TemporaryDirectory(prefix="flip-federation-", ignore_cleanup_errors=True) as folder:
        stack = Stack(Path(folder), trust_names=TRUSTS)
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()
            if request.session.testsfailed:
                with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
                    tell_logs(stack.root)


def tell_logs(root: Path) -> None:
    """The folder is about to go: what its processes said last may tell why a test failed."""
    for log in sorted(root.glob("**/*.log")):
        if log.parent.name != "zygote" and (lines := log.read_text(errors="replace").splitlines()[-40:]):
            print(f"\n--- {log.relative_to(root)}", *(line[:2000] for line in lines), sep="\n")


@pytest.fixture(scope="session")
def me(stack: Stack) -> HubClient:
    return stack.as_researcher()


@pytest.fixture(scope="session")
def project(stack: Stack, me: HubClient) -> dict:
    """Approved by alpha and beta, its images ready. Gamma is enrolled and online but was never asked."""
    project = story.approved_project(stack, me, "Two trusts", demo_query(), ["trust-alpha", "trust-beta"])
    return story.wait_for_imaging(stack, me, project["id"], lambda _: None)


@pytest.fixture(scope="session")
def model(me: HubClient, project: dict) -> dict:
    return story.model_with_app(me, project["id"], "Numpy", APPS / "numpy_app")
