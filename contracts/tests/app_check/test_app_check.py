"""What the corpus does not show: variants of one finding, order, and that nothing of an app is run."""

import pytest
from contracts.tests.app_check.cases import CORPUS, load

from flip_contracts.app_check import Finding, Severity, check_app

Files = dict[str, bytes]
PYPROJECT, SERVER, CLIENT = "pyproject.toml", "app/server_app.py", "app/client_app.py"


def base_app() -> Files:
    return dict(load(CORPUS / "base.app").files)


def changed(file: str, old: bytes, new: bytes) -> Files:
    files = base_app()
    assert old in files[file]
    return {**files, file: files[file].replace(old, new)}


@pytest.mark.parametrize(
    ("file", "old", "new", "code", "line"),
    [
        (PYPROJECT, b"base-app", b"a" * 33, "name_invalid", 2),
        (PYPROJECT, b'"1.0.0"', b"1.0", "version_invalid", 3),
        (PYPROJECT, b"name = ", b"name ", "pyproject_unparsable", 2),
        (PYPROJECT, b"client_app:app", b"client_app:client", "component_unresolved", 11),
        (PYPROJECT, b"local-epochs = 1", b"local-epochs = [1]", "config_not_scalar", 15),
        (SERVER, b"get_model", b"get_modle", "import_missing", 7),
        (SERVER, b"import", b"import\0", "syntax_error", None),
        (SERVER, b"fraction_train=1.0", b"min_available_nodes=5", "min_nodes_above_trusts", 21),
    ],
)
def test_a_variant_of_a_mistake_is_found_once_with_its_place(
    file: str, old: bytes, new: bytes, code: str, line: int | None
) -> None:
    (finding,) = check_app(changed(file, old, new), trust_count=2)
    assert (finding.code, finding.file, finding.line) == (code, file, line)


def test_several_mistakes_come_in_order_errors_first() -> None:
    files = base_app() | {"app/weights.pt": b"x"}
    del files["app/models.py"]
    severities = [finding.severity for finding in check_app(files, 2)]
    assert severities == [Severity.ERROR, Severity.WARNING]


def test_an_import_of_a_dropped_file_says_that_it_is_dropped() -> None:
    files = changed(CLIENT, b"import os", b"import os; from app.test_data import X")
    (finding,) = [f for f in check_app({**files, "app/test_data.py": b"X = 1"}, 2) if f.severity is Severity.ERROR]
    assert finding.code == "import_missing"
    assert "left out" in finding.message


def test_nothing_of_the_app_is_run() -> None:
    files = base_app()
    files[CLIENT] += b"raise SystemExit('imported')\n"
    assert check_app(files, 2) == []


@pytest.mark.parametrize("junk", [b"", b"\xff\xfe\x00", b"[[[[", b"a = " + b"[" * 5000])
def test_junk_is_a_finding_and_never_a_crash(junk: bytes) -> None:
    for name in base_app():
        findings = check_app({**base_app(), name: junk}, 2)
        assert all(isinstance(finding, Finding) for finding in findings)
