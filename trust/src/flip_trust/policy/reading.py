"""Read a policy file. What is wrong is said with its line, its column and what to write instead."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from pydantic import ValidationError

from flip_trust.policy.schema import TrustPolicy, rules


@dataclass(frozen=True)
class Problem:
    """`line` and `column` count from 1."""

    line: int
    column: int
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message} {self.remedy}"


@dataclass
class _Found:
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    places: dict[tuple[str, ...], tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_policy(text: str, base: Mapping[str, Mapping[str, Any]]) -> tuple[TrustPolicy | None, list[Problem]]:
    """The policy, or None and why not. `base`: what holds for the rules that the text leaves out."""
    found = _Found()
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        said = f"This is not YAML: {error.problem or 'it cannot be read'}."
        return None, [Problem(line, column, said, "Write `section:` and below it, two spaces in, `rule: value`.")]
    except yaml.YAMLError:
        return None, [Problem(1, 1, "The file holds characters that YAML does not have.", "Save it as UTF-8 text.")]
    if root is not None:
        _sections(root, found)
    if found.problems:
        return None, found.problems
    merged = {section: dict(base.get(section, {})) | found.values.get(section, {}) for section in _section_names()}
    try:
        return TrustPolicy.model_validate(merged), []
    except ValidationError as error:
        return None, [_refused(e["loc"], e["msg"], found) for e in error.errors()]


def _section_names() -> list[str]:
    return list(TrustPolicy.model_fields)


def _sections(root: yaml.Node, found: _Found) -> None:
    known = _section_names()
    for key, node in _pairs(root, "the file", found):
        if key.value not in known:
            found.problems.append(_unknown(key, "section", known))
            continue
        inside = [rule for section, rule in rules() if section == key.value]
        found.values[key.value] = {}
        if isinstance(node, yaml.ScalarNode) and not node.value:
            continue  # a section with nothing below it
        for rule, value in _pairs(node, f"the section {key.value}", found):
            if rule.value not in inside:
                found.problems.append(_unknown(rule, "rule", inside))
            elif not isinstance(value, yaml.ScalarNode):
                found.problems.append(_at(value, f"{rule.value} has one value.", f"Write `{rule.value}: value`."))
            else:
                found.places[(key.value, rule.value)] = _place(value)
                try:
                    found.values[key.value][rule.value] = yaml.SafeLoader("").construct_object(value)
                except (yaml.YAMLError, ValueError, TypeError):
                    found.problems.append(_at(value, f"{rule.value} could not be read.", "Write a plain value."))


def _pairs(node: yaml.Node, what: str, found: _Found) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        found.problems.append(_at(node, f"{what} is a list of names with values.".capitalize(), "Write `name: value`."))
        return []
    pairs: list[tuple[yaml.ScalarNode, yaml.Node]] = []
    seen: set[str] = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            found.problems.append(_at(key, "A name is one word.", "Write `name: value`."))
        elif key.value in seen:  # YAML would let the last one win
            found.problems.append(_at(key, f"{key.value} stands here twice.", "Keep one of the two."))
        else:
            seen.add(key.value)
            pairs.append((key, value))
    return pairs


def _unknown(key: yaml.ScalarNode, what: str, known: list[str]) -> Problem:
    close = difflib.get_close_matches(key.value, known, 1)
    remedy = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(known)}."
    return _at(key, f"There is no {what} {key.value[:60]}.", remedy)


def _refused(loc: tuple[int | str, ...], message: str, found: _Found) -> Problem:
    section, rule = str(loc[0]), str(loc[-1])
    line, column = found.places.get((section, rule), (1, 1))
    wanted = message.removeprefix("Value error, ").replace("Input should be", "it should be")
    meaning = rules().get((section, rule), "")
    return Problem(line, column, f"{section}.{rule} is refused: {wanted}.", meaning)


def _at(node: yaml.Node, message: str, remedy: str) -> Problem:
    return Problem(*_place(node), message, remedy)


def _place(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
