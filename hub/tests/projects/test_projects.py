"""Projects, cohort queries and decisions: who may, what is refused, what a trust's signature means."""

import pytest
from hub.tests.conftest import QUERY

from flip_contracts.statuses import Decision


def draft(hub, name: str = "P") -> dict:
    return hub.researcher.post("projects", {"name": name, "purpose": "x", "kind": "imaging"})


def test_a_stranger_sees_the_same_for_hidden_and_missing(hub):
    project = draft(hub)
    stranger = hub.person("researcher", "s@x.example")
    assert stranger.refused("GET", f"projects/{project['id']}") == "not_found"
    assert stranger.refused("GET", "projects/00000000-0000-0000-0000-000000000000") == "not_found"
    assert stranger.get("projects")["items"] == []
    assert [p["id"] for p in hub.admin.get("projects")["items"]] == [project["id"]]


def test_a_viewer_creates_nothing(hub):
    viewer = hub.person("viewer", "v@x.example")
    body = {"name": "P", "purpose": "x", "kind": "imaging"}
    assert viewer.refused("POST", "projects", json=body) == "forbidden"


@pytest.mark.parametrize(
    ("code", "sql"),
    [
        ("sql_syntax", "SELECT person_id FROM WHERE"),
        ("sql_not_single_statement", "SELECT person_id FROM omop.person; SELECT 1"),
        ("sql_unknown_column", "SELECT person_id, shoe FROM omop.person"),
        ("sql_unknown_table", "SELECT person_id FROM omop.shoes"),
    ],
)
def test_bad_sql_is_refused_with_the_guards_code_and_nothing_is_asked(hub, code, sql):
    alpha, project = hub.trust("alpha"), draft(hub)
    path = f"projects/{project['id']}/cohort-queries"
    assert hub.researcher.refused("POST", path, json={"sql": sql}) == code
    assert hub.researcher.get(f"projects/{project['id']}") == project
    assert alpha.claim() == []


def test_suppressed_is_unknown_and_cannot_be_staged(hub):
    alpha, beta, project = hub.trust("alpha"), hub.trust("beta"), draft(hub)
    query = hub.researcher.post(f"projects/{project['id']}/cohort-queries", {"sql": QUERY})
    alpha.answer_count(40)
    beta.answer_count(None)
    query = hub.researcher.get(f"cohort-queries/{query['id']}")
    assert [a["state"] for a in query["answers"]] == ["answered", "suppressed"]
    assert (query["total_persons"], query["suppressed_trusts"]) == (40, 1)
    [listed] = hub.researcher.get("projects")["items"]
    assert (listed["query_id"], listed["cohort_persons"]) == (query["id"], 40)
    stage = f"projects/{project['id']}/stage"
    assert hub.researcher.refused("POST", stage, json={"trusts": ["beta"]}) == "trust_has_no_usable_answer"
    assert hub.researcher.get(f"projects/{project['id']}")["status"] == "UNSTAGED"


def test_one_approval_approves_and_a_later_one_joins(hub):
    alpha, beta = hub.trust("alpha"), hub.trust("beta")
    project = draft(hub)
    hub.researcher.post(f"projects/{project['id']}/cohort-queries", {"sql": QUERY})
    for agent in (alpha, beta):
        agent.answer_count(40)
    body = {"trusts": ["alpha", "beta"]}
    project = hub.researcher.post(f"projects/{project['id']}/stage", body, 200)
    models = f"projects/{project['id']}/models"
    assert hub.researcher.refused("POST", models, json={"name": "M"}) == "project_not_approved"
    assert alpha.decide(project, QUERY)["rejected"] == []
    assert hub.researcher.get(f"projects/{project['id']}")["status"] == "APPROVED"
    assert beta.decide(project, QUERY)["rejected"] == []
    path = f"projects/{project['id']}/cohort-queries"
    assert hub.researcher.refused("POST", path, json={"sql": QUERY}) == "project_frozen"


def test_a_decision_counts_only_with_the_trusts_own_signature_and_query(hub):
    alpha, beta = hub.trust("alpha"), hub.trust("beta")
    project = draft(hub)
    hub.researcher.post(f"projects/{project['id']}/cohort-queries", {"sql": QUERY})
    for agent in (alpha, beta):
        agent.answer_count(40)
    project = hub.researcher.post(f"projects/{project['id']}/stage", {"trusts": ["alpha"]}, 200)
    assert beta.decide(project, QUERY)["rejected"]  # was not asked
    assert alpha.decide(project, QUERY + " ")["rejected"]  # about another text
    alpha.key = beta.key
    assert alpha.decide(project, QUERY)["rejected"]  # another key
    assert hub.researcher.get(f"projects/{project['id']}")["status"] == "STAGED"


def test_declined_is_not_approved(hub):
    alpha, project = hub.trust("alpha"), draft(hub)
    hub.researcher.post(f"projects/{project['id']}/cohort-queries", {"sql": QUERY})
    alpha.answer_count(40)
    project = hub.researcher.post(f"projects/{project['id']}/stage", {"trusts": ["alpha"]}, 200)
    alpha.decide(project, QUERY, Decision.DECLINED)
    project = hub.researcher.get(f"projects/{project['id']}")
    assert (project["status"], project["trusts"][0]["decision"]) == ("STAGED", "DECLINED")


def test_a_series_rule_goes_with_the_project_to_the_trusts(hub):
    alpha, project = hub.trust("alpha"), draft(hub)
    assert project["series_rule"] is None
    path = f"projects/{project['id']}"
    for wrong in ({"shoe": 1}, {"planes": ["oblique"]}, {"min_thickness_mm": 5, "max_thickness_mm": 1}):
        assert hub.researcher.refused("PATCH", path, json={"series_rule": wrong}) == "invalid_request"
    rule = {"modalities": ["CT"], "description": ["portal*"], "pick": "thinnest"}
    edited = hub.researcher.call("PATCH", path, json={"series_rule": rule}).json()
    assert {key: edited["series_rule"][key] for key in rule} == rule
    hub.researcher.post(f"{path}/cohort-queries", {"sql": QUERY})
    alpha.answer_count(40)
    hub.researcher.post(f"{path}/stage", {"trusts": ["alpha"]}, 200)
    (task,) = alpha.claim()
    assert {key: task["payload"]["series_rule"][key] for key in rule} == rule
    body = {"name": "T", "purpose": "x", "kind": "tabular", "series_rule": rule}
    assert hub.researcher.post("projects", body)["series_rule"] is None
