"""`flip-trust enrol CODE --hub URL`: what it tries, what it writes, and when it spends the code."""

import base64
import os
import stat
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flip_trust.cli import app
from flip_trust.settings import NodeSettings, TrustSettings, config_file


@pytest.fixture
def run(tmp_path: Path, ca_file, monkeypatch):
    for name in [name for name in os.environ if name.startswith("FLIP_TRUST_") and name != "FLIP_TRUST_CONFIG"]:
        monkeypatch.delenv(name)

    def enrol(url: str, *more: str, code: str = "one-time"):
        options = ["--hub", url, "--data-dir", str(tmp_path / "state"), *more]
        return CliRunner().invoke(app, ["enrol", code, *options])

    return enrol


def test_a_code_becomes_a_connected_trust_and_a_config_file_that_explains_itself(
    hub, certificates, ca_file, run, tmp_path
):
    (tmp_path / "dicom").mkdir()
    data = ("--omop", str(tmp_path / "omop.duckdb"), "--dicom", str(tmp_path / "dicom"), "--ca", str(ca_file))
    with hub.serving(certificates.of()) as port:
        url = f"https://localhost:{port}"
        done = run(url, *data)
    assert done.exit_code == 0, done.output
    assert hub.paths() == ["health", "enrol", "heartbeat"]
    sent = hub.asked[1][1]
    assert sent["code"] == "one-time"
    assert len(base64.b64decode(sent["public_key"])) == 32
    assert hub.asked[2][2] == "first-token"

    config = config_file()
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    text = config.read_text()
    fields = {**NodeSettings.model_fields, **TrustSettings.model_fields}
    for name, field in fields.items():
        assert f"\n{name} = " in text or f"\n# {name} = " in text, name
        assert (field.description or "").split()[0] in text
    assert tomllib.loads(text)["hub_url"] == url
    settings = NodeSettings()  # type: ignore[call-arg]
    assert (settings.hub_url, settings.data_dir, settings.page_port) == (url, tmp_path / "state", 8460)


def test_with_everything_said_the_config_file_is_whole(hub, certificates, ca_file, run, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "flip-fl").write_text("#!/bin/sh\n")
    (tmp_path / "flip-fl").chmod(0o755)
    with hub.serving(certificates.of()) as port:
        done = run(
            f"https://localhost:{port}", "--ca", str(ca_file), "--omop", "postgresql://flip:CANARY@db/omop",
            "--dicom", str(tmp_path),
        )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "CANARY" not in done.output
    settings = TrustSettings()  # type: ignore[call-arg]
    assert settings.omop_url is not None
    assert settings.omop_url.get_secret_value() == "postgresql://flip:CANARY@db/omop"


def test_a_variable_comes_before_the_file_and_a_name_that_is_none_is_refused(tmp_path, monkeypatch):
    config_file().write_text('data_dir = "/a"\nhub_url = "https://hub.example"\nhub_ulr = "x"\n')
    monkeypatch.setenv("FLIP_TRUST_DATA_DIR", "/b")
    assert NodeSettings().data_dir == Path("/b")  # type: ignore[call-arg]
    told = CliRunner().invoke(app, ["projects"]).output
    assert "settings_invalid" in told
    assert "FLIP_TRUST_HUB_ULR: there is no such setting" in told
    assert "set one of FLIP_TRUST_DICOM_DIR (a folder)" in told


def test_no_code_is_spent_and_nothing_is_written_where_the_way_is_closed(hub, certificates, run, tmp_path):
    with hub.serving(certificates.of()) as port:
        done = run(f"https://localhost:{port}")
    assert done.exit_code == 1
    assert "--ca FILE" in done.output
    assert hub.asked == []
    assert not config_file().exists()


def test_a_refused_code_is_told_in_the_hub_s_words(hub, certificates, ca_file, run):
    hub.refuse["/api/trust/v1/enrol"] = (401, "enrolment_code_invalid")
    with hub.serving(certificates.of()) as port:
        done = run(f"https://localhost:{port}", "--ca", str(ca_file))
    assert done.exit_code == 1
    assert "enrolment_code_invalid" in done.output
    assert not config_file().exists()


def test_a_folder_that_cannot_be_made_is_told_before_the_hub_is_asked(hub, certificates, ca_file, run, tmp_path):
    (tmp_path / "file").write_text("")
    with hub.serving(certificates.of()) as port:
        done = run(f"https://localhost:{port}", "--ca", str(ca_file), "--data-dir", str(tmp_path / "file" / "x"))
    assert done.exit_code == 1
    assert "--data-dir DIR" in done.output
    assert hub.asked == []


def test_a_config_file_that_is_there_is_kept(hub, certificates, ca_file, run):
    config_file().write_text('data_dir = "/nowhere"\nhub_url = "https://old.example"\n')
    with hub.serving(certificates.of()) as port:
        done = run(f"https://localhost:{port}", "--ca", str(ca_file))
    assert done.exit_code == 0, done.output
    assert "kept as it is" in done.output
    assert "old.example" in config_file().read_text()


def test_the_doctor_walks_the_way_even_where_settings_are_missing(hub, certificates, ca_file, run, tmp_path):
    with hub.serving(certificates.of()) as port:
        assert run(f"https://localhost:{port}", "--ca", str(ca_file)).exit_code == 0
        done = CliRunner().invoke(app, ["doctor"])
        told = CliRunner().invoke(app, ["doctor", "--json"])
    assert done.exit_code == 1
    assert "set one of FLIP_TRUST_DICOM_DIR (a folder)" in done.output
    assert "ok    hub: a FLIP hub answers" in done.output
    assert '"fine": false' in told.output
