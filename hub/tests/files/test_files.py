"""Uploads: what is refused, and that a refusal changes nothing."""

import pytest


@pytest.fixture
def model(hub):
    alpha = hub.trust("alpha")
    return hub.model(hub.approved_project(alpha))


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("weights.pkl", "file_type_mismatch"),
        ("weights.bin", "file_type_refused"),
        ("run.sh", "file_type_refused"),
        ("../x.py", "file_name_invalid"),
        ("a//x.py", "file_name_invalid"),
        (".hidden.py", "file_name_invalid"),
        ("a%0Ab.py", "file_name_invalid"),
        ("/".join("a" * 12) + "/x.py", "file_name_invalid"),
    ],
)
def test_bad_names_are_refused(hub, model, path, code):
    before = hub.researcher.get(f"models/{model['id']}/files")
    url = f"models/{model['id']}/files/{path.replace('../', '%2e%2e/')}"
    assert hub.researcher.refused("PUT", url, content=b"x") in (code, "http_error")
    assert hub.researcher.get(f"models/{model['id']}/files") == before


def test_a_file_over_the_limit_is_refused_whole(hub, model):
    url = f"models/{model['id']}/files/big.py"
    assert hub.researcher.refused("PUT", url, content=b"#" * (10 * 2**20 + 1)) == "file_too_large"


def test_a_missing_module_is_named_by_the_check(hub, model):
    assert hub.researcher.get(f"models/{model['id']}/check")["ok"]
    response = hub.researcher.call("DELETE", f"models/{model['id']}/files/app/client_app.py")
    assert response.status_code == 204
    check = hub.researcher.get(f"models/{model['id']}/check")
    assert not check["ok"]
    assert "client_app" in str(check["findings"])
    assert hub.researcher.refused("POST", f"models/{model['id']}/runs", json={}) == "app_check_failed"
