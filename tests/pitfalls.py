"""The seed's *Common pitfalls* as changes of one small app, and what is told of each, in all three places."""

import shutil
from dataclasses import dataclass
from pathlib import Path

APP = Path(__file__).parent / "apps" / "numpy_app"
SERVER, CLIENT, PYPROJECT = "app/server_app.py", "app/client_app.py", "pyproject.toml"
LOOP = """    for accession in [*df["accession_id"], "none-of-the-cohort"]:
        folder = flip.get_by_accession_number(project_id, accession, resource_type=["NIFTI", "SEGMENTATION"])
"""


@dataclass(frozen=True)
class Pitfall:
    """`finding` is told by `flip app check` and on upload; `reason` is how the run ends on the platform."""

    file: str
    old: str
    new: str
    finding: str
    state: str = "succeeded"
    reason: str = "completed"

    def app(self, folder: Path) -> Path:
        app = shutil.copytree(APP, folder / "app", ignore=shutil.ignore_patterns("__pycache__"))
        text = (app / self.file).read_text()
        assert self.old in text
        (app / self.file).write_text(text.replace(self.old, self.new))
        return app


PITFALLS = {
    "the last status is forgotten": Pitfall(
        SERVER,
        "        flip.update_status(model_id, ModelStatus.RESULTS_UPLOADED)",
        "        pass",
        "results_uploaded_missing",
        reason="completed_unannounced",
    ),
    "a wrong name": Pitfall(CLIENT, 'os.environ["SUPERNODE_NAME"]', '"unknown_client"', "supernode_name_hard_coded"),
    "keys not declared": Pitfall(PYPROJECT, 'flip-cohort-query = "*"\n', "", "flip_key_undeclared"),
    "a study without the resource": Pitfall(
        CLIENT,
        "    assert list(folder",
        f"{LOOP}    assert list(folder",
        "accession_loop_without_try",
        state="failed",
        reason="no_client_results",
    ),
}
