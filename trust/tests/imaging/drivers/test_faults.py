"""`flip-trust pacs test` and each thing that it can find wrong, made wrong for real."""

import os
import socket
import subprocess
import time

import pytest
from typer.testing import CliRunner

from flip_trust.cli import app
from flip_trust.imaging.drivers.faults import SAYS, Fault, PacsFault
from flip_trust.imaging.drivers.settings import PacsSettings


def found_by_test(driver) -> tuple[str, int]:
    """The code of what is wrong, and how many steps were fine before it."""
    checks = list(driver.test())
    assert [c.fine for c in checks[:-1]] == [True] * (len(checks) - 1)
    return ("", len(checks)) if checks[-1].fine else (checks[-1].name, len(checks) - 1)


def test_every_fault_says_what_to_do():
    assert set(SAYS) == set(Fault)
    assert all(text[0].isupper() and text.endswith(".") for text in SAYS.values())


# --- name, port, firewall, TLS: the same for both kinds ---
@pytest.mark.parametrize("kind", ["dicomweb", "get"])
def test_a_name_that_nobody_knows(pacs, kind):
    wrong = {"url": "http://pacs.invalid/dicom-web"} if kind == "dicomweb" else {"host": "pacs.invalid"}
    assert found_by_test(pacs.driver(kind, **wrong)) == ("pacs_name_unknown", 0)


@pytest.mark.parametrize("kind", ["dicomweb", "get"])
def test_a_port_on_which_nothing_listens(pacs, kind):
    closed = {"url": f"http://{pacs.orthanc.network.theirs}:1/dicom-web"} if kind == "dicomweb" else {"port": 1}
    assert found_by_test(pacs.driver(kind, **closed)) == ("pacs_port_closed", 1)


@pytest.mark.parametrize("kind", ["dicomweb", "get"])
def test_an_address_from_which_nothing_comes_back(pacs, kind):
    nobody = pacs.orthanc.network.nobody
    silent = {"url": f"http://{nobody}:8042/dicom-web"} if kind == "dicomweb" else {"host": nobody}
    assert found_by_test(pacs.driver(kind, **silent)) == ("pacs_no_answer", 1)


@pytest.mark.parametrize("kind", ["dicomweb", "get"])
def test_a_certificate_that_is_not_trusted_here(secure_pacs, kind):
    assert found_by_test(secure_pacs.driver(kind, tls_ca=None)) == ("pacs_tls_untrusted", 2)


@pytest.mark.parametrize("kind", ["dicomweb", "get"])
def test_a_pacs_that_wants_our_certificate(secure_pacs, kind):
    assert found_by_test(secure_pacs.driver(kind, tls_cert=None, tls_key=None)) == ("pacs_tls_refused_us", 2)


@pytest.mark.parametrize("kind", ["dicomweb", "get"])
def test_tls_where_there_is_none(pacs, kind):
    secure = {"url": pacs.orthanc.url.replace("http:", "https:")} if kind == "dicomweb" else {"tls": True}
    assert found_by_test(pacs.driver(kind, **secure)) == ("pacs_tls_not_spoken", 2)


# --- DICOMweb ---
@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"username": ""}, {"username": "", "token": "wrong"}])
def test_a_login_that_is_not_accepted(pacs, wrong):
    assert found_by_test(pacs.driver("dicomweb", **wrong)) == ("pacs_credentials", 2)


@pytest.mark.parametrize("path", ["", "/dicom-web/studies", "/nowhere"])
def test_a_path_without_dicomweb(pacs, path):
    assert found_by_test(pacs.driver("dicomweb", url=pacs.orthanc.url + path)) == ("pacs_not_dicomweb", 2)


# --- DIMSE ---
def test_a_port_that_does_not_speak_dicom(pacs):
    assert found_by_test(pacs.driver("get", port=8042)) == ("pacs_not_dicom", 2)


def test_a_tls_port_without_tls(secure_pacs):
    assert found_by_test(secure_pacs.driver("get", tls=False)) == ("pacs_not_dicom", 2)


def test_the_archive_has_another_ae_title(pacs):
    assert found_by_test(pacs.driver("get", aet="WRONG")) == ("pacs_ae_called_unknown", 2)


def test_our_ae_title_is_not_known(pacs):
    assert found_by_test(pacs.driver("get", our_aet="STRANGER"))[0] == "pacs_ae_calling_unknown"


@pytest.mark.parametrize(
    ("kind", "forbidden", "code"),
    [("get", "AllowFind", "pacs_no_find"), ("get", "AllowGet", "pacs_no_get"), ("move", "AllowMove", "pacs_no_move")],
)
def test_what_the_archive_does_not_let_us_do(pacs, kind, forbidden, code):
    driver = pacs.driver(kind, our_aet="LIMITED")
    pacs.orthanc.modality("LIMITED", 1, **{forbidden: False})
    assert found_by_test(driver)[0] == code


