"""Made-up data out of aggregates alone: the columns and ranges of a cohort, and nobody of it."""

import csv

import nibabel as nib
import pytest
from typer.testing import CliRunner

from flip_trust import cli, terminal
from flip_trust.disclosure.policy import Policy
from flip_trust.mock.images import Geometry, shared_geometries


@pytest.fixture
def mock(site, tmp_path, monkeypatch):
    monkeypatch.setattr(terminal, "opened", lambda: site.agent)

    def mock(review, *more, out=tmp_path / "mock"):
        done = CliRunner().invoke(
            cli.app, ["mock", "--project", str(review.project_id), "--out", str(out), "--studies", "3", *more]
        )
        return done, out

    return mock


def contents(folder):
    return {f.relative_to(folder): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_mock_data_have_the_columns_of_the_cohort_and_nobody_of_it(site, mock, tmp_path):
    review = site.approved(imaging=True)
    cohort = site.agent.store.cohort(review.project_id)
    done, out = mock(review)
    assert done.exit_code == 0, done.output
    with (out / "dataframe.csv").open() as file:
        head, *rows = csv.reader(file)
    assert head == [name for name, _ in cohort.columns]
    assert [row[head.index("accession_id")] for row in rows] == ["MOCK-0001", "MOCK-0002", "MOCK-0003"]
    for folder in (out / "accession-resources").iterdir():
        image, label = (nib.load(folder / f"{name}_1.nii.gz") for name in ("input", "label"))
        assert image.shape == label.shape
        assert (image.affine == label.affine).all()
    names = {str(v) for v in cohort.values("accession_id")}
    everything = b"".join(contents(out).values())
    assert b"CANARY" not in everything
    assert not [name for name in names if name.encode() in everything]
    again, other = mock(review, out=tmp_path / "again")
    assert again.exit_code == 0
    assert contents(other) == contents(out)
    assert "folder_not_empty" in mock(review)[0].output


def test_values_lie_where_the_told_aggregates_say(site, mock):
    sql = "SELECT person_id, year_of_birth, gender_concept_id FROM omop.person"
    done, out = mock(site.approved(sql), "--studies", "200")
    assert done.exit_code == 0, done.output
    with (out / "dataframe.csv").open() as file:
        rows = list(csv.DictReader(file))
    real = site.agent.store.cohort(site.agent.store.projects()[-1].review.project_id)
    born = [int(row["year_of_birth"]) for row in rows]
    assert min(real.values("year_of_birth")) - 20 <= min(born) < max(born) <= max(real.values("year_of_birth")) + 20
    assert len(set(born)) > 20
    assert {int(row["gender_concept_id"]) for row in rows} == set(real.values("gender_concept_id"))
    assert not (out / "accession-resources").exists()


def test_a_cohort_of_which_nothing_is_told_gives_no_mock_data(site, mock, monkeypatch):
    review = site.approved()
    monkeypatch.setattr(type(site.agent), "policy", Policy(threshold=10_000))
    done, out = mock(review)
    assert (done.exit_code, out.exists()) == (1, False)
    assert "cohort_not_told" in done.output


def test_a_geometry_of_few_persons_is_not_told(tmp_path):
    def study(name, shape):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "study.json").write_text(
            f'{{"images": [{{"modality": "CT", "shape": {shape}, "spacing_mm": [0.71, 0.7, 5.1]}}]}}'
        )
        return folder

    folders = {f"A{n}": study(f"A{n}", [512, 512, 100]) for n in range(12)}
    folders |= {f"B{n}": study(f"B{n}", [256, 256, 40]) for n in range(9)}
    folders |= {f"C{n}": study(f"C{n}", [128, 128, 40]) for n in range(12)}
    owners = {name: n for n, name in enumerate(folders)} | {f"C{n}": 7 for n in range(12)}  # C: all of one person
    told = shared_geometries(folders, owners, Policy(), b"k" * 32, "p")
    assert [one for one, _ in told] == [Geometry("CT", (512, 512, 96), (0.5, 0.5, 5.0))]
    assert all(count % 10 == 0 for _, count in told)
