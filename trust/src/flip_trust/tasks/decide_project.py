"""The trust's admin has decided at the hub. Whether that counts is for this trust's policy; the signature is ours."""

from flip_contracts.tasks import DecideProject, Empty
from flip_trust.errors import CohortChanged, DecideAtTheHospital
from flip_trust.tasks.registry import Tools


def run(payload: DecideProject, tools: Tools) -> Empty:
    if tools.policy.current.decisions.at_hub != "allowed":
        raise DecideAtTheHospital(
            "This trust's policy lets nobody decide through the hub. Decide at the hospital: on its own page, or with "
            f"`flip-trust show {payload.project_id}`."
        )
    project = tools.store.project(payload.project_id)
    if project is not None and project.review.query_id != payload.query_id:
        raise CohortChanged("The decision is about another cohort query than the one this trust was asked about.")
    by, approvals, project_id = f"{payload.asked_by} (at the hub)", tools.approvals, payload.project_id
    match payload.action:
        case "approve":
            approvals.approve(project_id, payload.conditions, payload.expires_days, by, at_hub=True)
        case "renew":
            approvals.renew(project_id, payload.conditions or None, payload.expires_days, by, at_hub=True)
        case "decline":
            approvals.decline(project_id, by, at_hub=True)
        case "withdraw":
            approvals.withdraw(project_id, by, at_hub=True)
    return Empty()
