"""When a project ends here its images go, and a signed certificate says what went."""

import json
import shutil

import pytest
from pydicom import dcmread
from typer.testing import CliRunner

from flip_contracts.tasks import CloseProject
from flip_trust.cli import app
from flip_trust.imaging.deletion import SignedCertificate
from flip_trust.imaging.drivers.folder import FolderDriver


@pytest.fixture
def prepared(site, hospital, tmp_path):
    """An approved project with two studies in the cache."""
    kept = [accession for accession, _, _ in hospital.accessions[:2]]
    for study in hospital.dicom.iterdir():
        if dcmread(study / "IM0001", specific_tags=["AccessionNumber"]).AccessionNumber in kept:
            shutil.copytree(study, tmp_path / "few" / study.name)
    site.agent.pipeline.driver = FolderDriver(tmp_path / "few")
    review = site.approved(imaging=True)
    site.agent.pipeline.prepare(review.project_id, kept)
    site.agent._prepared[review.project_id] = site.agent.store.project(review.project_id).signed.decided_at
    return review


def folder(site, review):
    return site.agent.pipeline.cache.folder / str(review.project_id)


@pytest.mark.parametrize("how", ["withdrawn", "closed"])
def test_the_images_of_a_project_that_ended_go_with_a_certificate(site, prepared, how):
    agent, project_id = site.agent, prepared.project_id
    before = {
        (study.name, str(f.relative_to(study)))
        for study in folder(site, prepared).iterdir()
        for f in study.rglob("*")
        if f.is_file()
    }
    assert len(before) > 60
    agent.apply_decisions()
    assert folder(site, prepared).exists()
    if how == "withdrawn":
        agent.approvals.withdraw(project_id)
    else:
        site.do(CloseProject(project_id=project_id))
    agent.apply_decisions()
    [signed] = site.eventually(lambda: agent.deletions.certificates(project_id), 30)
    assert not folder(site, prepared).exists()
    assert agent.pipeline.cache.usage() == {}
    assert agent.ledger.standings(project_id) == []
    assert {(f.study, f.name) for f in signed.certificate.files} == before
    assert signed.holds(agent.key.public)
    agent.apply_decisions()
    assert len(agent.deletions.certificates(project_id)) == 1
    assert "CANARY" not in signed.model_dump_json()


def test_a_changed_certificate_does_not_hold(site, prepared):
    agent = site.agent
    agent.deletions.delete(prepared.project_id, "trust-alpha", "withdrawn")
    [signed] = agent.deletions.certificates(prepared.project_id)
    told = json.loads(signed.model_dump_json())
    told["certificate"]["files"].pop()
    assert not SignedCertificate.model_validate(told).holds(agent.key.public)


def test_a_deletion_that_was_killed_is_finished_and_certifies_everything(site, prepared, monkeypatch):
    agent = site.agent
    cache, drops = agent.pipeline.cache, []
    drop = cache.drop

    def dying(project_id, key):
        if drops:
            raise KeyboardInterrupt
        drops.append(key)
        drop(project_id, key)

    monkeypatch.setattr(cache, "drop", dying)
    with pytest.raises(KeyboardInterrupt):
        agent.deletions.delete(prepared.project_id, "trust-alpha", "withdrawn")
    monkeypatch.undo()
    agent.deletions.delete(prepared.project_id, "trust-alpha", "withdrawn")
    [signed] = agent.deletions.certificates(prepared.project_id)
    assert len({f.study for f in signed.certificate.files}) == 2


@pytest.fixture
def command(site, monkeypatch):
    settings = site.agent.settings
    for name in ("data_dir", "hub_url", "omop_path", "dicom_dir", "fl_command"):
        monkeypatch.setenv(f"FLIP_TRUST_{name.upper()}", str(getattr(settings, name)))
    return lambda *arguments: CliRunner().invoke(app, ["cache", *map(str, arguments)])


def test_the_commands_of_the_cache(site, prepared, command):
    project_id = prepared.project_id
    told = json.loads(command("status", "--json").output)
    [row] = told["projects"]
    assert (row["studies"], row["stages"]) == (2, {"READY": 2})
    assert "2 studies" in command("status").output
    assert command("verify").output.startswith("2 studies are as they were made; 0 were damaged")

    study = next(f for f in folder(site, prepared).iterdir())
    image = study / "input_1.nii.gz"
    image.chmod(0o644)
    image.write_bytes(image.read_bytes()[:-1] + b"x")
    damaged = command("verify", project_id)
    assert (damaged.exit_code, damaged.output) == (
        1,
        "1 studies are as they were made; 1 were damaged and are removed.\n",
    )

    assert command("evict").exit_code == 1
    assert "freed, 0.00 GB left" in command("evict", "--to-gb", "0").output
    assert command("certificate", project_id).exit_code == 1
    site.agent.deletions.delete(project_id, "trust-alpha", "withdrawn")
    shown = command("certificate", project_id)
    assert shown.exit_code == 0
    assert "The signature is this trust's." in shown.output
