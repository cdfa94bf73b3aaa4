"""A query in words: what it says, and that it never says more than the query."""

import pytest
import sqlglot
from sqlglot import exp

from flip_contracts.sql_guard.words import UNREADABLE, describe


def said(sql: str) -> str:
    return "\n".join(describe(sql))


def test_a_cohort_query_reads_like_a_sentence():
    sql = """
        SELECT i.accession_id, i.image_occurrence_date AS day, p.year_of_birth
        FROM omop.image_occurrence i
        JOIN omop.person p ON p.person_id = i.person_id
        WHERE i.modality_concept_id IN (4013636, 4056681) AND p.year_of_birth BETWEEN 1940 AND 1980
          AND (p.gender_concept_id = 8532 OR p.race_concept_id IS NULL)
          AND NOT EXISTS (SELECT 1 FROM omop.death d WHERE d.person_id = p.person_id)
        ORDER BY i.image_occurrence_date DESC LIMIT 500
    """
    assert describe(sql) == [
        "Shows: accession_id of image_occurrence, day (which is image_occurrence_date of image_occurrence), "
        "year_of_birth of person.",
        "From: image_occurrence (called i).",
        "joined with person (called p), matched where person_id of person is person_id of image_occurrence.",
        "Only where:",
        "  - modality_concept_id of image_occurrence is one of 4013636, 4056681",
        "  - year_of_birth of person is from 1940 to 1980, both included",
        "  - one or more of these:",
        "    - gender_concept_id of person is 8532",
        "    - race_concept_id of person is missing",
        "  - there is no row in:",
        "    Shows: 1.",
        "    From: death (called d).",
        "    Only where:",
        "      - person_id of death is person_id of person",
        "In the order of: image_occurrence_date of image_occurrence, highest first.",
        "At most 500 rows.",
    ]


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("year_of_birth >= 1950", "year_of_birth is at least 1950"),
        ("year_of_birth <> 1950", "year_of_birth is not 1950"),
        ("year_of_birth IS NOT NULL", "year_of_birth is present"),
        ("year_of_birth IS NOT TRUE", "it is not so that year_of_birth is true"),
        ("year_of_birth NOT IN (1, 2)", "it is not so that year_of_birth is one of 1, 2"),
        ("year_of_birth NOT BETWEEN 1 AND 2", "it is not so that year_of_birth is from 1 to 2, both included"),
        ("lower('x') NOT LIKE 'y'", "it is not so that LOWER('x') matches the pattern 'y'"),
        ("lower('x') NOT ILIKE 'y'", "it is not so that LOWER('x') matches, in any case of letters, the pattern 'y'"),
        ("year_of_birth BETWEEN SYMMETRIC 2 AND 1", "SQL: year_of_birth BETWEEN SYMMETRIC 2 AND 1"),
        ("year_of_birth IS DISTINCT FROM 3", "SQL: year_of_birth IS DISTINCT FROM 3"),
        ("NOT year_of_birth > 1950", "it is not so that year_of_birth is greater than 1950"),
        ("abs(year_of_birth) = 5", "ABS(year_of_birth) is 5"),
    ],
)
def test_conditions(condition: str, words: str):
    assert f"- {words}" in said(f"SELECT person_id FROM omop.person WHERE {condition}")


def test_sets_lists_groups_and_subqueries():
    text = said(
        "WITH old AS (SELECT person_id FROM omop.person WHERE year_of_birth < 1950) "
        "SELECT person_id, count(DISTINCT visit_occurrence_id) AS n FROM omop.visit_occurrence "
        "WHERE person_id IN (SELECT person_id FROM old) GROUP BY person_id HAVING count(*) > 2 "
        "UNION SELECT person_id, 0 FROM omop.person"
    )
    for part in (
        "First a list called old:",
        "The rows of both of these:",
        "n (which is the number of different visit_occurrence_id)",
        "person_id is among the rows of:",
        "Gathered by: person_id.",
        "the number of rows is greater than 2",
    ):
        assert part in text


def test_a_table_that_is_joined_with_itself_keeps_its_two_names():
    text = said("SELECT a.person_id FROM omop.death a JOIN omop.death b ON a.person_id = b.person_id")
    assert "person_id of a is person_id of b" in text


@pytest.mark.parametrize("sql", ["", "SELECT FROM", "DROP TABLE omop.person", "SELECT 1; SELECT 2", "(((" * 400])
def test_what_is_no_query_is_not_put_into_words(sql: str):
    assert describe(sql) == [UNREADABLE]


def test_every_number_text_and_table_of_the_query_is_said():
    """Over queries of many shapes: nothing of what it filters by is left out."""
    queries = [
        "SELECT person_id FROM omop.person WHERE (year_of_birth = 1 AND month_of_birth = 2) OR (year_of_birth = 3)",
        "SELECT person_id FROM omop.person WHERE NOT (year_of_birth IN (4, 5)) AND lower('x') LIKE '%6%'",
        "SELECT p.person_id FROM omop.person p LEFT JOIN omop.death d ON d.person_id = p.person_id AND 7 = 7",
        "SELECT person_id FROM omop.person WHERE CASE WHEN year_of_birth > 8 THEN 9 ELSE 10 END = 11 OFFSET 12",
        "SELECT q.person_id FROM (SELECT person_id FROM omop.person WHERE year_of_birth > 13) q",
        "SELECT person_id FROM omop.person EXCEPT SELECT person_id FROM omop.death WHERE cause_concept_id = 14",
        "SELECT person_id, sum(15) OVER (PARTITION BY person_id) AS s FROM omop.person GROUP BY 1 HAVING max(16) > 17",
    ]
    for sql in queries:
        text, tree = said(sql), sqlglot.parse_one(sql, read="postgres")
        for literal in tree.find_all(exp.Literal):
            assert literal.this in text, sql
        for table in tree.find_all(exp.Table):
            assert table.name in text, sql
