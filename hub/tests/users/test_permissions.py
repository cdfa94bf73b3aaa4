"""Every endpoint, tried by every role and by strangers. An endpoint without a row here fails the suite.

Each request is undone afterwards: what one person deletes is there again for the next.
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from hub.tests.conftest import Person, specification

from flip_hub.openapi import operations
from flip_hub.users.service import create_user

PERSONAS = ("stranger", "admin", "owner", "researcher", "viewer", "trust_admin", "trust")
PEOPLE = frozenset({"admin", "owner", "researcher", "viewer", "trust_admin"})
ANYONE = frozenset(PERSONAS)
ADMIN = frozenset({"admin"})
RESEARCHERS = frozenset({"admin", "owner", "researcher"})
# Of one project: `owner` made it, `viewer` is a member, `trust_admin` speaks for a trust that it is staged at.
SEE = frozenset({"admin", "owner", "viewer", "trust_admin"})
CHANGE = frozenset({"admin", "owner"})
TRUST = frozenset({"trust"})


@dataclass(frozen=True)
class Row:
    """Who gets past authorisation. `found_by`: who may know that the thing is there; others get 404, not 403."""

    allowed: frozenset[str]
    body: dict[str, Any] | None = None
    found_by: frozenset[str] = PEOPLE
    query: str = ""  # may name the ids, as in `?topics=run:{run_id}`; so may a value of `body`
    headers: dict[str, str] = field(default_factory=dict)
    endless: bool = False  # a stream: its own suite looks at what those get who are let in


def see(query: str = "") -> Row:
    return Row(SEE, found_by=SEE, query=query)


def change(body: dict[str, Any] | None = None) -> Row:
    return Row(CHANGE, body, found_by=SEE)


def tus(allowed: frozenset[str] = CHANGE, **headers: str) -> Row:
    return Row(allowed, found_by=SEE, headers={"tus-resumable": "1.0.0"} | headers)


PASSWORD = "four random words for this"
INVITED = {"email": "new@x.example", "name": "New", "role": "viewer"}
RESULT = {"kind": "task_result", "id": str(UUID(int=0)), "task_id": str(UUID(int=0)), "result": {}, "error": None}
NET = {"name": "net-2", "url": "http://127.0.0.1:1", "key": "x" * 16, "ca_pem": "x", "superlink": "hub.example:8103"}
ROWS: dict[str, Row] = {
    "get_health": Row(ANYONE),
    # one's own login
    "get_login_methods": Row(ANYONE),
    "login": Row(ANYONE, {"email": "admin@x.example", "password": "a long password"}),
    "get_session": Row(PEOPLE),
    "start_oidc_login": Row(ANYONE),
    "finish_oidc_login": Row(ANYONE),
    "logout": Row(PEOPLE),
    "change_password": Row(PEOPLE, {"current_password": "a long password", "new_password": PASSWORD}),
    "ask_password_reset": Row(ANYONE, {"email": "nobody@x.example"}),
    "confirm_password_reset": Row(ANYONE, {"code": "no such", "new_password": PASSWORD}),
    "accept_invitation": Row(ANYONE, {"code": "no such", "password": PASSWORD}),
    "start_totp": Row(PEOPLE),
    "confirm_totp": Row(PEOPLE, {"enrolment": "x", "code": "000000"}),
    "make_recovery_codes": Row(PEOPLE, {"code": "000000"}),
    "list_tokens": Row(PEOPLE),
    "create_token": Row(PEOPLE, {"name": "script", "scopes": ["read"]}),
    "revoke_token": Row(PEOPLE),
    "get_me": Row(PEOPLE),
    # administration
    "list_users": Row(ADMIN),
    "create_user": Row(ADMIN, INVITED),
    "get_user": Row(ADMIN),
    "update_user": Row(ADMIN, {"name": "Other"}),
    "reset_totp": Row(ADMIN),
    "send_password_reset": Row(ADMIN),
    "sign_out_user": Row(ADMIN),
    "create_invitation": Row(ADMIN, INVITED),
    "list_invitations": Row(ADMIN),
    "delete_invitation": Row(ADMIN),
    "create_access_request": Row(ANYONE, {"email": "new@x.example", "name": "New", "reason": "research"}),
    "list_access_requests": Row(ADMIN),
    "approve_access_request": Row(ADMIN, {"role": "viewer"}),
    "dismiss_access_request": Row(ADMIN, {}),
    "list_mails": Row(ADMIN),
    "search_audit": Row(ADMIN),
    "get_site": Row(ANYONE),
    "set_banner": Row(ADMIN, {"message": "Hello"}),
    "set_deployment_mode": Row(ADMIN, {"on": True}),
    "list_settings": Row(ADMIN),
    "get_nets": Row(ADMIN),
    "add_net": Row(ADMIN, NET),
    "edit_net": Row(ADMIN, {"draining": True}),
    "remove_net": Row(ADMIN),
    "create_trust": Row(ADMIN, {"name": "gamma"}),
    "list_trusts": Row(PEOPLE),
    "get_trust": Row(PEOPLE),
    "issue_enrolment_code": Row(ADMIN),
    "revoke_trust": Row(ADMIN),
    "list_received": Row(ADMIN | {"trust_admin"}),
    # projects and what is in them
    "create_project": Row(RESEARCHERS, {"name": "New", "purpose": "x", "kind": "imaging"}),
    "list_projects": Row(PEOPLE),
    "get_project": see(),
    "edit_project": change({"name": "Other"}),
    "delete_project": change({"name": "P"}),
    "list_members": see(),
    "add_member": change({"email": "other@x.example"}),
    "remove_member": Row(CHANGE | {"viewer"}, found_by=SEE),  # the viewer leaves
    "transfer_project": change({"email": "other@x.example"}),
    "stage_project": change({"trusts": ["alpha"]}),
    "unstage_project": Row(ADMIN),
    "decide_for_trust": Row(frozenset({"trust_admin"}), {"action": "withdraw"}, found_by=SEE),
    "create_cohort_query": change({"sql": "SELECT person_id FROM omop.person"}),
    "get_cohort_query": see(),
    "check_cohort_query": Row(PEOPLE, {"sql": "SELECT person_id FROM omop.person"}),
    "list_cohort_queries": see(),
    "save_cohort_query": change({"query_id": "{query_id}"}),
    "cancel_cohort_query": change(),
    "compare_cohort_queries": see(),
    "create_model": change({"name": "New"}),
    "list_models": Row(PEOPLE),
    "list_project_models": see(),
    "get_model": see(),
    "edit_model": change({"name": "Other"}),
    "delete_model": change(),
    "clone_model": change({"name": "Copy"}),
    "list_job_types": Row(PEOPLE),
    "put_file": change(),
    "list_files": see(),
    "delete_file": change(),
    "check_files": see(),
    "list_changes": see("?trust=alpha"),
    "download_file": see(),
    "put_bundle": change(),
    "describe_uploads": Row(PEOPLE),  # says what the protocol can do, nothing of the model
    "create_upload": tus(**{"upload-length": "1", "upload-metadata": "filename YXBwL25ldy5weQ=="}),
    "get_upload_offset": tus(SEE),
    "send_upload": tus(**{"upload-offset": "0", "content-type": "application/offset+octet-stream"}),
    "cancel_upload": tus(),
    "initiate_run": change({}),
    "list_runs": see(),
    "get_run": see(),
    "stop_run": change(),
    "abort_run": change(),
    "rerun": change(),
    "get_queue": Row(PEOPLE),
    "get_run_timeline": see(),
    "list_project_activity": see(),
    "summarise_run_metrics": see(),
    "compare_runs": see("?run={run_id}&run={run_id}"),
    "export_run_metrics": see(),
    "get_run_log": see(),
    "get_run_events": see(),
    "get_run_metrics": see(),
    "download_results": see(),
    "list_model_results": see(),
    "list_result_files": see(),
    "get_result_file": see(),
    "get_provenance": see(),
    "get_model_card": see(),
    "stream_events": Row(SEE, found_by=SEE, query="?topics=run:{run_id}", endless=True),
    # what trusts themselves call
    "enrol": Row(ANYONE, {"code": "no such", "public_key": "x", "agent_version": "1", "protocol_version": 1}),
    "heartbeat": Row(TRUST, {"agent_version": "1", "protocol_version": 1, "components": {}}),
    "claim_tasks": Row(TRUST, {"max_tasks": 1}, query="?wait=0"),
    "extend_lease": Row(TRUST),
    "fetch_staged_file": Row(TRUST),
    "get_fab": Row(TRUST),
    "receive_messages": Row(TRUST, {"messages": [RESULT]}),
    "list_nets": Row(TRUST),
    "rotate": Row(TRUST, {"rotation": {"public_key": "", "asked_at": "2026-01-01T00:00:00Z"}, "signature": "x"}),
}


@dataclass
class World:
    people: dict[str, Person]
    ids: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def world(hub) -> World:
    alpha = hub.trust("alpha")
    project = hub.approved_project(alpha)
    model = hub.model(project)
    run = hub.researcher.post(f"models/{model['id']}/runs")
    upload = hub.client.post(
        f"/api/v1/models/{hub.model(project)['id']}/uploads",
        headers=ROWS["create_upload"].headers | {"authorization": f"Bearer {hub.researcher.token}"},
    ).headers["location"]
    people = {"stranger": Person(hub.client, ""), "admin": hub.admin, "owner": hub.researcher}
    people["trust"] = Person(hub.client, alpha.token)
    people["researcher"] = hub.person("researcher", "other@x.example")
    people["viewer"] = hub.person("viewer", "viewer@x.example")
    with hub.database.session() as session:
        create_user(session, "test", "ta@x.example", "T", "trust_admin", "a long password", trusts=["alpha"])
    body = {"email": "ta@x.example", "password": "a long password"}
    people["trust_admin"] = Person(hub.client, hub.client.post("/api/v1/auth/login", json=body).json()["token"])
    hub.join(project["id"], "viewer@x.example")
    invitation = hub.admin.post("invitations", {"email": "i@x.example", "name": "I", "role": "viewer"})
    asked = hub.client.post("/api/v1/access-requests", json={"email": "a@x.example", "name": "A", "reason": "research"})
    assert asked.status_code == 202
    return World(
        people,
        {
            "project_id": project["id"],
            "query_id": project["query_id"],
            "model_id": model["id"],
            "run_id": run["id"],
            "other_id": project["query_id"],
            "net_id": str(hub.net_id),
            "trust_id": hub.admin.get("trusts")[0]["id"],
            "person_id": people["viewer"].get("users/me")["id"],
            "upload": upload.removeprefix("/api/v1"),
            "path": "app/client_app.py",
            "user_id": people["viewer"].get("users/me")["id"],
            "invitation_id": invitation["id"],
            "request_id": hub.admin.get("access-requests")["items"][0]["id"],
            "task_id": str(uuid4()),
            "sha256": "0" * 64,
        },
    )


def test_every_endpoint_lets_in_whom_its_row_names_and_nobody_else(hub, world):
    spec = specification(hub.client.app)
    known = {operation["operationId"] for _, _, operation in operations(spec)}
    assert known - set(ROWS) == set(), "Add a row for these endpoints to ROWS, and think who may call them."
    assert set(ROWS) - known == set(), "These endpoints are gone; take their rows away."
    wrong = []
    for path, method, operation in operations(spec):
        row = ROWS[operation["operationId"]]
        for persona in PERSONAS:
            if row.endless and persona in row.allowed:
                continue
            with hub.database.undone():
                response = _call(hub, world, persona, method, path, row)
            if said := _wrong(row, persona, response):
                got = f"{response.status_code} {response.text[:200]}"
                wrong.append(f"{method.upper()} {path} as {persona}: {said}, got {got}")
    assert wrong == [], "\n".join(wrong)


def _call(hub, world: World, persona: str, method: str, path: str, row: Row):
    person = world.people[persona]
    token_id = str(UUID(int=0))
    if "{token_id}" in path and persona in PEOPLE:
        token_id = person.get("tokens")[0]["id"]
    if "{upload_id}" in path:
        path = "/api/v1{upload}"
    filled = (path + row.query).format(**{"token_id": token_id} | world.ids)
    headers = row.headers | ({"authorization": f"Bearer {person.token}"} if person.token else {})
    named = {f"{{{name}}}": value for name, value in world.ids.items()}
    body = row.body and {k: named.get(v, v) if isinstance(v, str) else v for k, v in row.body.items()}
    return hub.client.request(method.upper(), filled, headers=headers, json=body, follow_redirects=False)


def _wrong(row: Row, persona: str, response) -> str:
    """What should have been answered, if it was not."""
    status = response.status_code
    problem = response.json() if status >= 400 and response.content else {}
    # An answer to HEAD has no body: its status says it.
    of_status = {401: "not_authenticated", 403: "forbidden", 404: "not_found"}
    code = problem.get("code") or of_status.get(status)
    if persona in row.allowed:
        # Past authorisation: what it then says about the request itself is another test's.
        refused = code in ("not_authenticated", "forbidden", "not_found", "invalid_request")
        return "should be let in" if refused or status >= 500 else ""
    if persona in ("stranger", "trust") or row.allowed == TRUST:
        return "" if (status, code) == (401, "not_authenticated") else "should be 401"
    if persona not in row.found_by:
        return "" if (status, code) == (404, "not_found") else "should be 404, as if it were not there"
    explained = not response.content or {"permission", "roles", "your_role"} <= set(problem.get("details", ()))
    return "" if (status, code) == (403, "forbidden") and explained else "should be 403 with the missing permission"
