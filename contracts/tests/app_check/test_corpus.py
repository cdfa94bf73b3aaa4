"""Every rule on a small app that breaks it, and good apps on which nothing is found. See corpus/README.md."""

import hashlib
import os
import re
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from flip_contracts.app_check import RULES, Finding, check_app, check_overrides, declared_config, read_folder
from flip_contracts.app_check.docs import page

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]
CORPUS = sorted((HERE / "corpus").glob("*.app"))
FILE = re.compile(r"^-- (\S+)( \(more\))? --$")
MARK = re.compile(r"#> ([a-z0-9_ ]+)$")
Place = tuple[str, str | None, int | None]  # code, file, line


@dataclass
class Case:
    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    expected: Counter[Place] = field(default_factory=Counter)
    headers: dict[str, list[str]] = field(default_factory=dict)


def load(path: Path) -> Case:
    head, files = split(path.read_text("utf-8"))
    case = Case(path.stem)
    for line in head:
        if header := re.match(r"([a-z-]+):(?: (.*))?$", line):
            case.headers.setdefault(header[1], []).append(header[2] or "")
    texts = {} if "base" in case.headers else dict(split((HERE / "corpus" / "base.app").read_text("utf-8"))[1])
    for name, text in files.items():
        texts[name.removesuffix(" (more)")] = texts[name.removesuffix(" (more)")] + text if "(more)" in name else text
    for name in case.headers.get("remove", []):
        del texts[name]
    for name, text in texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            if mark := MARK.search(line):
                case.expected.update((code, name, number) for code in mark[1].split())
        case.files[name] = with_random(text).encode()
    for told in case.headers.get("expect", []):
        code, place = told.split()
        name, _, line = place.partition(":")
        case.expected[(code, None if name == "-" else name, int(line) if line else None)] += 1
    return case


def split(text: str) -> tuple[list[str], dict[str, str]]:
    head: list[str] = []
    files: dict[str, str] = {}
    current: str | None = None
    for line in text.splitlines(keepends=True):
        if found := FILE.match(line.rstrip("\n")):
            current = found[1] + (found[2] or "")
            files[current] = ""
        elif current is None:
            head.append(line.rstrip("\n"))
        else:
            files[current] += line
    return head, files


def with_random(text: str) -> str:
    digest = hashlib.sha256(b"corpus").hexdigest()
    upper = "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[int(digest[n : n + 2], 16) % 32] for n in range(0, 32, 2))
    return text.replace("@RANDOM40@", digest[:40]).replace("@RANDOM32@", digest[8:40]).replace("@UPPER16@", upper)


def write(case: Case, root: Path) -> Path:
    for name, content in case.files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    for name, size in (told.split() for told in case.headers.get("fill", [])):
        (root / name).write_bytes(b"x" * int(size))
    for name, size in (told.split() for told in case.headers.get("comments", [])):
        (root / name).write_bytes(b"#" * int(size))
    for name, target in (told.split() for told in case.headers.get("link", [])):
        (root / name).symlink_to(target)
    for name in case.headers.get("fifo", []):
        os.mkfifo(root / name)
    return root


def findings_of(case: Case, root: Path) -> list[Finding]:
    trusts = int(case.headers.get("trusts", ["2"])[0])
    if "in-memory" in case.headers or "pyproject.toml" not in case.files:
        return check_app(case.files, trusts)
    app = read_folder(write(case, root))
    overrides = tomllib.loads("\n".join(" ".join(case.headers.get("override", [])).split()))
    declared = declared_config(app.files["pyproject.toml"])
    return [*app.findings, *check_app(app.files, trusts), *check_overrides(declared, overrides)]


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_an_app_of_the_corpus_has_the_findings_that_it_marks_and_no_other(path: Path, tmp_path: Path) -> None:
    case = load(path)
    findings = findings_of(case, tmp_path)
    assert Counter((f.code, f.file, f.line) for f in findings) == case.expected
    for finding in findings:
        assert finding.severity is RULES[finding.code].severity
        assert finding.message.endswith(".")
        assert finding.remedy.endswith((".", "?"))


def test_every_rule_has_an_app_that_breaks_it_and_every_app_the_finding_of_its_name() -> None:
    shown = {code for path in CORPUS for code, _, _ in load(path).expected}
    assert shown == set(RULES)
    for path in CORPUS:
        name = path.stem
        if name != "base" and not name.startswith("good_"):
            assert any(name.startswith(code) for code, _, _ in load(path).expected), name


def test_no_good_app_has_an_error() -> None:
    good = [load(path) for path in CORPUS if path.stem == "base" or path.stem.startswith("good_")]
    assert len(good) >= 10
    assert [(case.name, code) for case in good for code, _, _ in case.expected if RULES[code].severity == "error"] == []


@pytest.mark.parametrize("app", ["templates/standard", "tutorials/spleen_demo"])
def test_the_repositorys_apps_have_no_finding(app: str) -> None:
    folder = read_folder(REPOSITORY / app)
    assert [*folder.findings, *check_app(folder.files, 2)] == []


def test_the_reference_page_is_current_and_has_every_rule() -> None:
    text = (REPOSITORY / "docs/reference/findings.md").read_text("utf-8")
    assert text == page(), "run: python -m flip_contracts.app_check.docs docs/reference/findings.md"
    headings = re.findall(r"^### (\S+)$", text, re.MULTILINE)
    assert sorted(headings) == sorted(RULES)


def test_a_finding_names_its_place_in_the_reference_page(tmp_path: Path) -> None:
    (finding, *_) = findings_of(load(HERE / "corpus" / "pickle_load.app"), tmp_path)
    assert finding.docs == "docs/reference/findings.md#pickle_load"
    assert finding.model_dump(mode="json")["docs"] == finding.docs


def test_a_secret_is_never_repeated(tmp_path: Path) -> None:
    case = load(HERE / "corpus" / "secret_in_app.app")
    told = "".join(finding.model_dump_json() for finding in findings_of(case, tmp_path))
    assert with_random("@RANDOM32@")[:12] not in told
    assert with_random("@UPPER16@") not in told
