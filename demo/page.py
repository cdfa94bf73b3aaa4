"""`python -m demo.page`: a federation whose projects are at every stage, kept running for work on the web page.

The first start takes some minutes, because its training runs are real; later starts take seconds.
"""

import argparse
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from demo import story
from demo.client import HubClient
from demo.process import DemoError
from demo.stack import REPO, Stack

SPLEEN = REPO / "tutorials" / "monai"
RISK_QUERY = REPO / "tutorials" / "ehr_risk" / "query.sql"
NUMPY = REPO / "tests" / "apps" / "numpy_app"
THIN_AXIAL = {"modalities": ["CT"], "not_description": ["scout"], "planes": ["axial"], "max_thickness_mm": 5}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m demo.page", description=__doc__)
    parser.add_argument("--folder", type=Path, default=REPO / ".demo" / "page", help="where it keeps its data")
    parser.add_argument("--once", action="store_true", help="populate, then stop")
    parser.add_argument("--screenshots", type=Path, metavar="FOLDER", help="populate, picture every page, stop")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    stack = Stack(arguments.folder.resolve(), on_stage=lambda text: print(f"  {text}", flush=True))
    try:
        stack.start()
        populate(stack)
        people = {who: stack.credentials(who) for who in ("researcher", "trust_admin", "admin")}
        if arguments.screenshots:
            folder = arguments.screenshots.resolve()
            return take_screenshots(stack, people, folder) or picture_trust(stack, folder)
        print(f"\nThe page: {stack.hub_url}", flush=True)
        for who, person in people.items():
            print(f"  {who:12} {person['email']:28} {person['password']}", flush=True)
        print(f"For `npm run dev`: FLIP_HUB_URL={stack.hub_url}", flush=True)
        while not arguments.once:
            time.sleep(1)
            for process in stack.processes:
                process.check()
        return 0
    except KeyboardInterrupt:
        return 130
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        stack.stop()


def populate(stack: Stack) -> None:
    """Projects at every stage, and models in every state. Does nothing where that was done before."""
    from flip_trust.synthetic import demo_query

    me, sql, trusts = stack.as_researcher(), demo_query(), list(stack.trusts)
    if story.projects(me):
        return
    _people(stack)
    _draft(me, "Rib fracture triage", "Find fractures that a tired reader misses at night.", "imaging")
    asked = _draft(me, "Liver volume and age", "Does the liver shrink with age? Volumes from routine CT.", "imaging")
    query = me.post(f"projects/{asked['id']}/cohort-queries", {"sql": sql, "trusts": trusts})
    story.wait_for_answers(stack, me, query["id"])
    risk = _draft(me, "Coronary risk", "Who will have coronary disease? From the record alone.", "tabular")
    query = me.post(f"projects/{risk['id']}/cohort-queries", {"sql": RISK_QUERY.read_text(), "trusts": trusts})
    story.wait_for_answers(stack, me, query["id"])
    why = "Predict readmission within 30 days of discharge."
    staged = _draft(me, "Readmission after pneumonia", why, "imaging", series_rule=THIN_AXIAL)
    query = me.post(f"projects/{staged['id']}/cohort-queries", {"sql": sql, "trusts": trusts})
    story.wait_for_answers(stack, me, query["id"])
    me.post(f"projects/{staged['id']}/stage", {"trusts": trusts})

    print("  An approved project with models; training for real", flush=True)
    project = story.approved_project(stack, me, "Spleen outlines", sql, trusts)
    story.wait_for_imaging(stack, me, project["id"], lambda _: None)
    spleen = story.model_with_app(me, project["id"], "Small U-Net", SPLEEN)
    for config in ({}, {"learning-rate": 4e-3}):
        run = me.post(f"models/{spleen['id']}/runs", {"run_config": config})
        story.finish(stack, me, run["id"])
    failing = story.model_with_app(me, project["id"], "Broken on purpose", NUMPY)
    run = me.post(f"models/{failing['id']}/runs", {"run_config": {"behaviour": "clients_raise"}})
    story.finish(stack, me, run["id"])
    me.post(f"projects/{project['id']}/models", {"name": "Transformer, not uploaded yet", "description": ""})


def _people(stack: Stack) -> None:
    """Who speaks for a hospital, somebody who asks for an account, and somebody who is invited."""
    admin, hospital = stack.as_admin(), next(iter(stack.trusts.values()))
    person = {"email": "ward@flip.example", "name": "Wanda Ward", "role": "trust_admin", "trusts": [hospital.name]}
    stack.add_person("trust_admin", admin, person)
    (hospital.root / "state" / "policy.yaml").write_text("decisions:\n  at_hub: allowed\n")
    asks = {"email": "turing@flip.example", "name": "Alan Turing", "organisation": "University hospital"}
    HubClient(stack.hub_url).post("access-requests", {**asks, "reason": "I work on fractures with Demo Researcher."})
    admin.post("invitations", {"email": "grace@flip.example", "name": "Grace Hopper", "role": "researcher"})


def take_screenshots(stack: Stack, people: dict[str, dict[str, str]], folder: Path) -> int:
    hidden = [f"--hide={place}" for place in (stack.root, REPO)]  # a picture must not show where it was taken
    command = ["npx", "--no-install", "tsx", "e2e/screenshots.ts", *hidden, stack.hub_url, json.dumps(people)]
    command.append(str(folder))
    return subprocess.run(command, cwd=REPO / "ui", check=False).returncode


def picture_trust(stack: Stack, folder: Path) -> int:
    """The pages of a trust, as somebody of its staff sees them."""
    trust = next(iter(stack.trusts.values()))
    # Told as from the trust's own folder: a picture must not show where it was taken.
    process, address = trust.start_page(FLIP_TRUST_POLICY="state/policy.yaml")
    try:
        first = trust.new_staff("ada", "admin")
        command = ["npx", "--no-install", "tsx", "e2e/trust-screenshots.ts", address, "ada", first, str(folder)]
        return subprocess.run(command, cwd=REPO / "ui", check=False).returncode
    finally:
        process.stop()


def _draft(me: HubClient, name: str, purpose: str, kind: str, **facts) -> dict:
    return me.post("projects", {"name": name, "purpose": purpose, "kind": kind, **facts})


if __name__ == "__main__":
    sys.exit(main())
