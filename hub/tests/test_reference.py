"""Undocumented means broken: every setting, endpoint and error code stands in docs/reference/."""

import importlib.util
from pathlib import Path

import pytest

from flip_hub.openapi import all_errors, operations

DOCS = Path(__file__).parents[2] / "docs"
SPEC = importlib.util.spec_from_file_location("generate_hub", DOCS / "generate_hub.py")
assert SPEC is not None
assert SPEC.loader is not None
generate = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(generate)


@pytest.mark.parametrize("name", generate.PAGES)
def test_a_page_out_of_the_code_is_as_the_code_is(name):
    page = (DOCS / "reference" / name).read_text(encoding="utf-8")
    assert page == generate.PAGES[name](), "Run `make docs`."


def test_an_error_says_what_to_do_and_has_a_code_of_its_own():
    codes = [kind.code for kind in all_errors()]
    assert len(codes) == len(set(codes))
    assert [kind.code for kind in all_errors() if len(kind.public) < 20 or not kind.public.endswith((".", "`"))] == []


def test_every_setting_is_described():
    assert [name for name, field in generate.HubSettings.model_fields.items() if not field.description] == []


def test_every_operation_has_a_name_of_its_own_and_types_its_answers():
    spec = generate.specification()
    assert spec["openapi"].startswith("3.1")
    names = [operation["operationId"] for _, _, operation in operations(spec)]
    assert len(names) == len(set(names))
    for path, method, operation in operations(spec):
        for status, answer in operation["responses"].items():
            typed = answer.get("content", {}).get("application/json", {}).get("schema")
            assert int(status) < 400 or typed, f"{method} {path} {status}"
