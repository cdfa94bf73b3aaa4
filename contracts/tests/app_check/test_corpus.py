"""Every rule on a small app that breaks it, and good apps on which nothing is found. See corpus/README.md."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from contracts.tests.app_check.cases import CORPUS, Case, load, with_random, write

from flip_contracts.app_check import RULES, Finding, check_app, check_overrides, declared_config, read_folder
from flip_contracts.app_check.docs import page

REPOSITORY = Path(__file__).parents[3]
APPS = sorted(CORPUS.glob("*.app"))


def findings_of(case: Case, root: Path) -> list[Finding]:
    trusts = int(case.headers.get("trusts", ["2"])[0])
    if "in-memory" in case.headers or "pyproject.toml" not in case.files:
        return check_app(case.files, trusts)
    app = read_folder(write(case, root))
    overrides = tomllib.loads("\n".join(" ".join(case.headers.get("override", [])).split()))
    declared = declared_config(app.files["pyproject.toml"])
    return [*app.findings, *check_app(app.files, trusts), *check_overrides(declared, overrides)]


@pytest.mark.parametrize("path", APPS, ids=lambda path: path.stem)
def test_an_app_of_the_corpus_has_the_findings_that_it_marks_and_no_other(path: Path, tmp_path: Path) -> None:
    case = load(path)
    findings = findings_of(case, tmp_path)
    assert Counter((f.code, f.file, f.line) for f in findings) == case.expected
    for finding in findings:
        assert finding.severity is RULES[finding.code].severity
        assert finding.message.endswith(".")
        assert finding.remedy.endswith((".", "?"))


def test_every_rule_has_an_app_that_breaks_it_and_every_app_the_finding_of_its_name() -> None:
    shown = {code for path in APPS for code, _, _ in load(path).expected}
    assert shown == set(RULES)
    for path in APPS:
        name = path.stem
        if name != "base" and not name.startswith("good_"):
            assert any(name.startswith(code) for code, _, _ in load(path).expected), name


def test_no_good_app_has_an_error() -> None:
    good = [load(path) for path in APPS if path.stem == "base" or path.stem.startswith("good_")]
    assert len(good) >= 10
    assert [(case.name, code) for case in good for code, _, _ in case.expected if RULES[code].severity == "error"] == []


def test_the_reference_page_is_current_and_has_every_rule() -> None:
    text = (REPOSITORY / "docs/reference/findings.md").read_text("utf-8")
    assert text == page(), "run: python -m flip_contracts.app_check.docs docs/reference/findings.md"
    headings = re.findall(r"^### (\S+)$", text, re.MULTILINE)
    assert sorted(headings) == sorted(RULES)


def test_a_finding_names_its_place_in_the_reference_page(tmp_path: Path) -> None:
    (finding, *_) = findings_of(load(CORPUS / "pickle_load.app"), tmp_path)
    assert finding.docs == "docs/reference/findings.md#pickle_load"
    assert finding.model_dump(mode="json")["docs"] == finding.docs


def test_a_secret_is_never_repeated(tmp_path: Path) -> None:
    case = load(CORPUS / "secret_in_app.app")
    told = "".join(finding.model_dump_json() for finding in findings_of(case, tmp_path))
    assert with_random("@RANDOM32@")[:12] not in told
    assert with_random("@UPPER16@") not in told
