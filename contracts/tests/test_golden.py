"""Messages that trusts and hubs in the field have written: each must still be read, and written back the same.

A file holds `{"model", "body"}`. Files are added and never changed: trusts upgrade on their own calendar.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from flip_contracts import fl_api, manifest, messages, tasks, wire
from flip_contracts.wire import Wire

FILES = sorted((Path(__file__).parent / "golden" / "v1").glob("*.json"))
MODELS: dict[str, type[Wire]] = {
    name: value
    for module in (fl_api, manifest, messages, tasks, wire)
    for name, value in vars(module).items()
    if isinstance(value, type) and issubclass(value, Wire)
}


def load(file: Path) -> tuple[type[Wire], dict[str, Any]]:
    golden = json.loads(file.read_text())
    return MODELS[golden["model"]], golden["body"]


def body_of(name: str) -> dict[str, Any]:
    return load(Path(__file__).parent / "golden" / "v1" / f"{name}.json")[1]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_old_message_is_read_and_nothing_of_it_is_lost(file: Path) -> None:
    model, body = load(file)
    written = model.model_validate_json(json.dumps(body)).model_dump(mode="json")
    assert_contains(written, body)
    assert model.model_validate(written).model_dump(mode="json") == written


def assert_contains(new: Any, old: Any) -> None:
    """Everything of `old` is in `new`; a newer version may say more."""
    if isinstance(old, dict):
        for key, value in old.items():
            assert_contains(new[key], value)
    elif isinstance(old, list):
        assert len(new) == len(old)
        for one, other in zip(new, old, strict=True):
            assert_contains(one, other)
    else:
        assert new == old


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_field_from_the_future_is_ignored(file: Path) -> None:
    model, body = load(file)
    assert model.model_validate({**body, "from_the_future": 1}) == model.model_validate(body)


def test_every_task_message_and_event_kind_has_a_golden_file() -> None:
    bodies = [load(file) for file in FILES]
    task_types = {body["payload"]["type"] for model, body in bodies if model is tasks.Task}
    kinds = {m["kind"] for model, body in bodies if model is messages.MessageBatch for m in body["messages"]}
    events = {e["kind"] for model, body in bodies if model is fl_api.EventsPage for e in body["events"]}
    assert task_types == set(tasks.TaskType)
    assert kinds == set(messages.MessageKind)
    assert events == set(fl_api.EventKind)
    assert set(tasks.RESULT_OF) == set(tasks.TaskType)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_metric_is_a_finite_number(value: float) -> None:
    (point,) = body_of("message.metrics")["messages"][0]["points"]
    with pytest.raises(ValidationError):
        messages.MetricPoint.model_validate({**point, "value": value})


@pytest.mark.parametrize("name", ["Trust-Alpha", "a", "trust_alpha", "../x", "trust alpha", "1trust", ""])
def test_a_trust_name_is_lower_case_letters_digits_and_hyphens(name: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(wire.TrustName).validate_python(name)


def test_the_signed_bytes_of_a_manifest_do_not_depend_on_the_order_of_its_fields() -> None:
    body = body_of("signed_manifest")["manifest"]
    shuffled = dict(reversed(body.items()))
    one, other = (manifest.RunManifest.model_validate(each) for each in (body, shuffled))
    assert wire.canonical_bytes(one) == wire.canonical_bytes(other)
    assert wire.canonical_bytes(one) != wire.canonical_bytes(one.model_copy(update={"model_name": "Other"}))


def test_a_field_of_a_later_version_at_its_default_does_not_change_the_signed_bytes() -> None:
    class Older(wire.Wire):
        name: str

    class Newer(Older):
        note: str = ""

    assert wire.canonical_bytes(Older(name="n")) == wire.canonical_bytes(Newer(name="n"))
    assert wire.canonical_bytes(Older(name="n")) != wire.canonical_bytes(Newer(name="n", note="x"))
