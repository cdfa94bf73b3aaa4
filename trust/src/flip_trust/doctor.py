"""What is missing at this trust, in plain words. Each check is quick and changes nothing."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import psycopg

from flip_trust.agent import Agent
from flip_trust.sql.engine import EngineFailed
from flip_trust.sql.roles import weaknesses

LEAST_FREE_BYTES, LARGEST_SKEW_SECONDS = 5 * 2**30, 60


@dataclass(frozen=True)
class Finding:
    name: str
    fine: bool
    remedy: str = ""


def findings(agent: Agent) -> Iterator[Finding]:
    settings, identity = agent.settings, agent.store.identity()
    yield Finding("enrolled", "token" in identity, "run `flip-trust enrol`")
    yield _omop(agent)
    if settings.omop_url is not None:
        yield _role(settings.omop_url.get_secret_value())
    yield Finding("DICOM folder", settings.dicom_dir.is_dir(), "FLIP_TRUST_DICOM_DIR names no folder")
    yield Finding("flip-fl", os.access(settings.fl_command, os.X_OK), "FLIP_TRUST_FL_COMMAND names no executable")
    yield _sandbox(agent)
    yield Finding("dead letters", not agent.store.dead_letters(), "the hub refused messages; see the agent's log")
    free = shutil.disk_usage(settings.data_dir).free
    yield Finding("disk", free >= LEAST_FREE_BYTES, f"only {free // 2**30} GiB are free under FLIP_TRUST_DATA_DIR")
    yield _clock(settings.hub_url)


def _omop(agent: Agent) -> Finding:
    try:
        everybody = agent.engine.check("SELECT person_id FROM omop.person")
        (persons,) = agent.engine.aggregate(everybody, {"n": "SELECT count(*) FROM cohort"})["n"][0]
    except EngineFailed as failure:
        remedy = {
            "engine_unreachable": "PostgreSQL at FLIP_TRUST_OMOP_URL does not answer or knows no such role; "
            "`flip-trust omop init-role --run` makes it",
            "query_timeout": "counting persons takes too long; index person, or give more FLIP_TRUST_QUERY_SECONDS",
        }.get(failure.code, "there is no CDM to read; make a mart with `flip-trust omop load` or `omop synth`")
        return Finding("OMOP database", False, remedy)
    return Finding("OMOP database", persons > 0, "it holds no person; load a CDM with `flip-trust omop load`")


def _sandbox(agent: Agent) -> Finding:
    sandbox = agent.supervisor.sandbox
    if os.access(agent.settings.fl_command, os.X_OK):
        sandbox.probe()
    fine = sandbox.level.rank >= agent.settings.sandbox_minimum.rank
    return Finding("sandbox", fine, f"only '{sandbox.level}': {sandbox.report.why}")


def _role(url: str) -> Finding:
    try:
        can = weaknesses(url)
    except psycopg.Error:
        return Finding("OMOP role", False, "it cannot read the views; run `flip-trust omop init-role --run` again")
    remedy = f"the role can {', '.join(can)}; run `flip-trust omop init-role --run` (after each upgrade of PostgreSQL)"
    return Finding("OMOP role", not can, remedy)


def _clock(hub_url: str, get: Callable[..., httpx.Response] = httpx.get) -> Finding:
    try:
        told = parsedate_to_datetime(get(hub_url, timeout=5).headers["date"])
    except (httpx.HTTPError, KeyError, ValueError):
        return Finding("hub", False, f"{hub_url} does not answer; check FLIP_TRUST_HUB_URL and the network")
    skew = abs((datetime.now(UTC) - told).total_seconds())
    return Finding("clock", skew <= LARGEST_SKEW_SECONDS, f"it differs from the hub's by {skew:.0f} s; set up NTP")
