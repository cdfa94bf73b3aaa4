"""The hospital's own systems: OMOP, the role in it, the PACS."""

from typing import TYPE_CHECKING

import psycopg

from flip_trust.doctor.finding import Finding, fine, wrong
from flip_trust.sql.engine import EngineFailed
from flip_trust.sql.roles import weaknesses

if TYPE_CHECKING:
    from flip_trust.agent import Agent


REMEDIES = {
    "engine_unreachable": "PostgreSQL at FLIP_TRUST_OMOP_URL does not answer or knows no such role; "
    "`flip-trust omop init-role --run` makes it",
    "query_timeout": "counting persons takes too long; index person, or give more FLIP_TRUST_QUERY_SECONDS",
}
NO_CDM = "there is no CDM to read; make a mart with `flip-trust omop load` or `omop synth`"


def omop(agent: "Agent") -> Finding:
    name = "OMOP database"
    try:
        everybody = agent.engine.check("SELECT person_id FROM omop.person")
        (persons,) = agent.engine.aggregate(everybody, {"n": "SELECT count(*) FROM cohort"})["n"][0]
    except EngineFailed as failure:
        return wrong(name, "it gives no answer", REMEDIES.get(failure.code, NO_CDM))
    return (
        fine(name, "it answers") if persons else wrong(name, "it holds no person", "load one: `flip-trust omop load`")
    )


def role(agent: "Agent") -> Finding | None:
    """None with DuckDB, which has no roles."""
    url = agent.settings.omop_url
    if url is None:
        return None
    name, again = "OMOP role", "run `flip-trust omop init-role --run`"
    try:
        can = weaknesses(url.get_secret_value())
    except psycopg.Error:
        return wrong(name, "it cannot read the views", f"{again} again")
    told = f"it can {', '.join(can)}"
    return wrong(name, told, f"{again} (after each upgrade of PostgreSQL)") if can else fine(name, "it only reads")


def pacs(agent: "Agent") -> Finding:
    folder = agent.settings.dicom_dir
    if folder is None:
        steps = list(agent.pipeline.driver.test())
        if steps[-1].fine:
            return fine("PACS", "it can be asked")
        return wrong("PACS", steps[-1].name, f"{steps[-1].remedy} `flip-trust pacs test` goes step by step")
    if folder.is_dir():
        return fine("PACS", "a folder of DICOM files")
    return wrong("PACS", "the folder of DICOM files is not there", "FLIP_TRUST_DICOM_DIR has to name it")
