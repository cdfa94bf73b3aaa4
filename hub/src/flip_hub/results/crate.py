"""Facts as a Five Safes RO-Crate (profile 0.4), which other research infrastructures can read."""

from collections.abc import Sequence
from typing import Any, Final

from rocrate.model.contextentity import ContextEntity
from rocrate.model.entity import Entity
from rocrate.model.file import File
from rocrate.rocrate import ROCrate

from flip_hub.results.facts import Approval, Facts

PROFILE: Final = "https://w3id.org/5s-crate/0.4"
SHP: Final = "https://w3id.org/shp#"
STATUS: Final = {"succeeded": "CompletedActionStatus", "failed": "FailedActionStatus", "stopped": "FailedActionStatus"}
DONE: Final = "http://schema.org/CompletedActionStatus"
TYPES: Final = {
    ".json": "application/json",
    ".csv": "text/csv",
    ".md": "text/markdown",
    ".sql": "application/sql",
    ".log": "text/plain",
    ".png": "image/png",
}


def crate_of(facts: Facts, files: Sequence[tuple[str, int]]) -> dict[str, Any]:
    """The content of `ro-crate-metadata.json`; `files`: path and bytes of what lies beside it."""
    crate = ROCrate()
    crate.name = f"{facts.model}: run {facts.run_id}"
    crate.description = f"Results of federated training in the project {facts.project}: {facts.purpose}"
    crate.license = "Use is bound to the project and to the approvals of its trusts"
    root: Any = crate.root_dataset
    root["conformsTo"] = _add(crate, PROFILE, "CreativeWork", name="Five Safes RO-Crate 0.4")
    project = _add(crate, f"#project-{facts.project_id}", "Project", name=facts.project, description=facts.purpose)
    root["sourceOrganization"] = project
    trusts = {name: _add(crate, f"#trust-{name}", "Organization", name=name) for name, _, _ in facts.trusts}
    hub = _add(crate, "#flip-hub", "SoftwareApplication", name="FLIP hub", softwareVersion=facts.versions["flip-hub"])
    code = _code(crate, facts)
    root["mainEntity"] = code
    outputs = [_file(crate, path, size) for path, size in files]
    run = _run(crate, facts, code, project, trusts, outputs)
    checks = [_check(crate, facts, hub), *(_sign_off(crate, a, trusts) for a in facts.approvals)]
    root["mentions"] = [run, *checks]
    return crate.metadata.generate()


def _add(crate: ROCrate, identifier: str, kind: str | list[str], **properties: Any) -> Entity:
    given = {key: value for key, value in properties.items() if value is not None}
    return _added(crate, ContextEntity(crate, identifier, properties={"@type": kind, **given}))


def _added(crate: ROCrate, entity: Entity) -> Entity:
    crate.add(entity)  # answers a tuple where several are given
    return entity


def _file(crate: ROCrate, path: str, size: int) -> Entity:
    properties = {"name": path.rsplit("/", 1)[-1], "contentSize": str(size)}
    for suffix, kind in TYPES.items():
        if path.endswith(suffix):
            properties["encodingFormat"] = kind
    return _added(crate, File(crate, dest_path=path, properties=properties))


def _code(crate: ROCrate, facts: Facts) -> Entity:
    """The app as it was uploaded: each file by its hash, the whole by the hash that the trusts were told."""
    parts = [
        _add(crate, f"#app/{path}", "SoftwareSourceCode", name=path, sha256=digest, contentSize=str(size))
        for path, digest, size in facts.files
    ]
    return _add(
        crate,
        f"#app-{facts.code_sha256 or facts.run_id}",
        ["SoftwareSourceCode", "Dataset"],
        name=f"Flower app of {facts.model}",
        sha256=facts.code_sha256,
        description=facts.description or None,
        hasPart=parts,
        softwareRequirements=[f"{name} {number}" for name, number in sorted(facts.versions.items())],
    )


def _run(
    crate: ROCrate, facts: Facts, code: Entity, project: Entity, trusts: dict[str, Entity], outputs: list[Entity]
) -> Entity:
    person = _add(crate, "#requested-by", "Person", name=facts.requested_by, memberOf=project)
    cohort = _add(crate, f"#cohort-{facts.query_id}", "PropertyValue", name="cohort query", value=facts.sql)
    config = [
        _add(crate, f"#config-{key}", "PropertyValue", name=key, value=str(value))
        for key, value in sorted(facts.run_config.items())
    ]
    metrics = [
        _add(
            crate,
            f"#metric-{m['trust']}-{m['label']}-{m['x_label']}",
            "PropertyValue",
            name=f"{m['label']} ({m['trust']}, by {m['x_label']})",
            value=m["last"],
            minValue=m["lowest"],
            maxValue=m["highest"],
        )
        for m in facts.metrics
    ]
    rounds = [
        f"round {r['round']} {r['phase']}: {r['results']} results, {r['failures']} failures" for r in facts.rounds
    ]
    return _add(
        crate,
        f"#run-{facts.run_id}",
        "CreateAction",
        name=f"Federated training of {facts.model}",
        description="; ".join(rounds) or None,
        agent=person,
        participant=list(trusts.values()),
        instrument=code,
        object=[cohort, *config],
        result=[*outputs, *metrics],
        startTime=facts.started_at.isoformat() if facts.started_at else None,
        endTime=facts.finished_at.isoformat() if facts.finished_at else None,
        actionStatus=f"http://schema.org/{STATUS.get(facts.state, 'ActiveActionStatus')}",
        error=facts.reason if facts.state in ("failed", "stopped") else None,
    )


def _check(crate: ROCrate, facts: Facts, hub: Entity) -> Entity:
    return _add(
        crate,
        "#app-check",
        "AssessAction",
        additionalType={"@id": f"{SHP}ValidationCheck"},
        name="App checks and cohort SQL guard: passed",
        agent=hub,
        object=crate.root_dataset,
        endTime=facts.created_at.isoformat(),
        actionStatus=DONE,
    )


def _sign_off(crate: ROCrate, approval: Approval, trusts: dict[str, Entity]) -> Entity:
    agent = trusts.get(approval.trust) or _add(crate, f"#trust-{approval.trust}", "Organization", name=approval.trust)
    approved = approval.decision == "APPROVED"
    status = "CompletedActionStatus" if approved else "FailedActionStatus"
    return _add(
        crate,
        f"#sign-off-{approval.trust}",
        "AssessAction",
        additionalType={"@id": f"{SHP}SignOff"},
        name=f"Decision of {approval.trust}: {approval.decision.lower()}",
        description=approval.conditions or None,
        agent=agent,
        object=crate.root_dataset,
        endTime=approval.decided_at.isoformat() if approval.decided_at else None,
        actionStatus=f"http://schema.org/{status if approval.decided_at else 'PotentialActionStatus'}",
    )
