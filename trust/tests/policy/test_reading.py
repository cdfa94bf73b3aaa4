"""The policy file: every rule is documented, every error has its place, a change counts at once."""

import os
from pathlib import Path

import pytest

from flip_trust.errors import PolicyInvalid
from flip_trust.policy.cli import as_yaml
from flip_trust.policy.file import PolicyFile
from flip_trust.policy.reading import read_policy
from flip_trust.policy.schema import TrustPolicy, of_settings, rules
from flip_trust.settings import TrustSettings

PAGE = Path(__file__).parents[3] / "docs" / "trust-authority.md"


def settings(folder: Path, **changes) -> TrustSettings:
    given = {
        "data_dir": folder,
        "hub_url": "https://hub.example",
        "omop_path": folder / "o",
        "dicom_dir": folder,
        "fl_command": "x",
    }
    return TrustSettings(**(given | changes))


def problem(text: str) -> tuple[int, int, str]:
    policy, problems = read_policy(text, {})
    assert policy is None
    return problems[0].line, problems[0].column, f"{problems[0].message} {problems[0].remedy}"


def test_an_empty_file_is_the_default_and_a_rule_changes_one_thing():
    assert read_policy("", {}) == (TrustPolicy(), [])
    assert read_policy("code:\n", {}) == (TrustPolicy(), [])
    policy, _ = read_policy("code:\n  review: manual\n  reviewers: 2\n", {})
    assert (policy.code.review, policy.code.reviewers) == ("manual", 2)
    assert policy.disclosure == TrustPolicy().disclosure


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("code:\n  reveiw: manual\n", 2, 3, "Did you mean review?"),
        ("kode:\n  review: manual\n", 1, 1, "Did you mean code?"),
        ("code:\n  review: often\n", 2, 11, "'auto' or 'manual'"),
        ("disclosure:\n  threshold: 0\n", 2, 14, "greater than or equal to 1"),
        ("disclosure:\n  threshold: '20'\n", 2, 14, "valid integer"),
        ("disclosure:\n  threshold: 10\n  threshold: 2\n", 3, 3, "twice"),
        ("disclosure: 10\n", 1, 13, "list of names"),
        ("disclosure:\n  threshold: [1, 2]\n", 2, 14, "one value"),
        ("runs:\n  metric_labels: '('\n", 2, 18, "no regular expression"),
        ("code:\n\treview: manual\n", 2, 1, "not YAML"),
        ("- a\n- b\n", 1, 1, "list of names"),
        ("code: {review: !!python/name:os.system x}\n", 1, 16, "could not"),
    ],
)
def test_an_error_names_its_place_and_what_to_write(text, line, column, said):
    found = problem(text)
    assert found[:2] == (line, column)
    assert said.lower() in found[2].lower()


def test_the_template_is_the_default_and_names_every_rule():
    text = "\n".join(as_yaml(TrustPolicy()))
    assert read_policy(text, {}) == (TrustPolicy(), [])
    assert all(f"  {rule}: " in text for _, rule in rules())


def test_every_rule_is_explained_in_the_docs():
    page = PAGE.read_text()
    missing = [f"{section}.{rule}" for section, rule in rules() if f"`{section}.{rule}`" not in page]
    assert missing == []


def test_variables_hold_where_the_file_says_nothing_and_the_file_goes_before_them(tmp_path):
    rules_of = PolicyFile(settings(tmp_path, threshold=25, run_wall_seconds=60))
    assert (rules_of.current.disclosure.threshold, rules_of.current.runs.wall_seconds) == (25, 60)
    (tmp_path / "policy.yaml").write_text("disclosure:\n  threshold: 30\n")
    assert (rules_of.current.disclosure.threshold, rules_of.current.runs.wall_seconds) == (30, 60)
    assert of_settings(settings(tmp_path))["disclosure"] == TrustPolicy().disclosure.model_dump()


@pytest.mark.parametrize("broken", ["disclosure:\n  threshold: low\n", None, "\xff"])
def test_a_file_that_breaks_allows_nothing_new_and_what_was_on_goes_on(tmp_path, broken):
    path = tmp_path / "policy.yaml"
    path.write_text("disclosure:\n  threshold: 30\n")
    rules_of = PolicyFile(settings(tmp_path))
    assert rules_of.current.disclosure.threshold == 30
    if broken is None:
        path.unlink()
    else:
        path.write_bytes(broken.encode("latin-1"))
    with pytest.raises(PolicyInvalid):
        _ = rules_of.current
    assert rules_of.last_good.disclosure.threshold == 30
    assert rules_of.components() == {"policy": "unreadable"}
    path.write_text("disclosure:\n  threshold: 40\n")
    assert rules_of.current.disclosure.threshold == 40


def test_without_a_good_file_since_the_start_nothing_is_allowed(tmp_path):
    (tmp_path / "policy.yaml").write_text("nonsense: 1\n")
    with pytest.raises(PolicyInvalid):
        _ = PolicyFile(settings(tmp_path)).last_good
    with pytest.raises(PolicyInvalid):
        _ = PolicyFile(settings(tmp_path, policy=tmp_path / "not-there.yaml")).current


def test_a_file_that_is_replaced_within_one_tick_of_the_clock_is_seen(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text("disclosure:\n  threshold: 30\n")
    rules_of, before = PolicyFile(settings(tmp_path)), path.stat()
    assert rules_of.current.disclosure.threshold == 30
    other = tmp_path / "new.yaml"
    other.write_text("disclosure:\n  threshold: 31\n")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)
    assert rules_of.current.disclosure.threshold == 31