def test_an_archive_without_a_destination_of_our_name(pacs, site, tmp_path):
    """dcmtk's archive says so as the standard has it; Orthanc just fails."""
    port, shelf = 4343, tmp_path / "shelf"
    shelf.mkdir()
    config = tmp_path / "dcmqrscp.cfg"
    config.write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\nHostTable BEGIN\nHostTable END\n"
        f"VendorTable BEGIN\nVendorTable END\nAETable BEGIN\nDCMTK {shelf} RW (9, 64mb) ANY\nAETable END\n"
    )
    at = [pacs.orthanc.network.theirs, str(port)]
    archive = subprocess.Popen(
        ["ip", "netns", "exec", pacs.orthanc.network.name, "dcmqrscp", "-c", str(config)], stdout=subprocess.DEVNULL
    )
    try:
        driver = pacs.driver("move", port=port, aet="DCMTK", our_aet="ELSEWHERE")
        deadline = time.monotonic() + 30
        while (found := found_by_test(driver)[0]) == "pacs_port_closed" and time.monotonic() < deadline:
            time.sleep(0.05)
        assert found == ""  # it notices only with a study
        files = [str(f) for f in site.files(site.first)[:3]]
        subprocess.run(["storescu", "-aec", "DCMTK", *at, *files], check=True, env={**os.environ, "TCP_NODELAY": "1"})
        [study] = driver.find(site.first)
        with pytest.raises(PacsFault) as caught:
            driver.pull(study, tmp_path)
        assert caught.value.fault == Fault.DESTINATION
    finally:
        archive.kill()
        archive.wait()


def test_without_a_destination_c_get_takes_over(secure_pacs, site, tmp_path):
    free = secure_pacs.settings("move").receive_port
    driver = secure_pacs.driver("auto", our_aet="ELSEWHERE2", receive_port=free)
    [study] = driver.find(site.first)
    assert driver.pull(study, tmp_path) == 33


@pytest.mark.parametrize("why", ["wrong port", "let in by nobody"])
def test_an_archive_that_does_not_get_through_to_us(pacs, site, tmp_path, why):
    driver = pacs.driver("move", receive_from=["192.0.2.1"] if why == "let in by nobody" else [])
    if why == "wrong port":
        pacs.orthanc.modality("FLIP", 1)
    [study] = driver.find(site.first)
    with pytest.raises(PacsFault) as caught:
        driver.pull(study, tmp_path)
    assert caught.value.fault == Fault.NO_WAY_BACK


def test_a_receive_port_that_is_taken(pacs):
    with socket.create_server((pacs.orthanc.network.ours, 0)) as taken:
        driver = pacs.driver("move", receive_port=taken.getsockname()[1])
        assert found_by_test(driver)[0] == "pacs_receiver_failed"


def test_nobody_gets_in_while_nothing_is_expected(pacs, site, tmp_path):
    driver = pacs.driver("move")
    settings = driver._settings
    [study] = driver.find(site.first)
    driver.pull(study, tmp_path)
    with socket.create_connection((settings.receive_host, settings.receive_port), 5) as stranger:
        stranger.settimeout(5)
        assert stranger.recv(1) == b""  # hung up on


# --- the command ---
@pytest.fixture
def command(pacs, site, tmp_path, monkeypatch):
    def run(*arguments: str, **changes: str):
        settings = pacs.settings("dicomweb", **changes)
        environment = {
            "DATA_DIR": tmp_path / "state",
            "HUB_URL": "http://127.0.0.1:9",
            "OMOP_PATH": tmp_path / "none",
            "FL_COMMAND": tmp_path / "none",
            "PACS__KIND": "dicomweb",
            "PACS__URL": settings.url,
            "PACS__USERNAME": settings.username,
            "PACS__PASSWORD": settings.password.get_secret_value(),
        }
        for name, value in environment.items():
            monkeypatch.setenv(f"FLIP_TRUST_{name}", str(value))
        return CliRunner().invoke(app, ["pacs", "test", *arguments])

    return run


def test_the_command_says_ok_step_by_step_and_pulls_a_study_on_request(command, site):
    done = command("--accession", site.first)
    assert done.exit_code == 0, done.output
    assert "ok    query (QIDO-RS)" in done.output
    assert "33 instances" in done.output
    assert "CANARY" not in done.output.replace(site.first, "")


def test_the_command_says_what_is_wrong_and_fails(command):
    done = command(password="wrong")
    assert done.exit_code == 1
    assert "FAIL  pacs_credentials: The PACS does not accept the user or token." in done.output


@pytest.mark.parametrize(
    ("accession", "code"),
    [("ACC-TWICE", "accession_not_found"), ("*", "imaging_excluded"), ("X", "accession_not_found")],
)
def test_the_command_does_not_pull_what_the_pipeline_would_not(command, accession, code):
    done = command("--accession", accession)
    assert done.exit_code == 1
    assert f"FAIL  {code}" in done.output


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kind": "dicomweb"}, "PACS__URL"),
        ({"kind": "dimse", "host": "pacs"}, "PACS__AET"),
        ({"kind": "dimse", "host": "pacs", "aet": "P", "retrieve": "move"}, "RECEIVE_PORT"),
        ({"kind": "dimse", "host": "pacs", "aet": "P", "hours": "7-19"}, "PACS__HOURS"),
        ({"kind": "dicomweb", "url": "https://p", "tls_cert": "/x"}, "belong together"),
        ({"kind": "dicomweb", "url": "https://p", "tls_ca": "/nowhere.pem"}, "not there"),
        ({"kind": "dimse", "host": "pacs", "aet": "MORE-THAN-16-CHARS"}, "aet"),
    ],
)
def test_wrong_settings_stop_at_the_start_with_the_variables_name(wrong, says):
    with pytest.raises(ValueError, match=says):
        PacsSettings.model_validate(wrong)
