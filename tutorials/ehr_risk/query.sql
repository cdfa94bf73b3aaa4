-- One row per adult: who, how often seen, two diagnoses, four laboratory means, and the outcome to predict.
WITH flags AS (
    SELECT
        person_id,
        MAX(CASE WHEN condition_concept_id = 201826 THEN 1 ELSE 0 END) AS diabetes,
        MAX(CASE WHEN condition_concept_id = 320128 THEN 1 ELSE 0 END) AS hypertension,
        MAX(CASE WHEN condition_concept_id = 317576 THEN 1 ELSE 0 END) AS coronary_disease
    FROM omop.condition_occurrence
    GROUP BY person_id
),
labs AS (
    SELECT
        person_id,
        AVG(CASE WHEN measurement_concept_id = 3004410 THEN value_as_number END) AS hba1c,
        AVG(CASE WHEN measurement_concept_id = 3016723 THEN value_as_number END) AS creatinine,
        AVG(CASE WHEN measurement_concept_id = 3027114 THEN value_as_number END) AS cholesterol,
        AVG(CASE WHEN measurement_concept_id = 3000963 THEN value_as_number END) AS haemoglobin
    FROM omop.measurement
    GROUP BY person_id
),
seen AS (
    SELECT person_id, COUNT(*) AS visits
    FROM omop.visit_occurrence
    GROUP BY person_id
)
SELECT
    p.person_id,
    2025 - p.year_of_birth AS age,
    CASE WHEN p.gender_concept_id = 8507 THEN 1 ELSE 0 END AS is_male,
    COALESCE(s.visits, 0) AS visits,
    COALESCE(f.diabetes, 0) AS diabetes,
    COALESCE(f.hypertension, 0) AS hypertension,
    l.hba1c,
    l.creatinine,
    l.cholesterol,
    l.haemoglobin,
    COALESCE(f.coronary_disease, 0) AS outcome
FROM omop.person AS p
LEFT JOIN flags AS f ON f.person_id = p.person_id
LEFT JOIN labs AS l ON l.person_id = p.person_id
LEFT JOIN seen AS s ON s.person_id = p.person_id
WHERE p.year_of_birth <= 2007
