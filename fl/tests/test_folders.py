"""A traceback tells where in the app, and nothing of the machine."""

import sys
from pathlib import Path

import flip_fl
from flip_fl.api.folders import Folders

RUNS = Path("/srv/flip-fl/runs")
RUN = RUNS / "0b6f3c52-0b5e-4c57-9a53-5a4a3f0a4b11"


def test_paths_become_those_of_the_app_and_of_packages():
    hide = Folders(RUNS).hide
    unpacked = RUN / "app" / "flwr" / "apps" / "flip.numpy-app.1.0.0.0a1b2c3d"
    assert (
        hide(f'  File "{unpacked}/app/server_app.py", line 3, in main') == '  File "app/server_app.py", line 3, in main'
    )
    assert hide(f"saved {RUN}/app/work/model.pt and {RUN}/results/x.json") == "saved work/model.pt and results/x.json"
    flwr = f"{sys.prefix}/lib/python3.11/site-packages/flwr/serverapp/app.py"
    assert hide(f'File "{flwr}", line 1') == 'File "flwr/serverapp/app.py", line 1'
    assert hide(f'File "{Path(flip_fl.__file__)}", line 1') == 'File "flip_fl/__init__.py", line 1'
    assert hide("/srv/flip-fl/superlink.db is locked") == "…/superlink.db is locked"


def test_other_text_stays_as_it_is():
    for line in ("round 1/3", "loss 0.5", "see https://flower.ai/docs", "a/b/c", ""):
        assert Folders(RUNS).hide(line) == line
