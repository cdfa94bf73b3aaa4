"""The early check of cohort SQL knows what kind of project it is for."""

import pytest

WITHOUT = "SELECT person_id FROM omop.person"
WITH = "SELECT person_id, accession_id FROM omop.image_occurrence"


@pytest.mark.parametrize(
    ("sql", "kind", "said"),
    [
        (WITHOUT, None, "A tabular project does not."),
        (WITHOUT, "imaging", "Without it no image is prepared."),
        (WITHOUT, "tabular", ""),
        (WITH, "imaging", ""),
        (WITH, None, ""),
    ],
)
def test_accession_id_is_asked_for_where_images_are(hub, sql, kind, said):
    checked = hub.researcher.post("cohort-queries/check", {"sql": sql, "kind": kind}, 200)
    assert checked["ok"]
    assert said in " ".join(checked["warnings"])
    assert bool(checked["warnings"]) == bool(said)
