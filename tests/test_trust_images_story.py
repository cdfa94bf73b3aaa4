"""Images on the trust's page in Debian's Chromium: a label is dropped, and NiiVue draws it over its image.

The agent, its DICOM and the conversion are real; no hub is needed. The browser's part is `ui/e2e/trust-images.ts`.
Its pictures of the pages go to FLIP_PICTURES, where that is set.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import nibabel as nib
import numpy as np
import pytest
import uvicorn
from PIL import Image
from pydicom import dcmread
from pyotp import TOTP

from flip_contracts.tasks import ReviewProject
from flip_trust.agent import Agent
from flip_trust.page.app import create_page
from flip_trust.page.images.routes import VIEWER
from flip_trust.settings import TrustSettings
from flip_trust.staff.book import Role, StaffBook
from flip_trust.staff.login import Staff
from flip_trust.synthetic import demo_query, write_omop
from flip_trust.synthetic.dicom import write_dicom
from flip_trust.synthetic.omop import choose_accessions

pytestmark = pytest.mark.slow
REPO = Path(__file__).parents[1]
NEEDED = {
    "npx": shutil.which("npx"),
    "Chromium": shutil.which("chromium"),
    "axe": (REPO / "ui/node_modules/axe-core").is_dir(),
    "the viewer (make page)": VIEWER.is_file(),
}
MISSING = ", ".join(name for name, there in NEEDED.items() if not there)
ACCESSIONS = choose_accessions("alpha", 1, 200, 12)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    """Twelve studies are asked for: one is there, one lacks a slice, ten are not in the archive."""
    write_omop(tmp_path / "omop.duckdb", 1, 200, ACCESSIONS)
    write_dicom(tmp_path / "dicom", 1, "alpha", ACCESSIONS[:2])
    for file in (tmp_path / "dicom").rglob("IM0009"):
        if dcmread(file, specific_tags=["AccessionNumber"]).AccessionNumber == ACCESSIONS[1][0]:
            file.unlink()
    settings = TrustSettings(
        sandbox_minimum="none",
        data_dir=tmp_path / "state",
        hub_url="http://127.0.0.1:9",
        omop_path=tmp_path / "omop.duckdb",
        dicom_dir=tmp_path / "dicom",
        fl_command=tmp_path / "flip-fl",
    )
    agent = Agent(settings)
    agent.store.set_identity(name="trust-alpha", trust_id=str(uuid4()), token="t", hub_public_key="")
    yield agent
    agent.ledger.close()
    agent.store.close()


@pytest.fixture
def page(agent: Agent, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The address of the page, and the session of a reviewer who has logged in."""
    book = StaffBook(tmp_path / "state" / "staff.db")
    staff = Staff(book)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_page(agent, staff), log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    with httpx.Client(base_url=url, follow_redirects=True, timeout=60, trust_env=False) as client:
        first = staff.add("ada", Role.REVIEWER)
        shown = client.post("/login", data={"login": "ada", "password": first}).text
        secret = re.search(r'id="secret">([A-Z2-7 ]+)<', shown)
        csrf = re.search(r'name="csrf" value="([0-9a-f]{64})"', shown)
        assert secret
        assert csrf
        own, code = "four random words make it", TOTP(secret[1].replace(" ", "")).now()
        client.post("/account", data={"csrf": csrf[1], "password": own, "again": own, "code": code})
        yield url, client.cookies["flip_trust"]
    server.should_exit = True
    thread.join(20)
    book.close()


def share(picture: Path, test: Any) -> float:
    pixels = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    return float(test(pixels[..., 0], pixels[..., 1], pixels[..., 2]).mean())


@pytest.mark.skipif(bool(MISSING), reason=f"needs {MISSING}")
def test_a_dropped_label_is_drawn_over_its_image(agent: Agent, page: tuple[str, str], tmp_path: Path) -> None:
    review = ReviewProject(
        project_id=uuid4(),
        project_name="Spleen outlines",
        purpose="Outline the spleen.",
        owner="Ada Byron",
        imaging=True,
        query_id=uuid4(),
        sql=demo_query(),
    )
    agent.store.put_review(review)
    agent.approvals.approve(review.project_id)
    agent._prepare(review.project_id)
    accession = ACCESSIONS[0][0]
    image = nib.load(agent.images.folder_of(review.project_id, accession, {"NIFTI"}) / "input_1.nii.gz")
    block = np.zeros(image.shape, np.uint8)
    block[24:72, 24:72, 8:24] = 1
    nib.save(nib.Nifti1Image(block, image.affine), tmp_path / f"{accession}_label.nii.gz")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    asked = {
        "page": page[0],
        "cookie": page[1],
        "project": str(review.project_id),
        "study": agent.pipeline.accession_key(review.project_id, accession),
        "label": str(tmp_path / f"{accession}_label.nii.gz"),
        "canvas": str(pictures),
        "pictures": os.environ.get("FLIP_PICTURES", str(pictures)),
    }
    command = ["npx", "--no-install", "tsx", "e2e/trust-images.ts", json.dumps(asked)]
    done = subprocess.run(command, cwd=REPO / "ui", capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]

    def grey(r: Any, g: Any, b: Any) -> Any:
        return (abs(r - g) < 12) & (abs(g - b) < 12) & (r > 60) & (r < 250)

    def red(r: Any, g: Any, b: Any) -> Any:
        return (r - g > 50) & (r - b > 50)

    with_label, without = pictures / "with-label.png", pictures / "without-label.png"
    assert share(without, grey) > 0.1  # a body, not an empty canvas
    assert share(without, red) < 0.001
    assert share(with_label, red) > 0.03
