"""Tutorials on a real federation: one with images, one without. Fewer rounds than their pages show."""

import pytest
from demo import story
from demo.client import HubClient
from demo.stack import REPO, Stack

pytestmark = pytest.mark.slow
TRUSTS = ["trust-alpha", "trust-beta"]


def train(stack: Stack, me: HubClient, project: dict, tutorial: str, **run_config: int) -> dict[str, dict[str, list]]:
    """Values by label and trust."""
    model = story.model_with_app(me, project["id"], tutorial, REPO / "tutorials" / tutorial)
    run = story.finish(stack, me, me.post(f"models/{model['id']}/runs", {"run_config": run_config})["id"])
    assert run["state"] == "succeeded", run["reason_text"]
    charts: dict[str, dict[str, list]] = {}
    for series in me.get(f"runs/{run['id']}/metrics"):
        charts.setdefault(series["label"], {})[series["trust"]] = [value for _, value in series["points"]]
    return charts


def test_monai_learns_on_the_hospitals_own_studies(stack: Stack, me: HubClient, project: dict):
    charts = train(stack, me, project, "monai", **{"num-server-rounds": 2, "local-epochs": 1})
    assert {"TRAIN_LOSS", "VAL_LOSS", "VAL_DICE"} <= set(charts)
    for trust in TRUSTS:
        losses = charts["TRAIN_LOSS"][trust]
        assert len(losses) == 2  # a point per local epoch
        assert losses[-1] < losses[0]


def test_a_risk_model_trains_on_the_record_alone(stack: Stack, me: HubClient):
    sql = (REPO / "tutorials" / "ehr_risk" / "query.sql").read_text()
    project = story.approved_project(stack, me, "Risk", sql, TRUSTS, kind="tabular")
    charts = train(stack, me, project, "ehr_risk")
    for trust in TRUSTS:
        losses = charts["TRAIN_LOSS"][trust]
        assert losses[-1] < losses[0]
        assert charts["VAL_AUC"][trust][-1] > 0.55  # older people of the synthetic record have more diagnoses
