"""The ledger for others: CSV for a spreadsheet, FHIR R4 AuditEvent as NDJSON for a hospital's audit repository.

FHIR R4 AuditEvent: https://hl7.org/fhir/R4/auditevent.html; codes of DICOM PS3.16 CID 400 and of
http://terminology.hl7.org/CodeSystem/audit-event-type.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from typing import Any

from flip_trust.ledger.what_left import REFUSED, Written

COLUMNS = tuple(f.name for f in fields(Written))
_OURS = "urn:flip"
_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(entries: Iterable[Written]) -> Iterator[str]:
    """Line by line, with a header. A text that a spreadsheet would take for a formula gets a quote before it."""
    yield _line(COLUMNS)
    for entry in entries:
        values = asdict(entry)
        yield _line(_plain(values[name]) for name in COLUMNS)


def _line(values: Iterable[object]) -> str:
    sink = io.StringIO()
    csv.writer(sink).writerow(list(values))
    return sink.getvalue()


def _plain(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def as_fhir(entries: Iterable[Written], trust: str) -> Iterator[str]:
    """One AuditEvent a line."""
    for entry in entries:
        yield json.dumps(audit_event(entry, trust), ensure_ascii=False, separators=(",", ":")) + "\n"


def audit_event(entry: Written, trust: str) -> dict[str, Any]:
    refused = entry.outcome == REFUSED
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": f"flip-{entry.seq}",
        "type": {"system": _DCM, "code": "110106", "display": "Export"},
        "subtype": [{"system": _OURS, "code": entry.kind}],
        "action": "E" if refused else "R",
        "recorded": entry.at,
        "outcome": "4" if refused else "0",
        "agent": [
            {
                "type": {"coding": [{"system": _DCM, "code": "110153", "display": "Source Role ID"}]},
                "who": {"display": f"FLIP agent of {trust}"},
                "requestor": False,
            },
            {
                "type": {"coding": [{"system": _DCM, "code": "110152", "display": "Destination Role ID"}]},
                "who": {"display": "FLIP hub"},
                "requestor": True,
            },
        ],
        "source": {
            "observer": {"display": f"FLIP agent of {trust}"},
            "type": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/security-source-type",
                    "code": "4",
                    "display": "Application Server",
                }
            ],
        },
        "entity": _entities(entry),
    }
    if entry.text or entry.code:
        event["outcomeDesc"] = ": ".join(part for part in (entry.code, entry.text) if part)
    if entry.approved_by:
        event["agent"].append(
            {"who": {"display": entry.approved_by}, "role": [{"text": "approver"}], "requestor": False}
        )
    return event


def _entities(entry: Written) -> list[dict[str, Any]]:
    details = {"outcome": entry.outcome, "bytes": str(entry.bytes), "sha256": entry.sha256, "ledgerHash": entry.hash}
    told = [{"type": name, "valueString": value} for name, value in details.items() if value]
    found: list[dict[str, Any]] = [{"name": f"ledger entry {entry.seq}", "detail": told}]
    if entry.subject:
        found[0]["what"] = {"identifier": {"system": f"{_OURS}:message", "value": entry.subject}}
    for name, value in (("project", entry.project_id), ("run", entry.run_id)):
        if value:
            found.append({"what": {"identifier": {"system": f"{_OURS}:{name}", "value": value}}, "name": name})
    return found
