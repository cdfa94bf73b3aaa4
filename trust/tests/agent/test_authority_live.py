"""The hospital says no while a run is on and the hub is away: by another process, by a file, by time."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flip_contracts.tasks import StartNode
from flip_trust.ledger.verify import verify


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def command(site, *words: str) -> None:
    env = {f"FLIP_TRUST_{k.upper()}": str(v) for k, v in site.settings.model_dump(exclude_unset=True).items()}
    code = f"from flip_trust.cli import app; app({list(words)!r})"
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **env}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def start(site, hub):
    """A run of a project of its own; its processes' ids."""

    def started() -> tuple:
        review = site.approved(expires_days=10)
        join = hub.join(review)
        run_id = join.signed.manifest.run_id
        assert hub.ask(join).error is None
        assert hub.ask(StartNode(run_id=run_id)).error is None
        file = site.agent.supervisor.folder(run_id) / "child.pid"
        child = int(site.eventually(lambda: file.exists() and file.read_text()))
        return review, run_id, (site.agent.store.run(run_id).pid, child)

    site.serve()
    return started


def test_each_no_ends_its_run_without_the_hub_and_the_hub_is_told_later(site, hub, start, tmp_path):
    withdrawn, expired, opted_out, by_policy = (start() for _ in range(4))
    hub.down = True

    def ended(run) -> None:
        site.eventually(lambda: not any(map(alive, run[2])), 20)
        site.eventually(lambda: site.agent.store.run(run[1]).ended)

    command(site, "withdraw", str(withdrawn[0].project_id))
    ended(withdrawn)
    assert all(map(alive, expired[2]))

    made = site.agent.store.project(expired[0].project_id).signed
    soon = made.model_copy(update={"expires_at": datetime.now(UTC) + timedelta(seconds=0.5)})
    site.agent.store.put_decision(soon, site.agent.key.sign(soon))
    ended(expired)
    assert all(map(alive, opted_out[2]))

    # Somebody of one cohort is in the other, too: the query is the same.
    person = site.agent.store.one("SELECT person_id FROM cohort_owners LIMIT 1")[0]
    (tmp_path / "people.csv").write_text(f"{person}\n")
    command(site, "optout", "add", str(tmp_path / "people.csv"))
    ended(opted_out)
    ended(by_policy)
    assert not hub.of("node_event") or {m.event for m in hub.of("node_event")} <= {"started", "client_failed"}

    hub.down = False
    last = start()
    (site.settings.data_dir / "policy.yaml").write_text("runs:\n  allowed: false\n")
    ended(last)

    def left() -> dict:
        return {m.run_id: m.code for m in hub.of("node_event") if m.event == "left"}

    site.eventually(lambda: len(left()) == 5, 20)
    assert [left()[run[1]] for run in (withdrawn, expired, opted_out, by_policy, last)] == [
        "project_not_approved",
        "project_not_approved",
        "people_removed",
        "people_removed",
        "runs_not_allowed",
    ]
    entries = list(site.agent.what_left.everything())
    assert [e.code for e in entries if e.kind == "run left"] == list(left().values())
    sent = {e.subject for e in entries if e.outcome == "sent"}
    assert {str(m.id) for m in hub.messages} <= sent
    assert {"heartbeat"} <= {e.kind for e in entries}
    assert len([e for e in entries if e.kind == "policy"]) == 2
    assert verify(site.agent.what_left.path).problems == []


def test_an_agent_does_not_start_under_a_policy_that_nobody_can_read(site):
    (site.settings.data_dir / "policy.yaml").write_text("disclosure:\n  treshold: 10\n")
    with pytest.raises(Exception, match="policy file") as refused:
        site.fresh_agent().serve()
    assert refused.value.code == "policy_invalid"
