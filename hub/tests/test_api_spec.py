"""Every endpoint of the OpenAPI document, called with what it allows and what it does not: no 5xx, no undocumented
status, no answer of another shape. Half of the calls name things that are there. Each is undone afterwards."""

import itertools

import schemathesis
from hub.tests.conftest import specification
from hub.tests.users.test_permissions import World, world
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

__all__ = ["world"]  # a fixture
ENDLESS = {"stream_events"}
EXAMPLES = 3
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def test_the_api_answers_as_its_document_says(hub, world: World):
    schema = schemathesis.openapi.from_dict(specification(hub.client.app))
    called, wrong = 0, []
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.definition.raw["operationId"] in ENDLESS:
            continue
        try:
            _calls(hub, world, operation)()
            called += 1
        except (Failure, FailureGroup) as failure:
            wrong.append(f"{operation.method.upper()} {operation.path}: {failure}")
    assert wrong == [], "\n\n".join(wrong)
    assert called > 80


def _calls(hub, world: World, operation):
    person = "trust" if operation.path.startswith("/api/trust") else "admin"
    login = {"authorization": f"Bearer {world.people[person].token}"}
    turn = itertools.count()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def call(case) -> None:
        if next(turn) % 2 == 0:
            for name in case.path_parameters or {}:
                case.path_parameters[name] = world.ids.get(name, case.path_parameters[name])
        sent = case.as_transport_kwargs(base_url="http://testserver")
        sent["headers"] = dict(sent.get("headers") or {}) | login
        sent.pop("cookies", None)
        if operation.path.endswith("/claim"):
            sent["params"] = {"wait": 0}
        with hub.database.undone():
            response = hub.client.request(**sent, follow_redirects=False)
        case.validate_response(response, checks=CHECKS)

    return call
