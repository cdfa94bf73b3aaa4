"""`python -m demo`: start a federation on this machine and train a network across two synthetic hospitals."""

import argparse
import signal
import subprocess
import sys
import time
import zipfile
from datetime import datetime
from pathlib import Path

from demo import story
from demo.display import Display, loss_table
from demo.process import DemoError
from demo.stack import FLOWER_BIN, REPO, Stack

APP = REPO / "tutorials" / "monai"


def main() -> int:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    display = Display()
    stack = Stack(arguments.folder.resolve(), on_stage=display.stage)
    console = display.console
    try:
        with display:
            stack.start()
            results, run, project = _train(stack, display)
        _summary(stack, display, results, run, project)
        if arguments.stay:
            console.print("\nEverything keeps running, the web page too. Ctrl-C stops it all.")
            while True:
                time.sleep(1)
                for process in stack.processes:
                    process.check()
        return 0
    except KeyboardInterrupt:
        console.print("\nStopping ...")
        return 130
    except DemoError as error:
        console.print(f"\n[red]The demo could not go on.[/]\n{error}", markup=True)
        return 1
    finally:
        stack.stop()
        console.print("All processes are stopped.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=REPO / ".demo", help="where the demo keeps its data")
    stay = parser.add_mutually_exclusive_group()
    stay.add_argument("--stay", action="store_true", dest="stay", help="keep everything running afterwards")
    stay.add_argument("--once", action="store_false", dest="stay", help="stop after the training run")
    parser.set_defaults(stay=sys.stdout.isatty())
    return parser.parse_args()


def _train(stack: Stack, display: Display):
    me = stack.as_researcher()
    trusts = list(stack.trusts)
    number = len(me.get("projects")["items"]) + 1
    display.stage("Project, cohort query, staging, approval at each trust")
    project = story.approved_project(stack, me, f"Spleen outlines {number}", _sql(), trusts)

    display.stage("Each trust pulls, de-identifies, converts and checks its own DICOM")
    story.wait_for_imaging(stack, me, project["id"], lambda _: None)

    display.stage("Model, files, checks")
    model = story.model_with_app(me, project["id"], "Small U-Net", APP)

    display.stage("Initiate Training")
    run_id = me.post(f"models/{model['id']}/runs", {})["id"]
    training, run, memory = False, {}, {}
    for run in story.follow(stack, me, run_id, timeout=1800):  # a slow machine may take its time
        if run["state"] == "running" and not training:
            training = True
            display.stage("Training across the trusts")
        display.progress(run, me.get(f"runs/{run['id']}/metrics"))
        for process in stack.processes:
            for name, mib in process.resident_mib().items():
                memory[name] = max(memory.get(name, 0), mib)
    if run["state"] != "succeeded":
        log = "\n".join(line["text"] for line in me.get(f"runs/{run['id']}/log")["lines"][-15:])
        raise DemoError(f"The run {run['state']}: {run['reason_text']} ({run['reason_code']})\n{log}")

    display.stage("Download the results and load the model")
    folder = stack.root / "results" / run["id"]
    folder.mkdir(parents=True, exist_ok=True)
    archive = me.download(f"runs/{run['id']}/results", folder / "results.zip")
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(folder)
    loaded = subprocess.run(
        [str(FLOWER_BIN / "python"), "-c", _LOAD, str(folder / "model.safetensors")],
        capture_output=True,
        text=True,
        cwd=APP,
    )
    if loaded.returncode:
        raise DemoError(f"The downloaded model does not load:\n{loaded.stderr[-2000:]}")
    return (
        loaded.stdout.strip(),
        {**run, "folder": folder, "memory": memory, "events": me.get(f"runs/{run['id']}/events")["events"]},
        project,
    )


_LOAD = """
import sys
from safetensors.torch import load_file
from app.models import get_model
state = load_file(sys.argv[1])
get_model().load_state_dict(state)
print(f"{len(state)} tensors, {sum(t.numel() for t in state.values()):,} parameters")
"""


def _sql() -> str:
    from flip_trust.synthetic import demo_query

    return demo_query()


def _summary(stack: Stack, display: Display, loaded: str, run: dict, project: dict) -> None:
    console = display.console
    console.print()
    me = stack.as_researcher()
    console.print(loss_table(me.get(f"runs/{run['id']}/metrics")))
    totals = project["query"]
    counts = f"{totals['total_persons']} persons, {totals['total_accessions']} studies"
    console.print(f"\nCohort: {counts} (rounded, suppressed below 10).")
    console.print(f"Model: {loaded}; in {run['folder']}.")
    researcher = stack.credentials("researcher")
    console.print(f"\n[bold]The web page: {stack.hub_url}[/]  (the API: {stack.hub_url}/openapi.json)")
    console.print(f"  log in as {researcher['email']}, password {researcher['password']}", highlight=False)
    if stack.new_passwords:
        console.print("\nDemo accounts, shown this once:")
        for email, password in stack.new_passwords.items():
            console.print(f"  {email}  {password}", markup=False)
    console.print("\nHighest memory of each process seen while training (MiB):")
    for name, mib in sorted(run["memory"].items()):
        console.print(f"  {name:<24} {mib:6.0f}")
    sent = next(e["at"] for e in run["events"] if e["kind"] == "round_sent")
    first = datetime.fromisoformat(sent) - datetime.fromisoformat(run["created_at"])
    console.print(f"\nFrom Initiate Training to the first message for a ClientApp: {first.total_seconds():.1f} s")
    console.print(
        "\nTry next: change tutorials/monai/app/models.py and run `make demo` again (it starts in seconds);\n"
        "see what a hospital sees with `flip-trust projects`; read docs/run-a-trust.md and docs/decisions/."
    )


if __name__ == "__main__":
    sys.exit(main())
